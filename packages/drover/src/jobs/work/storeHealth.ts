import { isDroverError } from "../../errors/index.ts"
import type { Events } from "../../events/index.ts"
import type { Reachability } from "../../lease/index.ts"
import { retryDelayMs } from "../../retry/index.ts"
import type { RetryPolicy } from "../../retry/index.ts"
import { wasReported } from "../../store/index.ts"
import type { Clock, Rng } from "../../time/index.ts"

// From a blink to a few seconds: long enough not to hammer a database that is down, short enough that the lease
// (30 s) sees several tries.
const BACKOFF: RetryPolicy = {
  backoff: "exponential",
  baseMs: 50,
  factor: 2,
  capMs: 5_000,
  jitter: "equal",
  maxAttempts: false,
}

interface Failing {
  readonly sinceMono: number
  failures: number
  isTold: boolean
}

/**
 * What the calls of one worker say about its store: one `store.failed` when it stops answering and one
 * `store.recovered` when it answers again, however many calls meet it; and how long to wait before the next. Of what the
 * store has told itself, this says nothing.
 */
export class StoreHealth {
  readonly #clock: Clock
  readonly #rng: Rng
  readonly #events: Events
  readonly #reachability: Reachability
  readonly #onGone: (error: unknown) => void
  // By operation, because one may fail (a full disk) while another goes on (reads).
  readonly #failing: Map<string, Failing> = new Map()

  constructor(options: {
    readonly clock: Clock
    readonly rng: Rng
    readonly events: Events
    readonly reachability: Reachability
    /** The store will not answer any more, however long one waits. */
    readonly onGone: (error: unknown) => void
  }) {
    this.#clock = options.clock
    this.#rng = options.rng
    this.#events = options.events
    this.#reachability = options.reachability
    this.#onGone = options.onGone
  }

  /** The store answered. Cheap. */
  answered(operation: string): void {
    const nowMono = this.#clock.monotonic()
    this.#reachability.reached(nowMono)
    if (this.#failing.size === 0) return
    const failing = this.#failing.get(operation)
    if (failing === undefined) return
    this.#failing.delete(operation)
    if (!failing.isTold) return
    this.#events.emit("store.recovered", { operation, afterMs: nowMono - failing.sinceMono })
  }

  /** The store did not answer. @returns ms to wait before trying again. */
  failed(operation: string, error: unknown): number {
    this.#reachability.interrupted()
    let failing = this.#failing.get(operation)
    if (failing === undefined) {
      failing = { sinceMono: this.#clock.monotonic(), failures: 0, isTold: false }
      this.#failing.set(operation, failing)
    }
    if (!failing.isTold && !wasReported(error)) {
      failing.isTold = true
      this.#events.emit("store.failed", {
        operation,
        code: codeOf(error),
        message: messageOf(error),
      })
    }
    // Only a new process opens what is there now. One that stayed would look healthy and run nothing.
    if (isDroverError(error, "DROVER_STORE_REPLACED")) this.#onGone(error)
    failing.failures++
    return retryDelayMs(failing.failures, BACKOFF, this.#rng)
  }
}

function codeOf(error: unknown): string {
  return isDroverError(error) ? error.code : "unknown"
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
