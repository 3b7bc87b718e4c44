import { answeredAtOnce, DroverError, show } from "../../errors/index.ts"
import { resolveRetryPolicy } from "../../retry/index.ts"
import type { RetryPolicy, RetryPolicyOptions } from "../../retry/index.ts"

/** Says whether a failure is worth another attempt. */
export type RetryIf = (error: unknown) => boolean

/** When and how often a failed job of a kind runs again. */
export interface JobRetryOptions extends RetryPolicyOptions {
  /**
   * Which errors are worth another attempt; for others the job is discarded at once, however many attempts are left. It is
   * asked about every failure, the `Timeout` of an attempt too, but not about `retryIn`, crashes and stops. It answers
   * at once; a job whose `retryIf` throws or answers with anything but true or false runs again. @default all
   */
  readonly retryIf?: RetryIf
}

/** What a kind says of its retries, checked. `retryIf` stands apart: it holds for jobs with a stored policy of their own too. */
export interface KindRetry {
  readonly retry: RetryPolicy
  readonly retryIf: RetryIf | null
}

/** Checks what a kind says of its retries. @throws DroverError `DROVER_CONFIG`. */
export function resolveKindRetry(options: JobRetryOptions | undefined, kind: string): KindRetry {
  const where = `${kind}.retry`
  // Anything else that is wrong with the options is told by whoever reads them.
  if (typeof options !== "object" || options === null || !Object.hasOwn(options, "retryIf"))
    return { retry: resolveRetryPolicy(options, undefined, where), retryIf: null }
  const { retryIf, ...policy } = options
  if (retryIf !== undefined && typeof retryIf !== "function") {
    throw new DroverError(
      "DROVER_CONFIG",
      `${where}.retryIf: must be a function that gets the error and answers true or false, not ${show(retryIf)}`,
      { details: { kind } },
    )
  }
  return { retry: resolveRetryPolicy(policy, undefined, where), retryIf: retryIf ?? null }
}

/** What a classifier said of an error. */
export interface Judgement {
  readonly again: boolean
  /** The error itself, or why the classifier could not judge it, with the error as its cause. */
  readonly error: unknown
}

/** Asks the classifier of a kind about an error. It is the user's code: one that fails must not end the job. */
export function judge(retryIf: RetryIf | null, error: unknown): Judgement {
  // A definition that another copy of the package made may know nothing of it.
  if (typeof retryIf !== "function") return { again: true, error }
  try {
    const again: unknown = answeredAtOnce(retryIf(error))
    if (typeof again === "boolean") return { again, error }
    return { again: true, error: unjudged(`it answered with ${show(again)}`, error) }
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : show(thrown)
    return { again: true, error: unjudged(`it threw: ${why}`, error) }
  }
}

function unjudged(why: string, error: unknown): DroverError {
  const message = `retry.retryIf must answer true or false at once, but ${why}; the job runs again. What it failed with is the cause`
  return new DroverError("DROVER_CONFIG", message, { cause: error })
}
