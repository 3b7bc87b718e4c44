import type { Events } from "../events/index.ts"
import { StoreClock, StoreTimeline } from "../lease/index.ts"
import type { Clock } from "../time/index.ts"
import { readingOf } from "./clockStamp.ts"
import type { ClockStamp, PersistedTime } from "./clockStamp.ts"

// Below the smallest margin of a term, above what readings of two clocks that are not quite taken at once differ by.
const STEP_MS = 15

/** The store's clock of one process, fed with this process's readings and with what others persisted. */
export class StoreTimer {
  readonly #clock: Clock
  readonly #events: Events
  readonly #storeClock: StoreClock = new StoreClock()
  readonly #timeline: StoreTimeline = new StoreTimeline()
  #steppedMono = Number.NEGATIVE_INFINITY
  #lastMs = Number.POSITIVE_INFINITY
  #lastMono = 0
  #sinceMono = 0

  constructor(clock: Clock, events: Events) {
    this.#clock = clock
    this.#events = events
  }

  /**
   * How long ago this process noticed that store time stepped forward, by as much as counts for the margins of short
   * terms; infinite if it never did.
   */
  msSinceStep(): number {
    return this.#clock.monotonic() - this.#steppedMono
  }

  /** How long ago, by the monotonic clock, the store's time was `storeAt` at the latest. */
  msSince(storeAt: number): number {
    return this.#clock.monotonic() - this.#timeline.monoOf(storeAt)
  }

  /** The stamp of the time that was observed last. */
  get stamp(): ClockStamp {
    return { mono: this.#sinceMono, origin: this.#clock.monotonicOrigin ?? null }
  }

  /** The store's time now. @param persisted the latest time found in the store, if it was read. */
  observe(persisted?: PersistedTime): number {
    // In this order: were this thread held up between the two the other way round, the wall clock would seem to be ahead,
    // and the store's time, which never goes back, would stay ahead by as much.
    const wallMs = this.#clock.now()
    const mono = this.#clock.monotonic()
    const persistedMono = readingOf(persisted?.stamp, this.#clock.monotonicOrigin)
    const readings = { persistedMs: persisted?.storeAt, persistedMono, wallMs, mono }
    const { storeNow, sinceMono, jumpMs } = this.#storeClock.observe(readings)
    this.#timeline.observed(storeNow, mono)
    const leapMs = storeNow - this.#lastMs - (mono - this.#lastMono)
    if (leapMs > STEP_MS) this.#steppedMono = mono
    this.#lastMs = storeNow
    this.#lastMono = mono
    this.#sinceMono = sinceMono
    if (jumpMs !== 0) this.#events.emit("clock.jumped", { byMs: jumpMs })
    return storeNow
  }
}
