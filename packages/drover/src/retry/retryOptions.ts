import { checkOptions, DroverError } from "../errors/index.ts"
import { parseDuration, systemClock, systemRng } from "../time/index.ts"
import type { Clock, Duration, Rng } from "../time/index.ts"
import type { AttemptOutcome, GiveUpReason, RetryVerdict } from "./outcome.ts"
import {
  defaultRetryPolicy,
  resolveRetryPolicy,
  retryAdvice,
  retryPolicyOptionNames,
} from "./policy.ts"
import type { RetryPolicy, RetryPolicyOptions } from "./policy.ts"

/** What `onRetry` is told before a wait. */
export interface RetryNotice<T> {
  /** The attempt that just failed, 1 for the first. */
  readonly attempt: number
  readonly outcome: AttemptOutcome<T>
  /** The wait that begins now. */
  readonly delayMs: number
}

/** What `onGiveUp` is told. */
export interface GiveUpNotice<T> {
  /** How many attempts were begun. */
  readonly attempts: number
  readonly reason: GiveUpReason
  /** How the last attempt ended; `undefined` when the deadline or nothing else let one end. */
  readonly outcome: AttemptOutcome<T> | undefined
}

/** Options of `retry`. A policy and what bounds, classifies and watches the attempts. */
export interface RetryOptions<T = unknown> extends RetryPolicyOptions {
  /** Longest time for all attempts and waits together; no attempt and no wait outlasts it. @default none */
  readonly deadline?: Duration
  /** Longest time for one attempt; its signal aborts with `Timeout`, and that is a failure to retry. @default none */
  readonly timeout?: Duration
  /** Ends everything: `retry` rejects with exactly `signal.reason`, in a wait or in an attempt, even one that ignores its signal. */
  readonly signal?: AbortSignal
  /** Which errors are worth another attempt. Not together with `classify`. @default all */
  readonly retryIf?: (error: unknown) => boolean
  /** Judges every outcome, values too. @default errors are retried, values are returned */
  readonly classify?: (outcome: AttemptOutcome<T>, attempt: number) => RetryVerdict
  /**
   * The wait that a server asked for, read from what an attempt threw: a floor for the policy's wait, also above
   * its cap. @default the error's `retryAfterMs`, if it is a number
   */
  readonly retryAfter?: (error: unknown) => Duration | undefined
  /** Called before every wait. What it throws ends the retry and is thrown. */
  readonly onRetry?: (notice: RetryNotice<T>) => void
  /** Called once when it gives up; not when the signal aborts. */
  readonly onGiveUp?: (notice: GiveUpNotice<T>) => void
  /** @default systemClock */
  readonly clock?: Clock
  /** @default systemRng */
  readonly rng?: Rng
}

/** Options whose parts have been checked. */
export interface ResolvedRetry<T> {
  readonly policy: RetryPolicy
  readonly deadlineMs: number
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
  readonly classify: (outcome: AttemptOutcome<T>, attempt: number) => RetryVerdict
  readonly onRetry: ((notice: RetryNotice<T>) => void) | undefined
  readonly onGiveUp: ((notice: GiveUpNotice<T>) => void) | undefined
  readonly clock: Clock
  readonly rng: Rng
}

const OWN_OPTIONS = [
  "deadline",
  "timeout",
  "signal",
  "retryIf",
  "classify",
  "retryAfter",
  "onRetry",
  "onGiveUp",
  "clock",
  "rng",
] as const satisfies readonly (keyof RetryOptions)[]

/** Checks the options of `retry` and fills in what they leave out. @throws DroverError `DROVER_CONFIG`. */
export function resolveRetry<T>(options: RetryOptions<T>): ResolvedRetry<T> {
  checkOptions(options, [...retryPolicyOptionNames, ...OWN_OPTIONS], "retry", retryAdvice)
  if (options.classify !== undefined && (options.retryIf ?? options.retryAfter) !== undefined) {
    throw new DroverError(
      "DROVER_CONFIG",
      "retry: classify decides alone; put what retryIf or retryAfter say into it",
    )
  }
  return {
    policy: resolveRetryPolicy(policyPart(options), defaultRetryPolicy),
    deadlineMs: optionalMs(options.deadline, "retry.deadline"),
    timeoutMs: optionalMs(options.timeout, "retry.timeout"),
    signal: options.signal,
    classify: options.classify ?? ((outcome) => classifyByParts(outcome, options)),
    onRetry: options.onRetry,
    onGiveUp: options.onGiveUp,
    clock: options.clock ?? systemClock,
    rng: options.rng ?? systemRng,
  }
}

function policyPart(options: RetryPolicyOptions): RetryPolicyOptions {
  const part: Record<string, unknown> = {}
  for (const name of retryPolicyOptionNames) {
    if (options[name] !== undefined) part[name] = options[name]
  }
  return part
}

function optionalMs(value: Duration | undefined, name: string): number {
  return value === undefined ? Number.POSITIVE_INFINITY : parseDuration(value, name)
}

function classifyByParts<T>(outcome: AttemptOutcome<T>, options: RetryOptions<T>): RetryVerdict {
  if (outcome.ok) return "stop"
  if (options.retryIf !== undefined && !options.retryIf(outcome.error)) return "stop"
  const after = (options.retryAfter ?? ownRetryAfter)(outcome.error)
  return after === undefined ? "retry" : { retryAfter: after }
}

function ownRetryAfter(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("retryAfterMs" in error)) return undefined
  const { retryAfterMs } = error
  return typeof retryAfterMs === "number" && retryAfterMs >= 0 ? retryAfterMs : undefined
}
