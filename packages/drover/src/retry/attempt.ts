import type { Clock } from "../time/index.ts"

/** What bounds one attempt. */
export interface AttemptBounds {
  readonly clock: Clock
  /** Ends the attempt: the outer signal of the whole retry. */
  readonly signal: AbortSignal | undefined
  /** How long the attempt may take; `Infinity` is no limit. */
  readonly limitMs: number
  /** What its signal aborts with, and what it rejects with, when the limit is reached. */
  readonly limitReason: Error
}

/**
 * Runs one attempt with a signal of its own. It settles as the attempt does, or rejects with the signal's reason as
 * soon as that aborts: an attempt that ignores its signal is left behind, and what it does later changes nothing.
 * Leaves no timer and no listener behind.
 */
export function runAttempt<T>(
  run: (signal: AbortSignal) => T | Promise<T>,
  bounds: AttemptBounds,
): Promise<T> {
  const { clock, signal, limitMs, limitReason } = bounds
  const own = new AbortController()
  return new Promise<T>((resolve, reject) => {
    const settle = (): void => {
      timer?.cancel()
      signal?.removeEventListener("abort", onAbort)
    }
    const end = (reason: Error): void => {
      settle()
      // Rejected first: what the attempt's own abort listener throws must not take the place of the reason.
      reject(reason)
      own.abort(reason)
    }
    const onAbort = (): void => end(signal?.reason as Error)
    const timer =
      limitMs === Number.POSITIVE_INFINITY
        ? undefined
        : clock.setTimer(limitMs, () => end(limitReason))
    signal?.addEventListener("abort", onAbort, { once: true })
    // In an async function, so that what it throws at once is a rejection like any other.
    void (async () => run(own.signal))().then(resolve, reject).finally(settle)
  })
}
