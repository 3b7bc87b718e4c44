/**
 * Retries, public as `drover/retry` and useful alone: policies as data, pure delay functions, and one loop
 * that bounds attempts by count, by time and by an abort whose reason survives.
 */
export { backoffMs, retryDelayMs } from "./delay.ts"
export type { DelayContext } from "./delay.ts"
export { RetryError } from "./outcome.ts"
export type { AttemptOutcome, GiveUpReason, RetryVerdict } from "./outcome.ts"
export { defaultRetryPolicy, resolveRetryPolicy, retryPolicyOptionNames } from "./policy.ts"
export type { CustomDelayContext, Jitter, RetryPolicy, RetryPolicyOptions } from "./policy.ts"
export { retry } from "./retry.ts"
export type { RetryAttempt } from "./retry.ts"
export { retryAfterHeaderMs } from "./retryAfterHeader.ts"
export type { GiveUpNotice, RetryNotice, RetryOptions } from "./retryOptions.ts"
