import { checkOptions, DroverError, show } from "../../errors/index.ts"
import { resolveRetryPolicy } from "../../retry/index.ts"
import type { RetryPolicy, RetryPolicyOptions } from "../../retry/index.ts"
import { encodePayload } from "../../store/index.ts"
import type { NewJob, NewUnique } from "../../store/index.ts"
import { isUuidV7, parseDuration } from "../../time/index.ts"
import type { Duration } from "../../time/index.ts"
import { limitMs } from "./jobDefinition.ts"
import type { JobDefinition } from "./jobDefinition.ts"
import { keysFor } from "./limitOptions.ts"
import type { OwnLimit } from "./limitOptions.ts"
import { encodeMetadata } from "./metadata.ts"
import { checkCount, checkName, checkPriority, checkTags } from "./names.ts"
import { enqueueAdvice } from "./optionAdvice.ts"
import { validate } from "./standardSchema.ts"
import { resolveUnique, uniqueOf } from "./uniqueOptions.ts"
import type { UniqueOptions } from "./uniqueOptions.ts"

/** What one enqueue may say beside its input. Everything else comes from the job's definition. */
export interface EnqueueOptions {
  /**
   * The job's id, a UUIDv7 such as `drover.newId()` makes. Enqueueing twice with the same id is one job:
   * give it when you may have to repeat an enqueue whose answer was lost. @default a new one
   */
  readonly id?: string
  readonly queue?: string
  /** 0 (first) to 1000 (last). */
  readonly priority?: number
  /** Run after this wait, counted by the store's clock. */
  readonly runIn?: Duration
  /** Run at this instant (a number is ms since 1970). Not together with `runIn`. */
  readonly runAt?: Date | number
  /** Discard the job if it was not started this long after it became due; `false` for never. */
  readonly expireIn?: Duration | false
  /** Keeps a second job with the same key away; a text is `{ key: text }`. `false` for no key where the kind has one. */
  readonly unique?: UniqueOptions | string | false
  /** At most 20, to find jobs by. */
  readonly tags?: readonly string[]
  /** A JSON object of up to 16 KiB that is stored beside the input. */
  readonly metadata?: Readonly<Record<string, unknown>>
  /** Changes parts of the kind's retry policy for this job. Plain data only: no `delay` function. */
  readonly retry?: Omit<RetryPolicyOptions, "delay">
  /** Timeout of an attempt; `false` for none. */
  readonly timeout?: Duration | false
  /** How many deaths of its process end the job. */
  readonly maxCrashes?: number
  /**
   * Its keys under keyed limits by their names, `{ "kind:resize#concurrency.key": "tenant 7" }`, before those that the
   * definition computes; `null` exempts the job. For producers that do not have the definition.
   */
  readonly keys?: Readonly<Record<string, string | null>>
}

/** The stored number that means that failures never end a job. Fits 32 bits, as databases' integers do. */
export const unlimitedAttempts = 2_147_483_647

/** Names of all options of an enqueue; the client adds its own. */
export const enqueueOptionNames: readonly (keyof EnqueueOptions)[] = [
  "id",
  "queue",
  "priority",
  "runIn",
  "runAt",
  "expireIn",
  "unique",
  "tags",
  "metadata",
  "retry",
  "timeout",
  "maxCrashes",
  "keys",
]

/** What a job is made with. */
export interface NewJobContext {
  /** Makes ids. */
  readonly ids: { next(): string }
  /** Largest input, in bytes of JSON. */
  readonly payloadLimit: number
  /** Limits of queues by their names. @default none */
  readonly queueLimits?: ReadonlyMap<string, readonly OwnLimit[]>
}

type Defaults = Omit<NewJob, "id" | "input">

// Far enough for every plan, near enough to tell milliseconds from microseconds.
const LATEST_MS = 253_402_300_799_999
// As milliseconds these lie in January 1970 to March 1973, when nobody plans anything; as seconds from 2001 to 5138.
const SECONDS = { from: 1e9, to: 1e11 }
const defaultsOf = new WeakMap<JobDefinition, Defaults>()

