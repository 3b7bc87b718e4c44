import type { Clock, Timer } from "../../time/index.ts"

/** What a stall monitor needs. */
export interface StallMonitorOptions {
  readonly clock: Clock
  /** The event loop turned. */
  onTurn(): void
  /** It had not turned for this long. */
  onStall(gapMs: number): void
}

const EVERY_MS = 1_000
// Two lost frames of a busy process are no news; a second without any event is.
const STALL_MS = 1_000

/**
 * Watches whether the event loop turns, once a second. A handler that blocks it holds up every other job, every
 * answer and the abort of its own timeout, so the owner names the jobs that ran meanwhile.
 */
export class StallMonitor {
  readonly #options: StallMonitorOptions
  #timer: Timer | undefined
  #stopped = false

  constructor(options: StallMonitorOptions) {
    this.#options = options
    this.#arm()
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  #arm(): void {
    const { clock, onTurn, onStall } = this.#options
    const dueMono = clock.monotonic() + EVERY_MS
    this.#timer = clock.setTimer(
      EVERY_MS,
      () => {
        const gapMs = clock.monotonic() - dueMono
        onTurn()
        if (gapMs >= STALL_MS) onStall(gapMs)
        if (!this.#stopped) this.#arm()
      },
      { ref: false },
    )
  }
}
