import { Timeout } from "../errors/index.ts"
import type { Clock } from "../time/index.ts"

/**
 * Waits for an answer, no longer than `ms`. What is waited for goes on by itself; nobody hears of it any more.
 * @throws Timeout; exactly `signal.reason`; what `answer` rejects with.
 */
export async function answered<T>(
  clock: Clock,
  answer: Promise<T>,
  options: {
    readonly ms: number
    readonly what: string
    readonly signal?: AbortSignal
    /** Whether the wait keeps the process up: one that belongs to a stop, which a program awaits. @default false */
    readonly ref?: boolean
  },
): Promise<T> {
  const { ms, what, signal, ref = false } = options
  // It may reject when nobody listens any more.
  answer.catch(() => {})
  signal?.throwIfAborted()
  const over = Promise.withResolvers<never>()
  const onAbort = (): void => over.reject(signal?.reason as Error)
  signal?.addEventListener("abort", onAbort, { once: true })
  const late = (): void =>
    over.reject(new Timeout(`${what} was not answered within ${Math.round(ms)} ms`))
  const timer = clock.setTimer(ms, late, { ref })
  try {
    return await Promise.race([answer, over.promise])
  } finally {
    timer.cancel()
    signal?.removeEventListener("abort", onAbort)
  }
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true })
  })
}
