import type { Events } from "../events/index.ts"
import { StoreClock } from "../lease/index.ts"
import type { Clock } from "../time/index.ts"

/** The store's clock of one process, fed with this process's readings and with what others persisted. */
export class StoreTimer {
  readonly #clock: Clock
  readonly #events: Events
  readonly #storeClock: StoreClock = new StoreClock()

  constructor(clock: Clock, events: Events) {
    this.#clock = clock
    this.#events = events
  }

  /** The store's time now. @param persistedMs the latest time found in the store, if it was read. */
  observe(persistedMs?: number): number {
    const { storeNow, jumpMs } = this.#storeClock.observe({
      persistedMs,
      wallMs: this.#clock.now(),
      mono: this.#clock.monotonic(),
    })
    if (jumpMs !== 0) this.#events.emit("clock.jumped", { byMs: jumpMs })
    return storeNow
  }
}
