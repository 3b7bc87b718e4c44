import type { Clock } from "./clock.ts"

/** The `sleep` of every clock, made of its `setTimer`: one listener, removed when the timer fires. */
export function sleepOn(
  clock: Pick<Clock, "setTimer">,
  delayMs: number,
  options: { readonly signal?: AbortSignal; readonly ref?: boolean } = {},
): Promise<void> {
  const { signal } = options
  if (signal?.aborted) return Promise.reject(signal.reason as Error)
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      timer.cancel()
      reject(signal?.reason as Error)
    }
    const timer = clock.setTimer(
      delayMs,
      () => {
        signal?.removeEventListener("abort", onAbort)
        resolve()
      },
      { ref: options.ref ?? true },
    )
    signal?.addEventListener("abort", onAbort, { once: true })
  })
}
