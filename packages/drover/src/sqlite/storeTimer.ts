import type { Events } from "../events/index.ts"
import { jumpThresholdMs, StoreClock } from "../lease/index.ts"
import type { Clock } from "../time/index.ts"

// Below the smallest margin of a term, above what readings of two clocks that are not quite taken at once differ by.
const STEP_MS = 15

/** The store's clock of one process, fed with this process's readings and with what others persisted. */
export class StoreTimer {
  readonly #clock: Clock
  readonly #events: Events
  readonly #storeClock: StoreClock = new StoreClock()
  #leaptMono = Number.NEGATIVE_INFINITY
  #steppedMono = Number.NEGATIVE_INFINITY
  #lastMs = Number.POSITIVE_INFINITY
  #lastMono = 0

  constructor(clock: Clock, events: Events) {
    this.#clock = clock
    this.#events = events
  }

  /** How long ago this process noticed that store time leapt forward; infinite if it never did. */
  msSinceLeap(): number {
    return this.#clock.monotonic() - this.#leaptMono
  }

  /** The same for steps that are too small for leases of workers, but not for the margins of short terms. */
  msSinceStep(): number {
    return this.#clock.monotonic() - this.#steppedMono
  }

  /** The store's time now. @param persistedMs the latest time found in the store, if it was read. */
  observe(persistedMs?: number): number {
    // In this order: were this thread held up between the two the other way round, the wall clock would seem to be ahead,
    // and the store's time, which never goes back, would stay ahead by as much.
    const wallMs = this.#clock.now()
    const mono = this.#clock.monotonic()
    const { storeNow, jumpMs } = this.#storeClock.observe({ persistedMs, wallMs, mono })
    const leapMs = storeNow - this.#lastMs - (mono - this.#lastMono)
    if (leapMs > jumpThresholdMs) this.#leaptMono = mono
    if (leapMs > STEP_MS) this.#steppedMono = mono
    this.#lastMs = storeNow
    this.#lastMono = mono
    if (jumpMs !== 0) this.#events.emit("clock.jumped", { byMs: jumpMs })
    return storeNow
  }
}
