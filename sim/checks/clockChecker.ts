import type { StoreCall } from "../faults/faultStore.ts"
import type { Checker } from "./checker.ts"
import type { Move } from "./jobRecord.ts"
import { promise } from "./violation.ts"

// Store time is whole milliseconds.
const ROUNDING_MS = 3

/**
 * Store time that was committed goes on for everybody: no process decides by an earlier one, not even one that has
 * just started, whatever its wall clock says. By what comes out of it (moves of jobs), since what a process thinks is not seen.
 */
export class ClockChecker implements Checker {
  readonly name = "clock"
  readonly #nowMs: () => number
  #isHeld = false
  #aheadMs = Number.NEGATIVE_INFINITY

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  // A user's transaction has the time of its begin, for the jobs that it enqueues and for those that they replace.
  executed(call: StoreCall): void {
    if (call.op === "transaction") this.#isHeld = true
  }

  settled(): void {
    this.#isHeld = false
  }

  moved(move: Move): void {
    if (this.#isHeld) return
    const aheadMs = move.at - this.#nowMs()
    promise(
      aheadMs >= this.#aheadMs - ROUNDING_MS,
      this.name,
      () =>
        `job #${move.job} went from ${move.from} to ${move.to} by a store time ${(this.#aheadMs - aheadMs).toFixed(0)} ms behind what was committed`,
    )
    this.#aheadMs = Math.max(this.#aheadMs, aheadMs)
  }
}
