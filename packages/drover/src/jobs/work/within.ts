import type { Clock } from "../../time/index.ts"

/**
 * Waits for the end of something, no longer than `ms` (`false`: as long as it takes). That time is up is no error:
 * the caller looks at what has been reached.
 * @throws what `end` rejects with; exactly `signal.reason`.
 */
export async function within(
  clock: Clock,
  end: Promise<void>,
  ms: number | false,
  signal?: AbortSignal,
): Promise<void> {
  signal?.throwIfAborted()
  const over = Promise.withResolvers<void>()
  const onAbort = (): void => over.reject(signal?.reason)
  signal?.addEventListener("abort", onAbort, { once: true })
  const timer = ms === false ? undefined : clock.setTimer(ms, () => over.resolve())
  try {
    await Promise.race([end, over.promise])
  } finally {
    timer?.cancel()
    signal?.removeEventListener("abort", onAbort)
  }
}
