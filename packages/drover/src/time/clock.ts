/** A pending timer. */
export interface Timer {
  /** Forgets the timer. Safe to call twice and after it fired. */
  cancel(): void
}

/** What `Clock.setTimer` may be told. */
export interface TimerOptions {
  /** Whether a pending timer keeps the process alive. @default true */
  readonly ref?: boolean
}

/**
 * The only source of time. Every room is handed one; `systemClock` is real time, `ManualClock` moves by
 * hand, and the simulator has one for each simulated process.
 *
 * Three clocks, never mixed: the store's clock decides leases and due times (see `Store.now`),
 * `monotonic` decides how long a process may still trust what it holds, `now` is for display and for
 * feeding the store's clock.
 */
export interface Clock {
  /** Wall time in milliseconds since 1970. It may jump in both directions. */
  now(): number
  /** Milliseconds of this machine's monotonic clock, the same for all threads of a process. It never goes back. */
  monotonic(): number
  /**
   * Names what `monotonic` counts from: processes whose clocks have one name may compare readings. Left out where nobody
   * can tell.
   */
  readonly monotonicOrigin?: string | undefined
  /**
   * Calls back once after `delayMs`, never early. Delays of any length work (Node's own timers fire at
   * once beyond 24.8 days). A delay of 0 or less fires in a later macrotask.
   */
  setTimer(delayMs: number, callback: () => void, options?: TimerOptions): Timer
  /** Calls back in the next macrotask, after all pending promise callbacks. */
  defer(callback: () => void): void
  /** Resolves after `delayMs`; rejects at once with `signal.reason` when the signal aborts. */
  sleep(
    delayMs: number,
    options?: { readonly signal?: AbortSignal; readonly ref?: boolean },
  ): Promise<void>
}