/**
 * Makes the row of a job: validates the input against the definition's schema, encodes it as the caller
 * gave it, and checks and fills in all options.
 * @returns the row; a promise only when the schema is asynchronous.
 * @throws (or rejects with) DroverError `DROVER_INPUT_INVALID`, `DROVER_PAYLOAD_INVALID`,
 * `DROVER_PAYLOAD_TOO_LARGE` or `DROVER_CONFIG`.
 */
export function prepareJob(
  definition: JobDefinition,
  input: unknown,
  options: EnqueueOptions | undefined,
  context: NewJobContext,
): NewJob | Promise<NewJob> {
  // A job without input has null: JSON has no undefined, and what is validated must be what is run.
  const value = input === undefined ? null : input
  if (definition.input !== null) {
    const where = `${definition.kind} input`
    const valid = validate(definition.input, value, "DROVER_INPUT_INVALID", where)
    if (valid instanceof Promise) {
      return valid.then(() => buildJob(definition, value, options, context))
    }
  }
  return buildJob(definition, value, options, context)
}

function buildJob(
  definition: JobDefinition,
  input: unknown,
  options: EnqueueOptions | undefined,
  context: NewJobContext,
): NewJob {
  const text = encodePayload(input, "input", context.payloadLimit)
  const {
    queue,
    priority,
    delayMs,
    runAt,
    expireMs,
    maxAttempts,
    maxCrashes,
    timeoutMs,
    retry,
    tags,
    metadata,
    unique,
  } = options === undefined ? kindDefaults(definition) : resolveOptions(definition, options)
  const { unique: ofKind } = definition
  const isMade = typeof ofKind === "function" && options?.unique === undefined
  // Written out, because this runs for every enqueue and a spread of the defaults is several times slower.
  const job = {
    id: options?.id === undefined ? context.ids.next() : checkId(options.id),
    kind: definition.kind,
    queue,
    priority,
    input: text,
    delayMs,
    runAt,
    expireMs,
    maxAttempts,
    maxCrashes,
    timeoutMs,
    retry,
    tags,
    metadata,
    unique: isMade
      ? uniqueOf(ofKind, input, { kind: definition.kind, queue }, delayMs > 0)
      : unique,
  }
  const limits = context.queueLimits?.get(queue)
  if (definition.limits.length === 0 && limits === undefined && options?.keys === undefined) {
    return job
  }
  const all = limits === undefined ? definition.limits : [...definition.limits, ...limits]
  const keys = keysFor(all, input, { kind: definition.kind, queue }, options?.keys)
  return keys.length === 0 ? job : { ...job, keys }
}

// What an enqueue without options stores, computed once for each definition.
function kindDefaults(definition: JobDefinition): Defaults {
  let defaults = defaultsOf.get(definition)
  if (defaults === undefined) {
    defaults = resolveOptions(definition, {})
    defaultsOf.set(definition, defaults)
  }
  return defaults
}

function resolveOptions(definition: JobDefinition, options: EnqueueOptions): Defaults {
  const { kind } = definition
  const runAt = options.runAt === undefined ? null : readInstant(options.runAt, `${kind}.runAt`)
  if (runAt !== null && options.runIn !== undefined) {
    throw new DroverError("DROVER_CONFIG", `${kind}: give either runIn or runAt, not both`)
  }
  const delayMs =
    options.runIn === undefined ? 0 : Math.ceil(parseDuration(options.runIn, `${kind}.runIn`))
  const own =
    options.retry === undefined
      ? kindRetry(definition)
      : resolveOverride(options.retry, definition.retry, `${kind}.retry`)
  return {
    kind,
    queue: options.queue === undefined ? definition.queue : checkName(options.queue, "queue"),
    priority:
      options.priority === undefined
        ? definition.priority
        : checkPriority(options.priority, `${kind}.priority`),
    delayMs,
    runAt,
    expireMs:
      options.expireIn === undefined
        ? definition.expireMs
        : limitMs(options.expireIn, `${kind}.expireIn`) || null,
    maxAttempts: own.maxAttempts,
    maxCrashes:
      options.maxCrashes === undefined
        ? definition.maxCrashes
        : checkCount(options.maxCrashes, `${kind}.maxCrashes`),
    timeoutMs: options.timeout === undefined ? null : limitMs(options.timeout, `${kind}.timeout`),
    retry: own.retry,
    tags: options.tags === undefined ? definition.tags : checkTags(options.tags, `${kind}.tags`),
    metadata:
      options.metadata === undefined ? definition.metadata : encodeMetadata(options.metadata),
    unique: resolveOwnUnique(definition, options.unique, delayMs > 0),
  }
}

