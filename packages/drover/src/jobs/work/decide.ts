import { DroverError } from "../../errors/index.ts"
import type { AbortReason } from "../../errors/index.ts"
import { defaultRetryPolicy, retryDelayMs } from "../../retry/index.ts"
import type { RetryPolicy } from "../../retry/index.ts"
import { describeError } from "../../store/index.ts"
import type { ClaimedJob, Settlement } from "../../store/index.ts"
import type { Rng } from "../../time/index.ts"
import { judge } from "../define/jobRetry.ts"
import type { RetryIf } from "../define/jobRetry.ts"
import { outcomeOf } from "../define/outcome.ts"
import type { Outcome } from "../define/outcome.ts"

/** How a handler ended. */
export type Ending =
  /** It returned; `result` is the JSON text of what it returned, validated, `null` for nothing. */
  | { readonly how: "returned"; readonly result: string | null }
  /** It returned or threw one of `snooze`, `cancel`, `discard`, `retryIn`. */
  | { readonly how: "outcome"; readonly outcome: Outcome }
  /** It threw, or what it returned is not valid or cannot be stored. */
  | {
      readonly how: "threw"
      readonly error: unknown
      /** What `retryIf` said of it where the handler ran, if it was asked there: here the error may be a copy. */
      readonly again?: boolean
    }
  /** The input, as it is stored, does not satisfy the schema; the handler was not called. */
  | { readonly how: "refused"; readonly error: unknown }
  /** The thread or process that ran it died under it. */
  | { readonly how: "crashed"; readonly error: DroverError }

/** What a decision rests on beside the ending. */
export interface Circumstances {
  readonly claimed: Pick<ClaimedJob, "failures" | "maxAttempts">
  readonly policy: RetryPolicy
  readonly retryIf: RetryIf | null
  readonly rng: Rng
  /** Why the attempt was aborted, if it was. Never `LeaseLost`: then nothing is written at all. */
  readonly abort: AbortReason | null
  /** Whether the handler ever looked at its signal, and so may have returned because of it. */
  readonly signalRead: boolean
}

/**
 * Turns the end of a handler into what is written about its job. The rules, first match first:
 *
 * - Aborted with `Timeout`: a failure, whatever the handler did afterwards. It took longer than it may.
 * - Aborted with `Cancelled`: cancelled, unless the handler returned a result; then that is kept.
 * - Aborted with `Shutdown`: handed back, unless the handler returned and cannot have done so because of the
 *   signal: it returned a value, or it never looked at the signal.
 * - Otherwise what the handler said. A failure that spends the last of `maxAttempts`, or that `retryIf` says no to,
 *   discards the job.
 */
export function decide(ending: Ending, circumstances: Circumstances): Settlement {
  const { abort } = circumstances
  if (abort?.code === "DROVER_TIMEOUT") return judged(timeoutError(abort, ending), circumstances)
  if (ending.how === "returned") {
    const early =
      abort?.code === "DROVER_SHUTDOWN" && circumstances.signalRead && ending.result === null
    return early
      ? { to: "interrupted", reason: abort.message }
      : { to: "completed", result: ending.result }
  }
  if (abort?.code === "DROVER_CANCELLED") {
    return {
      to: "cancelled",
      reason: abort.message,
      error: ending.how === "threw" ? errorUnless(ending.error, abort) : null,
    }
  }
  if (abort?.code === "DROVER_SHUTDOWN") return { to: "interrupted", reason: abort.message }
  switch (ending.how) {
    case "outcome":
      return fromOutcome(ending.outcome, circumstances)
    case "threw":
      return judged(ending.error, circumstances, ending.again)
    case "refused":
      return {
        to: "discarded",
        reason: "input is not valid",
        failed: false,
        error: describeError(ending.error),
      }
    case "crashed":
      return { to: "crashed", reason: ending.error.message, error: describeError(ending.error) }
  }
}

function fromOutcome(outcome: Outcome, circumstances: Circumstances): Settlement {
  if ("delayMs" in outcome) {
    if ("reason" in outcome)
      return { to: "snoozed", delayMs: outcome.delayMs, reason: outcome.reason }
    const error =
      outcome.error ?? new DroverError("DROVER_HANDLER", "the handler asked to run again")
    return fail(error, circumstances, outcome.delayMs)
  }
  if ("error" in outcome) {
    const error = outcome.error === undefined ? null : describeError(outcome.error)
    return { to: "discarded", reason: outcome.reason, failed: false, error }
  }
  return { to: "cancelled", reason: outcome.reason, error: null }
}

// Whether it is worth another attempt is asked of errors only; a handler that asked for one itself knows.
function judged(error: unknown, circumstances: Circumstances, known?: boolean): Settlement {
  const { retryIf, claimed } = circumstances
  const judgement = known === undefined ? judge(retryIf, error) : { again: known, error }
  // The last attempt says so, whatever its error.
  if (judgement.again || claimed.failures + 1 >= claimed.maxAttempts)
    return fail(judgement.error, circumstances)
  const reason = "not worth another attempt, says retryIf"
  return { to: "discarded", reason, failed: true, error: describeError(error) }
}

function fail(error: unknown, circumstances: Circumstances, delayMs?: number): Settlement {
  const { claimed } = circumstances
  const failures = claimed.failures + 1
  const stored = describeError(error)
  if (failures >= claimed.maxAttempts) {
    return {
      to: "discarded",
      reason: `failed ${failures} of ${claimed.maxAttempts} times`,
      failed: true,
      error: stored,
    }
  }
  return {
    to: "retryable",
    delayMs: delayMs ?? policyDelayMs(failures, error, circumstances),
    error: stored,
  }
}

function policyDelayMs(failures: number, error: unknown, { policy, rng }: Circumstances): number {
  try {
    const delayMs = retryDelayMs(failures, policy, rng, { error })
    if (Number.isSafeInteger(delayMs) && delayMs >= 0) return delayMs
  } catch {
    // A custom delay is the user's code, a stored policy may be older than this one: see below.
  }
  // Whatever the policy said makes no sense, and the job still waits a sensible while.
  return retryDelayMs(failures, defaultRetryPolicy, rng)
}

// What the handler threw is mostly the reason itself, passed on by something that took the signal.
function timeoutError(abort: AbortReason, ending: Ending): unknown {
  if (ending.how !== "threw" || ending.error === abort) return abort
  return new DroverError("DROVER_TIMEOUT", abort.message, {
    details: abort.details,
    cause: ending.error,
  })
}

function errorUnless(error: unknown, abort: AbortReason): ReturnType<typeof describeError> | null {
  return error === abort ? null : describeError(error)
}

/** The outcome that a handler returned or threw, as an ending, or `null`. */
export function outcomeEnding(value: unknown): Ending | null {
  const outcome = outcomeOf(value)
  return outcome === null ? null : { how: "outcome", outcome }
}

/** How a handler ended that threw this: an outcome, or an error. */
export function threw(error: unknown): Ending {
  return outcomeEnding(error) ?? { how: "threw", error }
}

/** How an attempt ends that never started, or whose worker has no more time for it. */
export function cutShort(): Ending {
  return {
    how: "threw",
    error: new DroverError("DROVER_SHUTDOWN", "the worker stopped before the handler ended"),
  }
}
