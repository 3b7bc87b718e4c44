import { DroverError } from "../errors/index.ts"
import type { Duration } from "../time/index.ts"

/** How an attempt ended: what it threw, or what it returned. */
export type AttemptOutcome<T> =
  | { readonly ok: false; readonly error: unknown }
  | { readonly ok: true; readonly value: T }

/**
 * What a classifier says of an outcome: `"retry"` it, `"stop"` (a value is returned, an error is thrown as
 * it is), or retry it after a wait that a server asked for.
 */
export type RetryVerdict = "retry" | "stop" | { readonly retryAfter: Duration }

/** Why `retry` gave up: no attempts left, no time left, or the classifier said stop. */
export type GiveUpReason = "attempts" | "deadline" | "stop"

/**
 * `retry` gave up: `DROVER_RETRIES_EXHAUSTED` after the last attempt, `DROVER_DEADLINE` when the total time
 * ended or the next wait would outlast it. `cause` is what the last attempt threw.
 */
export class RetryError extends DroverError {
  override readonly name = "RetryError"
  /** How many attempts were begun. */
  readonly attempts: number
  /** What the last attempt returned, when it was a value that was to be retried. */
  readonly lastValue: unknown

  constructor(
    code: "DROVER_RETRIES_EXHAUSTED" | "DROVER_DEADLINE",
    message: string,
    attempts: number,
    last: AttemptOutcome<unknown> | undefined,
  ) {
    super(code, message, {
      details: { attempts },
      ...(last?.ok === false ? { cause: last.error } : {}),
    })
    this.attempts = attempts
    this.lastValue = last?.ok === true ? last.value : undefined
  }
}
