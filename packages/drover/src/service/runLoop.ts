import type { Events } from "../events/index.ts"
import { retryDelayMs } from "../retry/index.ts"
import type { RetryPolicy } from "../retry/index.ts"
import type { Clock, Rng, Timer } from "../time/index.ts"

/** What a run loop is made of. */
export interface RunLoopOptions {
  /** What events call it. */
  readonly name: string
  readonly events: Events
  readonly clock: Clock
  readonly rng: Rng
  /** Pause between two rounds. */
  readonly intervalMs: number
  /** Largest random part added to each pause, so that many processes do not work in step. @default intervalMs / 10 */
  readonly jitterMs?: number
  /**
   * Whether the pause is counted from the end of the last round or from its start (then a slow round is
   * followed by a shorter pause, never by two rounds at once). @default "end"
   */
  readonly from?: "end" | "start"
  /** Pause before the first round. @default 0: at once */
  readonly firstMs?: number
  /**
   * One round of work. It may return the milliseconds until the next one, which then replace the interval and
   * get no jitter: the instant at which the next job is due. It should end soon when the signal aborts.
   */
  readonly round: (signal: AbortSignal) => Promise<number | void> | number | void
  /** How the pause grows while rounds fail. @default from intervalMs / 10 (at least 100 ms) to 10 x intervalMs, full jitter */
  readonly backoff?: RetryPolicy
  /** Whether a waiting loop keeps the process alive. @default true */
  readonly ref?: boolean
}

/**
 * Work that is done again and again: at an interval with jitter, earlier when woken. Rounds never overlap.
 * A wake-up is never lost: one that comes during a round leads to another round right after it. A failed
 * round is reported (`service.round_failed`) and followed by a growing wait, which a wake-up does not cut short,
 * or a broken database would be hammered as fast as hints arrive.
 */
export class RunLoop {
  readonly #options: RunLoopOptions
  readonly #backoff: RetryPolicy
  #woken = false
  #endWait: (() => void) | undefined

  constructor(options: RunLoopOptions) {
    this.#options = options
    this.#backoff = options.backoff ?? defaultBackoff(options.intervalMs)
  }

  /** A hint that there is work now. Cheap, safe at any time, any number of times. */
  wake(): void {
    this.#woken = true
    this.#endWait?.()
  }

  /**
   * Runs until the signal aborts, then returns as soon as the round in progress has. Made to be handed to
   * `ServiceScope.spawn`.
   * @throws only what a round throws after the abort.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, firstMs = 0 } = this.#options
    let failures = 0
    let previousDelayMs: number | undefined
    if (firstMs > 0) await this.#wait(firstMs, true, signal)
    while (!signal.aborted) {
      this.#woken = false
      const startMono = clock.monotonic()
      try {
        const nextMs = await this.#options.round(signal)
        failures = 0
        previousDelayMs = undefined
        await this.#wait(this.#pauseMs(nextMs, startMono), true, signal)
      } catch (error) {
        if (signal.aborted) throw error
        failures++
        previousDelayMs = this.#failed(error, failures, previousDelayMs)
        await this.#wait(previousDelayMs, false, signal)
      }
    }
  }

  #failed(error: unknown, failures: number, previousDelayMs: number | undefined): number {
    const { events, name, rng } = this.#options
    const retryInMs = retryDelayMs(failures, this.#backoff, rng, { previousDelayMs, error })
    events.emit("service.round_failed", { service: name, error, failures, retryInMs })
    return retryInMs
  }

  #pauseMs(nextMs: number | void, startMono: number): number {
    if (typeof nextMs === "number") return Math.max(0, nextMs)
    const { clock, rng, intervalMs, jitterMs = intervalMs / 10, from = "end" } = this.#options
    const pauseMs = intervalMs + rng.next() * jitterMs
    return from === "end" ? pauseMs : Math.max(0, pauseMs - (clock.monotonic() - startMono))
  }

  #wait(delayMs: number, wakeable: boolean, signal: AbortSignal): Promise<void> {
    if (signal.aborted || (wakeable && this.#woken)) return Promise.resolve()
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel()
        signal.removeEventListener("abort", end)
        this.#endWait = undefined
        resolve()
      }
      const timer: Timer = this.#options.clock.setTimer(delayMs, end, {
        ref: this.#options.ref ?? true,
      })
      signal.addEventListener("abort", end, { once: true })
      if (wakeable) this.#endWait = end
    })
  }
}

function defaultBackoff(intervalMs: number): RetryPolicy {
  const baseMs = Math.max(100, intervalMs / 10)
  return {
    backoff: "exponential",
    baseMs,
    factor: 2,
    capMs: Math.max(baseMs, 10 * intervalMs),
    jitter: "full",
    maxAttempts: false,
  }
}
