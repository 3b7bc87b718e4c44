import type { Checker } from "./checker.ts"
import type { JobRecord, Move } from "./jobRecord.ts"
import type { Sometimes } from "./sometimes.ts"
import { promise } from "./violation.ts"

const BIN_MS = 10
const LARGEST_SHARE = 0.25
const FEWEST_JOBS = 20

/** Jobs that fail at the same instant do not come back at the same instant. */
export class LockstepChecker implements Checker {
  readonly name = "lockstep"
  readonly #sometimes: Sometimes
  readonly #herdOf: (jobId: string) => number | undefined
  /** Due times of the first retries, by herd and by the instant of the failure. */
  readonly #retries: Map<string, number[]> = new Map()

  constructor(sometimes: Sometimes, herdOf: (jobId: string) => number | undefined) {
    this.#sometimes = sometimes
    this.#herdOf = herdOf
  }

  changed(_before: JobRecord | null, after: JobRecord, moves: readonly Move[]): void {
    if (after.failures !== 1 || after.state !== "retryable") return
    const failure = moves.find(({ from, to }) => from === "running" && to === "retryable")
    const herd = this.#herdOf(after.id)
    if (failure === undefined || herd === undefined) return
    const key = `${herd}/${failure.at}`
    const dueTimes = this.#retries.get(key) ?? []
    dueTimes.push(after.runAt)
    this.#retries.set(key, dueTimes)
  }

  finished(): void {
    for (const [herd, dueTimes] of this.#retries) {
      if (dueTimes.length < FEWEST_JOBS) continue
      this.#sometimes.hit("a herd failed at one instant")
      const bins = new Map<number, number>()
      for (const at of dueTimes) {
        const bin = Math.floor(at / BIN_MS)
        bins.set(bin, (bins.get(bin) ?? 0) + 1)
      }
      const most = Math.max(...bins.values())
      promise(
        most <= LARGEST_SHARE * dueTimes.length,
        this.name,
        () =>
          `${most} of the ${dueTimes.length} jobs of herd ${herd} that failed together are due within ${BIN_MS} ms`,
      )
    }
  }
}