// A key that is made of the input is not known here.
function resolveOwnUnique(
  definition: JobDefinition,
  own: EnqueueOptions["unique"],
  delayed: boolean,
): NewUnique | null {
  const unique = own === undefined ? definition.unique : own
  if (unique === null && own === undefined) return null
  if (unique === false || typeof unique === "function") return null
  return resolveUnique(unique as UniqueOptions | string, definition.kind, delayed)
}

/** What a job without an override stores about its retries. */
export function kindRetry(definition: JobDefinition): StoredRetry {
  return { retry: null, maxAttempts: storedAttempts(definition.retry.maxAttempts) }
}

function storedAttempts(maxAttempts: number | false): number {
  return maxAttempts === false ? unlimitedAttempts : Math.min(maxAttempts, unlimitedAttempts)
}

/** What a job stores about its retries. */
export interface StoredRetry {
  /** JSON text of its own policy, `null` for the kind's. */
  readonly retry: string | null
  readonly maxAttempts: number
}

/**
 * The retries of one job: its kind's policy with some parts changed.
 * @param policy of the kind; `undefined` where it is not known, for the defaults.
 * @throws DroverError `DROVER_CONFIG`; also for a function, which cannot be stored.
 */
export function resolveOverride(
  retry: RetryPolicyOptions,
  policy: RetryPolicy | undefined,
  where: string,
): StoredRetry {
  const own = resolveRetryPolicy(retry, policy, where)
  const maxAttempts = storedAttempts(own.maxAttempts)
  // The number of attempts is stored by itself, so a kind with a delay function can still be given another one.
  const onlyCount = Object.keys(retry).every((name) => name === "maxAttempts")
  if (onlyCount) return { retry: null, maxAttempts }
  if (own.backoff !== "custom") return { retry: JSON.stringify(own), maxAttempts }
  throw new DroverError(
    "DROVER_CONFIG",
    `${where}: a custom policy is a function and cannot be stored with one job; choose a backoff`,
    { details: { where } },
  )
}

/** Reads an instant as ms since 1970. @throws DroverError `DROVER_CONFIG`. */
export function readInstant(value: Date | number, where: string): number {
  const isDate = typeof (value as Partial<Date> | null)?.getTime === "function"
  const ms = isDate ? (value as Date).getTime() : (value as number)
  if (!isDate && ms >= SECONDS.from && ms < SECONDS.to) {
    throw new DroverError(
      "DROVER_CONFIG",
      `${where}: ${ms} milliseconds since 1970 is ${new Date(ms).toISOString()}; it looks like seconds: give ${ms * 1000} or a Date`,
      { details: { where } },
    )
  }
  if (Number.isFinite(ms) && ms >= 0 && ms <= LATEST_MS) return Math.ceil(ms)
  throw new DroverError(
    "DROVER_CONFIG",
    `${where}: must be a Date or milliseconds since 1970, at most the year 9999, not ${isDate ? "an invalid Date" : show(value)}`,
    { details: { where } },
  )
}

const NEW_ID =
  "drover.newId() makes one. To keep a second job away by a key of your own, use unique"

/** Checks an id. @param advice what to give instead. @throws DroverError `DROVER_CONFIG`. */
export function checkId(id: unknown, advice: string = NEW_ID): string {
  if (typeof id === "string" && isUuidV7(id)) return id
  throw new DroverError(
    "DROVER_CONFIG",
    `id: must be a UUID of version 7, not ${show(id)}; ${advice}`,
  )
}

/** Checks the names of an enqueue's options. @throws DroverError `DROVER_CONFIG` with a suggestion. */
export function checkEnqueueOptions(
  options: object,
  kind: string,
  more: readonly string[] = [],
): void {
  checkOptions(options, [...enqueueOptionNames, ...more], `${kind} enqueue`, enqueueAdvice)
}
