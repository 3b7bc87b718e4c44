import type { Events } from "../events/index.ts"
import { resolveRetryPolicy, retryDelayMs } from "../retry/index.ts"
import type { Clock, Rng } from "../time/index.ts"
import { isBusy } from "./sqliteErrors.ts"

/** How long a busy database is waited for before the operation fails with `DROVER_STORE_BUSY`. */
export const BUSY_LIMIT_MS = 30_000

/** A wait from which on `store.busy` is emitted. */
export const BUSY_REPORT_MS = 250

// Full jitter, because many processes that meet one lock would else come back together. Short, because a
// write transaction takes a millisecond or two.
const policy = resolveRetryPolicy({
  backoff: "exponential",
  base: 1,
  factor: 2,
  cap: 10,
  jitter: "full",
})

/** How long to wait before the next try after `attempt` busy ones, in whole ms; 0 for the next turn. */
export function busyDelayMs(attempt: number, rng: Rng): number {
  return retryDelayMs(attempt, policy, rng)
}

/** What `untilFree` needs. */
export interface BusyEnvironment {
  readonly clock: Clock
  readonly rng: Rng
  readonly events: Events
}

/**
 * Calls a synchronous step until the database is not busy, outside of the event loop's time.
 * @throws what the step throws: the last busy error after `BUSY_LIMIT_MS`, any other at once.
 */
export async function untilFree<T>(
  operation: string,
  { clock, rng, events }: BusyEnvironment,
  step: () => T,
): Promise<T> {
  const startedMono = clock.monotonic()
  for (let attempts = 1; ; attempts++) {
    try {
      const result = step()
      if (attempts > 1) reportBusy(events, operation, clock.monotonic() - startedMono, attempts)
      return result
    } catch (error) {
      const waitedMs = clock.monotonic() - startedMono
      if (!isBusy(error) || waitedMs >= BUSY_LIMIT_MS) throw error
      await clock.sleep(busyDelayMs(attempts, rng))
    }
  }
}

/** Emits `store.busy` for a wait that somebody may want to know of. */
export function reportBusy(
  events: Events,
  operation: string,
  waitedMs: number,
  attempts: number,
): void {
  if (waitedMs >= BUSY_REPORT_MS) events.emit("store.busy", { operation, waitedMs, attempts })
}
