import { stateCode } from "../../packages/drover/src/store/index.ts"
import type { Checker } from "./checker.ts"
import type { JobRecord, Move } from "./jobRecord.ts"
import type { Sometimes } from "./sometimes.ts"
import { promise } from "./violation.ts"

/** At no instant do two jobs of one unique key live in the states in which the key is held. */
export class UniqueChecker implements Checker {
  readonly name = "unique"
  readonly #sometimes: Sometimes
  readonly #holders: Map<string, Map<number, JobRecord>> = new Map()
  readonly #dirty: Set<string> = new Set()
  #at = 0

  constructor(sometimes: Sometimes) {
    this.#sometimes = sometimes
  }

  moved(move: Move): void {
    this.#at = Math.max(this.#at, move.at)
    if (move.to === "cancelled" && move.reason?.includes("unique key") === true) {
      this.#sometimes.hit("a job that came back found its unique key taken")
    }
  }

  changed(before: JobRecord | null, after: JobRecord): void {
    if (before?.uniqueHash !== after.uniqueHash && before !== null) this.#forget(before)
    if (after.uniqueHash === null) return
    let holders = this.#holders.get(after.uniqueHash)
    if (holders === undefined) {
      holders = new Map()
      this.#holders.set(after.uniqueHash, holders)
    }
    if (holds(after)) holders.set(after.seq, after)
    else holders.delete(after.seq)
    if (before === null || !holds(before)) this.#dirty.add(after.uniqueHash)
  }

  deleted(before: JobRecord): void {
    this.#forget(before)
  }

  settled(): void {
    if (this.#dirty.size === 0) return
    for (const hash of this.#dirty) this.#judge(hash)
    this.#dirty.clear()
  }

  #judge(hash: string): void {
    const live = [...(this.#holders.get(hash)?.values() ?? [])].filter(
      ({ uniqueUntil }) => uniqueUntil === null || uniqueUntil > this.#at,
    )
    const label = live[0]?.uniqueLabel ?? ""
    promise(
      live.length <= 1,
      this.name,
      () =>
        `${live.length} jobs hold the unique key ${label}: ${live.map(({ id, state }) => `${id} ${state}`).join(", ")}`,
    )
  }

  #forget(record: JobRecord): void {
    if (record.uniqueHash !== null) this.#holders.get(record.uniqueHash)?.delete(record.seq)
  }
}

function holds({ uniqueStates, state }: JobRecord): boolean {
  return ((uniqueStates >> stateCode(state)) & 1) === 1
}
