import { mayMove } from "../../packages/drover/src/store/index.ts"
import type { JobState } from "../../packages/drover/src/store/index.ts"
import type { Checker } from "./checker.ts"
import type { JobRecord, Move } from "./jobRecord.ts"
import { promise } from "./violation.ts"

interface Last {
  readonly seq: number
  readonly to: JobState
  readonly attempt: number
}

// What may not change without a trail entry. Editing (input, priority, due time) and asking for a cancel may.
const TRAILED = [
  "state",
  "attempt",
  "token",
  "worker",
  "failures",
  "crashes",
  "interruptions",
  "finishedAt",
  "result",
  "error",
  "trail",
] as const satisfies readonly (keyof JobRecord)[]

/** The trail is complete and legal: every change of a job is in it, in order, and every entry is an arrow of docs/states.md. */
export class TrailChecker implements Checker {
  readonly name = "trail"
  readonly #last: Map<number, Last> = new Map()
  #at = 0

  moved(move: Move): void {
    const last = this.#last.get(move.job)
    const what = `job #${move.job}: entry ${move.seq} from ${move.from} to ${move.to}, attempt ${move.attempt}`
    promise(
      mayMove(move.from, move.to),
      this.name,
      () => `${what} is not an arrow of docs/states.md`,
    )
    promise(
      move.from === (last?.to ?? null),
      this.name,
      () => `${what}, but the job was ${last?.to ?? "not there"}`,
    )
    promise(
      move.prev === (last?.seq ?? null),
      this.name,
      () => `${what} is not linked to ${last?.seq}`,
    )
    const attempt = (last?.attempt ?? 0) + (move.to === "running" ? 1 : 0)
    promise(
      move.attempt === attempt,
      this.name,
      () => `${what}, but the attempt should be ${attempt}`,
    )
    promise(
      move.at >= this.#at,
      this.name,
      () => `${what}: store time went back by ${this.#at - move.at} ms`,
    )
    this.#at = move.at
    this.#last.set(move.job, { seq: move.seq, to: move.to, attempt })
  }

  changed(before: JobRecord | null, after: JobRecord, moves: readonly Move[]): void {
    const last = this.#last.get(after.seq)
    promise(
      last?.to === after.state && last.seq === after.trail && last.attempt === after.attempt,
      this.name,
      () =>
        `job ${after.id} is ${after.state} (attempt ${after.attempt}), but its trail ends with ${JSON.stringify(last)}`,
    )
    if (moves.length > 0 || before === null) return
    const changed = TRAILED.filter((field) => before[field] !== after[field])
    promise(
      changed.length === 0,
      this.name,
      () => `job ${after.id} (${after.state}) changed ${changed.join(", ")} without a trail entry`,
    )
  }

  deleted(before: JobRecord): void {
    this.#last.delete(before.seq)
  }
}
