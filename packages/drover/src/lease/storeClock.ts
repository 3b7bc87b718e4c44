/** Three readings, taken together. */
export interface ClockReadings {
  /** The latest store time found in the store, whoever wrote it. `undefined` when it was not read this time. */
  readonly persistedMs?: number | undefined
  /**
   * The reading of this process's monotonic clock at which that was the store's time, if the writer said it in a way
   * that this process can read: by the one monotonic clock of the machine.
   */
  readonly persistedMono?: number | undefined
  /** This process's wall clock. */
  readonly wallMs: number
  /** This process's monotonic clock. */
  readonly mono: number
}

/** What `StoreClock.observe` says. */
export interface StoreTime {
  /** The store's time, whole milliseconds since 1970. Never less than what this object said before. */
  readonly storeNow: number
  /** The reading of the monotonic clock at which it was that: what is cut off of a millisecond is lost to nobody. */
  readonly sinceMono: number
  /**
   * By how much time leapt since the last observation, 0 when it flowed. More than a second of difference
   * between the wall and the monotonic clock (of either sign), or of the store's time ahead of the monotonic
   * clock. Whoever rescues must wait a full lease after it; see `Reachability`.
   */
  readonly jumpMs: number
}

/** A difference up to this is slewing and scheduling, not a jump. */
export const jumpThresholdMs = 1_000

/**
 * The clock of a store that has none of its own (SQLite), as arithmetic on readings that the store hands in.
 *
 * It follows the wall clock and what other processes persisted, but it never goes back, and between two
 * observations it advances at least as far as the monotonic clock does. What was persisted a while ago has gone on since,
 * too: a process that starts while the wall is set back would else be late by as much, and what it writes, such
 * as the end of its lease, would come too early for all others. So a wall clock that is set back
 * neither freezes leases and due times nor runs them twice; the store's time then simply stays ahead of
 * the wall. One that is set forward, or a machine that wakes from suspend, is believed, because the jobs that
 * came due are due; it is reported as a jump, so that nobody takes the silence of others for their death.
 */
export class StoreClock {
  #storeMs = 0
  #wallMs = 0
  #mono = 0
  #started = false

  /** Takes readings and gives the store's time. `persistedMs` must be given the first time if there is one. */
  observe(readings: ClockReadings): StoreTime {
    const { wallMs, mono } = readings
    const persistedMs = persistedNow(readings)
    if (!this.#started) {
      this.#started = true
      this.#set(Math.max(persistedMs, wallMs), wallMs, mono)
      // A start is no jump: whoever starts waits a full lease before it rescues anyway.
      return { ...this.#whole(), jumpMs: 0 }
    }
    const passedMs = Math.max(0, mono - this.#mono)
    const flowedMs = this.#storeMs + passedMs
    const storeMs = Math.max(flowedMs, wallMs, persistedMs)
    const wallJumpMs = wallMs - this.#wallMs - passedMs
    // Another process may have believed a jump that this one never saw; for this one it is a jump all the same.
    const leapMs = storeMs - flowedMs
    this.#set(storeMs, wallMs, mono)
    const jumpMs =
      Math.abs(wallJumpMs) > jumpThresholdMs ? wallJumpMs : leapMs > jumpThresholdMs ? leapMs : 0
    return { ...this.#whole(), jumpMs }
  }

  #whole(): { readonly storeNow: number; readonly sinceMono: number } {
    const storeNow = Math.floor(this.#storeMs)
    return { storeNow, sinceMono: this.#mono - (this.#storeMs - storeNow) }
  }

  #set(storeMs: number, wallMs: number, mono: number): void {
    this.#storeMs = storeMs
    this.#wallMs = wallMs
    this.#mono = Math.max(this.#mono, mono)
  }
}

function persistedNow({ persistedMs, persistedMono, mono }: ClockReadings): number {
  if (persistedMs === undefined) return Number.NEGATIVE_INFINITY
  // Another boot's reading may be later than ours, and says nothing.
  return persistedMs + Math.max(0, mono - (persistedMono ?? mono))
}
