import { DroverError, Timeout } from "../errors/index.ts"
import { parseDuration } from "../time/index.ts"
import type { Duration } from "../time/index.ts"
import { runAttempt } from "./attempt.ts"
import { delayWithFloor, retryDelayMs } from "./delay.ts"
import { RetryError } from "./outcome.ts"
import type { AttemptOutcome, GiveUpReason } from "./outcome.ts"
import { resolveRetry } from "./retryOptions.ts"
import type { ResolvedRetry, RetryOptions } from "./retryOptions.ts"

// What a server asks for is not ours to trust: more than a year is taken as a year.
const LONGEST_HINT_MS = 365 * 86_400_000

/** What an attempt is given. */
export interface RetryAttempt {
  /** 1 for the first. */
  readonly attempt: number
  /** Aborts when this attempt's time is up (`Timeout`), when the whole time is (`DROVER_DEADLINE`), or with the caller's reason. */
  readonly signal: AbortSignal
  /** What the attempt before threw; `undefined` for the first and after a value. */
  readonly previousError: unknown
}

/**
 * Calls `run` until it succeeds, it is not worth another attempt, or a bound is reached: attempts, total
 * deadline, abort. Between attempts it waits as the policy says, by default from 1 s doubling to 1 h with full jitter.
 *
 * A timed-out attempt that ignores its signal is left behind and may still run beside the next one.
 * @returns what the first good attempt returned.
 * @throws what an attempt threw, as it is, when the classifier said stop; `RetryError` with the last error as `cause`
 * when attempts or time ran out; exactly `signal.reason` after an abort; `DROVER_CONFIG` for wrong options.
 */
export async function retry<T>(
  run: (attempt: RetryAttempt) => T | Promise<T>,
  options: RetryOptions<T> = {},
): Promise<T> {
  const resolved = resolveRetry(options)
  const { policy, signal, clock, rng } = resolved
  const deadlineMono = clock.monotonic() + resolved.deadlineMs
  let last: AttemptOutcome<T> | undefined
  let previousDelayMs: number | undefined
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted()
    const previousError = last?.ok === false ? last.error : undefined
    const leftMs = deadlineMono - clock.monotonic()
    const outcome = await attemptOnce(resolved, leftMs, (own) =>
      run({ attempt, signal: own, previousError }),
    )
    signal?.throwIfAborted()
    if (outcome === "deadline") giveUp(resolved, "deadline", attempt, last)
    last = outcome

    const verdict = resolved.classify(last, attempt)
    if (verdict === "stop") return settle(resolved, attempt, last)
    if (attempt === policy.maxAttempts) giveUp(resolved, "attempts", attempt, last)
    const error = last.ok ? undefined : last.error
    previousDelayMs = retryDelayMs(attempt, policy, rng, { previousDelayMs, error })
    const bounds = {
      floorMs: verdict === "retry" ? 0 : hintMs(verdict.retryAfter),
      leftMs: deadlineMono - clock.monotonic(),
      jitter: policy.jitter,
    }
    const delayMs = delayWithFloor(previousDelayMs, bounds, rng)
    if (delayMs === undefined) giveUp(resolved, "deadline", attempt, last)
    resolved.onRetry?.({ attempt, outcome: last, delayMs })
    await clock.sleep(delayMs, signal === undefined ? {} : { signal })
  }
}

// Runs one attempt within its own time and what is left of the whole. "deadline" when the latter ended it.
async function attemptOnce<T>(
  { clock, signal, timeoutMs }: ResolvedRetry<T>,
  leftMs: number,
  run: (signal: AbortSignal) => T | Promise<T>,
): Promise<AttemptOutcome<T> | "deadline"> {
  const limitReason =
    timeoutMs < leftMs
      ? new Timeout(`The attempt took longer than ${timeoutMs} ms`, { details: { timeoutMs } })
      : new DroverError("DROVER_DEADLINE", "The total deadline of the retry ended in this attempt")
  const limitMs = Math.max(0, Math.min(timeoutMs, leftMs))
  try {
    return { ok: true, value: await runAttempt(run, { clock, signal, limitMs, limitReason }) }
  } catch (error) {
    return error === limitReason && timeoutMs >= leftMs ? "deadline" : { ok: false, error }
  }
}

function hintMs(hint: Duration): number {
  const longest = typeof hint === "number" ? Math.min(hint, LONGEST_HINT_MS) : hint
  return Math.min(parseDuration(longest, "retryAfter"), LONGEST_HINT_MS)
}

function settle<T>(resolved: ResolvedRetry<T>, attempts: number, last: AttemptOutcome<T>): T {
  if (last.ok) return last.value
  resolved.onGiveUp?.({ attempts, reason: "stop", outcome: last })
  throw last.error
}

function giveUp<T>(
  resolved: ResolvedRetry<T>,
  reason: Exclude<GiveUpReason, "stop">,
  attempts: number,
  last: AttemptOutcome<T> | undefined,
): never {
  resolved.onGiveUp?.({ attempts, reason, outcome: last })
  const times = attempts === 1 ? "1 attempt" : `${attempts} attempts`
  const what = last?.ok === false && last.error instanceof Error ? `: ${last.error.message}` : ""
  throw reason === "attempts"
    ? new RetryError("DROVER_RETRIES_EXHAUSTED", `Gave up after ${times}${what}`, attempts, last)
    : new RetryError("DROVER_DEADLINE", `Out of time after ${times}${what}`, attempts, last)
}
