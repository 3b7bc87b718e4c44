import type { Checker } from "./checker.ts"
import type { HandlerRun } from "./jobRecord.ts"
import { promise } from "./violation.ts"

// Hints take 12 ms, calls 2 ms, an exchange and a look a few of them.
const LATEST_MS = 400

/**
 * On a healthy machine with nothing else to do, a job starts when it is due, wherever it was enqueued: a due
 * time wakes its claimer at that instant, not at a poll or a sweep.
 */
export class PromptChecker implements Checker {
  readonly name = "prompt"
  readonly #nowMs: () => number
  readonly #dueMs: Map<string, number> = new Map()

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** A probe that is due in `delayMs` from now was committed. */
  expect(jobId: string, delayMs: number): void {
    this.#dueMs.set(jobId, this.#nowMs() + delayMs)
  }

  handlerStarted(run: HandlerRun): void {
    const dueMs = this.#dueMs.get(run.jobId)
    if (dueMs === undefined) return
    this.#dueMs.delete(run.jobId)
    const lateMs = this.#nowMs() - dueMs
    promise(
      lateMs <= LATEST_MS,
      this.name,
      () => `job ${run.jobId} started ${lateMs.toFixed(0)} ms after it was due on an idle machine`,
    )
  }
}
