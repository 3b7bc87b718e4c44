import type { Checker } from "./checker.ts"
import type { HandlerRun } from "./jobRecord.ts"
import type { Sometimes } from "./sometimes.ts"
import { promise } from "./violation.ts"

// A process that was just resumed learns at its next timer that it lost its lease.
const AWAKE_MS = 1_500

/**
 * A new attempt starts only when the handler of the one before has ended or was told to: its process is
 * gone or stopped, or its signal is aborted. That is what the trust window is for.
 */
export class OverlapChecker implements Checker {
  readonly name = "overlap"
  readonly #sometimes: Sometimes
  readonly #nowMs: () => number
  readonly #runs: Map<string, Set<HandlerRun>> = new Map()

  constructor(sometimes: Sometimes, nowMs: () => number) {
    this.#sometimes = sometimes
    this.#nowMs = nowMs
  }

  handlerStarted(run: HandlerRun): void {
    let runs = this.#runs.get(run.jobId)
    if (runs === undefined) {
      runs = new Set()
      this.#runs.set(run.jobId, runs)
    }
    for (const other of runs) this.#judge(run, other)
    runs.add(run)
  }

  handlerEnded(run: HandlerRun): void {
    const runs = this.#runs.get(run.jobId)
    runs?.delete(run)
    if (runs?.size === 0) this.#runs.delete(run.jobId)
  }

  #judge(run: HandlerRun, other: HandlerRun): void {
    promise(
      other.attempt !== run.attempt,
      this.name,
      () => `attempt ${run.attempt} of job ${run.jobId} was started twice`,
    )
    const { life } = other
    if (life.isDead) return
    this.#sometimes.hit("a new attempt ran beside a superseded one")
    const isAwake = !life.isPaused && this.#nowMs() - life.lastStalledMs > AWAKE_MS
    promise(
      other.signal.aborted || !isAwake,
      this.name,
      () =>
        `attempt ${run.attempt} of job ${run.jobId} started in process ${run.process} while attempt ${other.attempt} runs unaborted in process ${other.process}`,
    )
  }
}
