import { backoffMs } from "../retry/index.ts"
import type { RetryPolicy } from "../retry/index.ts"
import type { Rng } from "../time/index.ts"
import type { LeadershipTimes } from "./leadershipOptions.ts"

/**
 * How long a client whose maintenance failed lets others go first. The first time already lasts longer than any
 * other client needs to bid by polling alone, so a healthy one always wins before the failing one tries again; each
 * further failure doubles it, a success ends it. Pure arithmetic on monotonic readings.
 */
export class StandBack {
  readonly #policy: RetryPolicy
  readonly #rng: Rng
  #failures = 0
  #untilMono = Number.NEGATIVE_INFINITY

  constructor(times: LeadershipTimes, rng: Rng) {
    this.#rng = rng
    // Others look at least once in this time, have their answer in the next, and start from there.
    const firstMs = 2 * (times.bidMs + times.jitterMs)
    this.#policy = {
      backoff: "exponential",
      baseMs: firstMs,
      factor: 2,
      capMs: Math.max(firstMs, times.standBackCapMs),
      jitter: "none",
      maxAttempts: false,
    }
  }

  /** Failures in a row. */
  get failures(): number {
    return this.#failures
  }

  /** The maintenance failed. @returns for how long the client stands back from now. */
  failed(nowMono: number): number {
    this.#failures++
    // Only ever longer: jitter must not let it bid before the others could.
    const forMs = backoffMs(this.#failures, this.#policy) * (1 + 0.25 * this.#rng.next())
    this.#untilMono = nowMono + forMs
    return forMs
  }

  /** The maintenance runs. */
  succeeded(): void {
    this.#failures = 0
    this.#untilMono = Number.NEGATIVE_INFINITY
  }

  /** How long the client still stands back; 0 when it may bid. */
  leftMs(nowMono: number): number {
    return Math.max(0, this.#untilMono - nowMono)
  }
}
