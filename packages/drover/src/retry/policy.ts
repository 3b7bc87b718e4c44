import { checkOptions, DroverError, orDefault, show } from "../errors/index.ts"
import { parseDuration } from "../time/index.ts"
import type { Duration } from "../time/index.ts"

/**
 * How a delay is made random, `d` being the delay without jitter:
 * - `"full"`: uniform in [0, d]. Spreads a crowd best; the default.
 * - `"equal"`: uniform in [d/2, d]. Keeps at least half of the wait.
 * - `"decorrelated"`: uniform in [base, 3 · previous delay], capped; grows by chance instead of by attempt.
 * - a number r in (0, 1]: uniform in [d·(1−r), d·(1+r)], never above the cap.
 * - `"none"`: exactly d. Everybody who failed together comes back together.
 *
 * Source: "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.
 */
export type Jitter = "full" | "equal" | "decorrelated" | "none" | number

/** What a `custom` policy is told. */
export interface CustomDelayContext {
  /** How many attempts have failed, 1 for the first. */
  readonly attempt: number
  /** What the last attempt failed with, where that is known. */
  readonly error: unknown
}

/** A retry policy as a user writes it. All but `custom` is plain data and may be stored as JSON. */
export interface RetryPolicyOptions {
  /**
   * How the wait grows: `base · factor^(n−1)`, always `base`, `base · n`, or what `delay` says, after the
   * n-th failure.
   * @default "exponential"
   */
  readonly backoff?: "exponential" | "fixed" | "linear" | "custom"
  /** The first wait. @default "1s" */
  readonly base?: Duration
  /** Growth of an exponential wait for each failure; at least 1. @default 2 */
  readonly factor?: number
  /** The longest wait that the policy itself chooses; a server's hint may be longer. @default "1h" */
  readonly cap?: Duration
  /** @default "full"; a custom delay has "none" unless told otherwise. */
  readonly jitter?: Jitter
  /** Attempts in all, the first one included; `false` is no limit. @default 25 */
  readonly maxAttempts?: number | false
  /** The wait of a `custom` policy, before cap and jitter. */
  readonly delay?: (context: CustomDelayContext) => Duration
}

/** A retry policy whose parts have been checked and filled in. Frozen; plain data unless `custom`. */
export interface RetryPolicy {
  readonly backoff: "exponential" | "fixed" | "linear" | "custom"
  readonly baseMs: number
  readonly factor: number
  readonly capMs: number
  readonly jitter: Jitter
  readonly maxAttempts: number | false
  readonly delay?: (context: CustomDelayContext) => Duration
}

/** What jobs and `retry()` use unless told otherwise: 1 s doubling up to 1 h, full jitter, 25 attempts. */
export const defaultRetryPolicy: RetryPolicy = Object.freeze({
  backoff: "exponential",
  baseMs: 1_000,
  factor: 2,
  capMs: 3_600_000,
  jitter: "full",
  maxAttempts: 25,
})

/** The names of all options of a policy. */
export const retryPolicyOptionNames: readonly (keyof RetryPolicyOptions)[] = [
  "backoff",
  "base",
  "factor",
  "cap",
  "jitter",
  "maxAttempts",
  "delay",
]

/** What to write instead of names that other libraries have for the same. */
export const retryAdvice: Readonly<Record<string, string>> = {
  type: 'write backoff: "exponential"',
  strategy: 'write backoff: "exponential"',
  initialInterval: "write base",
  minTimeout: "write base",
  maximumInterval: "write cap",
  maxTimeout: "write cap",
  maxDelay: "write cap",
  backoffCoefficient: "write factor",
  maximumAttempts: "write maxAttempts",
  max_attempts: "write maxAttempts",
  retries: "write maxAttempts, which counts the first attempt too",
  maxRetries: "write maxAttempts, which counts the first attempt too",
  nonRetryableErrorTypes: "write retryIf: (error) => …, or throw discard() in the handler",
}

const BACKOFFS = ["exponential", "fixed", "linear", "custom"]
const JITTERS = ["full", "equal", "decorrelated", "none"]

/**
 * Checks a policy and fills in what it leaves out.
 * @param defaults what fills the gaps; a per-job override passes the policy of its kind.
 * @param where what is configured, for messages.
 * @throws DroverError `DROVER_CONFIG` for an unknown option (with a suggestion) or a value that cannot work.
 */
export function resolveRetryPolicy(
  options: RetryPolicyOptions = {},
  defaults: RetryPolicy = defaultRetryPolicy,
  where = "retry",
): RetryPolicy {
  checkOptions(options, retryPolicyOptionNames, where, {
    ...retryAdvice,
    retryIf: "it is a function, which no job can store: give it to the kind, in defineJob()",
  })
  const backoff = orDefault(
    options.backoff,
    options.delay === undefined ? defaults.backoff : "custom",
  )
  const delay = orDefault(options.delay, backoff === "custom" ? defaults.delay : undefined)
  const ownJitter = backoff === "custom" && defaults.backoff !== "custom" ? "none" : defaults.jitter
  const policy: RetryPolicy = {
    backoff,
    baseMs:
      options.base === undefined ? defaults.baseMs : parseDuration(options.base, `${where}.base`),
    factor: orDefault(options.factor, defaults.factor),
    capMs: options.cap === undefined ? defaults.capMs : parseDuration(options.cap, `${where}.cap`),
    jitter: orDefault(options.jitter, ownJitter),
    maxAttempts: orDefault(options.maxAttempts, defaults.maxAttempts),
    ...(delay === undefined ? {} : { delay }),
  }
  checkPolicy(policy, where)
  return Object.freeze(policy)
}

function checkPolicy(policy: RetryPolicy, where: string): void {
  const { backoff, baseMs, factor, capMs, jitter, maxAttempts, delay } = policy
  demand(BACKOFFS.includes(backoff), where, "backoff", backoff, `one of ${BACKOFFS.join(", ")}`)
  demand(Number.isFinite(factor) && factor >= 1, where, "factor", factor, "a number of at least 1")
  demand(capMs >= baseMs, where, "cap", capMs, `at least base (${baseMs} ms)`)
  demand(
    typeof jitter === "number" ? jitter > 0 && jitter <= 1 : JITTERS.includes(jitter),
    where,
    "jitter",
    jitter,
    `one of ${JITTERS.join(", ")}, or a ratio in (0, 1]`,
  )
  demand(
    maxAttempts === false || (Number.isSafeInteger(maxAttempts) && maxAttempts >= 1),
    where,
    "maxAttempts",
    maxAttempts,
    "a whole number of at least 1, or false for no limit",
  )
  demand(
    (backoff === "custom") === (typeof delay === "function"),
    where,
    "delay",
    delay,
    'a function exactly when backoff is "custom"; the first wait of the others is base',
  )
  demand(
    backoff !== "custom" || jitter !== "decorrelated",
    where,
    "jitter",
    jitter,
    "another one: a custom delay cannot be decorrelated",
  )
}

function demand(
  holds: boolean,
  where: string,
  option: string,
  value: unknown,
  expected: string,
): void {
  if (holds) return
  throw new DroverError(
    "DROVER_CONFIG",
    `${where}.${option}: ${show(value)} cannot work; it must be ${expected}`,
    { details: { where, option, value } },
  )
}
