import { checkOptions, DroverError, orDefault, show } from "../../errors/index.ts"
import type { RetryPolicy } from "../../retry/index.ts"
import { parseLimit } from "../../time/index.ts"
import type { Duration } from "../../time/index.ts"
import type { JobContext } from "./jobContext.ts"
import { resolveKindRetry } from "./jobRetry.ts"
import type { JobRetryOptions, RetryIf } from "./jobRetry.ts"
import { limitOptionNames, resolveLimits } from "./limitOptions.ts"
import type { LimitSettings, OwnLimit } from "./limitOptions.ts"
import { encodeMetadata } from "./metadata.ts"
import {
  checkCount,
  checkName,
  checkPriority,
  checkTags,
  defaultPriority,
  defaultQueue,
} from "./names.ts"
import { defineAdvice } from "./optionAdvice.ts"
import type { Outcome, ResultOf } from "./outcome.ts"
import { isStandardSchema } from "./standardSchema.ts"
import type { InferInput, InferOutput, StandardSchemaV1 } from "./standardSchema.ts"
import { checkKindUnique } from "./uniqueOptions.ts"
import type { KindUnique } from "./uniqueOptions.ts"

/** Where a handler runs. */
export type Isolation = "inline" | "thread" | "process"

/** What a definition says beside its schemas and its handler. */
export interface JobSettings {
  /** @default "default" */
  readonly queue?: string
  /** 0 (first) to 1000 (last). @default 100 */
  readonly priority?: number
  /** When, how often and after which errors a failed job runs again. @default 25 attempts, 1 s doubling up to 1 h, full jitter */
  readonly retry?: JobRetryOptions
  /** The longest time an attempt may take, then its signal aborts with `Timeout`; `false` for no limit. @default "1h" */
  readonly timeout?: Duration | false
  /** How many deaths of its process end the job. @default 3 */
  readonly maxCrashes?: number
  /** Discard a job that was not started this long after it became due; `false` for never. @default false */
  readonly expireIn?: Duration | false
  /** Tags of its jobs, unless an enqueue gives others. @default none */
  readonly tags?: readonly string[]
  /** Metadata of its jobs, unless an enqueue gives other. @default none */
  readonly metadata?: Readonly<Record<string, unknown>>
  /**
   * Where the handler runs: with everything else, in a thread of its own, or in a process of its own. The
   * latter two survive handlers that block or crash, and need `module`.
   * @default "inline"
   */
  readonly isolation?: Isolation
  /** `import.meta.url` of the module that exports this definition, for `isolation`. */
  readonly module?: string | URL
}

/** What a definition says that may look at the input. */
export interface InputSettings<Input = unknown> extends LimitSettings<Input> {
  /**
   * The unique key of its jobs, unless an enqueue gives another one, or `false`: one for all of them, or made of the input.
   * See docs/guides/unique.md. @default none
   */
  readonly unique?: KindUnique<Input>
}

/** A kind of job: its name, its rules and its handler. Made by `defineJob`, frozen. */
export interface JobDefinition<Input = unknown, Result = unknown> {
  readonly kind: string
  readonly queue: string
  readonly priority: number
  readonly retry: RetryPolicy
  /** Which errors are worth another attempt; `null` for all. */
  readonly retryIf: RetryIf | null
  readonly timeoutMs: number | false
  readonly maxCrashes: number
  /** `null` for never. */
  readonly expireMs: number | null
  readonly tags: readonly string[]
  /** JSON text, or `null`. */
  readonly metadata: string | null
  /** `null` for none. */
  readonly unique: KindUnique<never> | null
  readonly isolation: Isolation
  /** Limits over all jobs of this kind, in all processes. */
  readonly limits: readonly OwnLimit[]
  /** URL of the module that exports this definition, or `null`. */
  readonly module: string | null
  readonly input: StandardSchemaV1 | null
  readonly output: StandardSchemaV1 | null
  /** Runs one attempt. Called by workers with an input that satisfies `input`. */
  run(context: JobContext): unknown
  /** Types only; never there at run time. */
  readonly "~types"?: { readonly input: Input; readonly result: Result }
}

/** The type of the input that a definition takes at enqueue. */
export type InputOf<Definition extends JobDefinition> = NonNullable<Definition["~types"]>["input"]

/** The type of the result that a definition's jobs give. */
export type ResultOfJob<Definition extends JobDefinition> = NonNullable<
  Definition["~types"]
>["result"]

type MaybePromise<T> = T | Promise<T>

/*
 * What defineJob() makes of a schema, if there is one, and else of the handler. One signature with these instead of one for
 * each case: of several, TypeScript tells about the last one, which is never the one that was meant.
 */
type EnqueuedInput<Schema, Input> = Schema extends StandardSchemaV1 ? InferInput<Schema> : Input
type HandledInput<Schema, Input> = Schema extends StandardSchemaV1 ? InferOutput<Schema> : Input
type Returned<Output, Return> = Output extends StandardSchemaV1
  ? MaybePromise<InferInput<Output> | Outcome>
  : Return
type StoredResult<Output, Return> = Output extends StandardSchemaV1
  ? InferOutput<Output>
  : ResultOf<Return>

const SETTINGS: readonly (keyof JobSettings)[] = [
  "queue",
  "priority",
  "retry",
  "timeout",
  "maxCrashes",
  "expireIn",
  "tags",
  "metadata",
  "isolation",
  "module",
]
const OPTIONS: readonly string[] = [
  ...SETTINGS,
  ...limitOptionNames,
  "unique",
  "input",
  "output",
  "run",
]
const ISOLATIONS: readonly Isolation[] = ["inline", "thread", "process"]
const DEFAULTS = { timeout: "1h", maxCrashes: 3 } as const
const definitions = new WeakSet<object>()

/**
 * Defines a kind of job. The input type comes from the `input` schema (any Standard Schema) or from the
 * handler's annotation (`run({ input }: JobContext<Mail>)`); the result type from what the handler
 * returns, or from the `output` schema.
 * @param kind the stored name: jobs find their handler by it, so it outlives the code.
 * @throws DroverError `DROVER_CONFIG` for an unknown option or a value that cannot work.
 */
export function defineJob<
  Input = unknown,
  Return = unknown,
  Schema extends StandardSchemaV1 | undefined = undefined,
  Output extends StandardSchemaV1 | undefined = undefined,
>(
  kind: string,
  options: JobSettings &
    InputSettings<EnqueuedInput<Schema, NoInfer<Input>>> & {
      readonly input?: Schema
      readonly output?: Output
      run(context: JobContext<HandledInput<Schema, Input>>): Returned<Output, Return>
    },
): JobDefinition<EnqueuedInput<Schema, Input>, StoredResult<Output, Return>>
export function defineJob(
  kind: string,
  options: JobSettings &
    InputSettings<never> & {
      readonly input?: StandardSchemaV1 | undefined
      readonly output?: StandardSchemaV1 | undefined
      run(context: JobContext<never>): unknown
    },
): JobDefinition<never> {
  checkName(kind, "kind")
  checkOptions(options, OPTIONS, kind, defineAdvice)
  if (typeof options.run !== "function")
    throw configError(kind, "run", `must be a function, not ${show(options.run)}`)
  const isolation = orDefault(options.isolation, "inline")
  if (!ISOLATIONS.includes(isolation)) {
    const problem = `must be one of ${ISOLATIONS.join(", ")}, not ${show(isolation)}`
    throw configError(kind, "isolation", problem)
  }
  const definition: JobDefinition<never> = {
    kind,
    queue: checkName(orDefault(options.queue, defaultQueue), "queue"),
    priority: checkPriority(orDefault(options.priority, defaultPriority), `${kind}.priority`),
    ...resolveKindRetry(options.retry, kind),
    timeoutMs: limitMs(orDefault(options.timeout, DEFAULTS.timeout), `${kind}.timeout`),
    maxCrashes: checkCount(
      orDefault(options.maxCrashes, DEFAULTS.maxCrashes),
      `${kind}.maxCrashes`,
    ),
    expireMs: limitMs(orDefault(options.expireIn, false), `${kind}.expireIn`) || null,
    tags: Object.freeze(checkTags(orDefault(options.tags, []), `${kind}.tags`)),
    metadata: options.metadata === undefined ? null : encodeMetadata(options.metadata),
    unique: checkKindUnique(options.unique, kind),
    isolation,
    limits: resolveLimits(options, "kind", kind),
    module: moduleUrl(kind, isolation, options.module),
    input: checkSchema(kind, "input", options.input),
    output: checkSchema(kind, "output", options.output),
    run: (context) => options.run(context as JobContext<never>),
  }
  definitions.add(definition)
  return Object.freeze(definition)
}

/** Tells whether a value has the shape of a definition, of this or another copy of the package. */
export function isJobDefinition(value: unknown): value is JobDefinition {
  if (typeof value !== "object" || value === null) return false
  if (definitions.has(value)) return true
  const { kind, run, retry } = value as Partial<JobDefinition>
  return typeof kind === "string" && typeof run === "function" && typeof retry === "object"
}

/**
 * Reads a time limit. A limit of zero would end everything at once, so it is refused.
 * @throws DroverError `DROVER_CONFIG`.
 */
export function limitMs(value: Duration | false, where: string): number | false {
  const limit = parseLimit(value, where)
  if (limit === false) return false
  const ms = Math.ceil(limit)
  if (ms > 0) return ms
  throw new DroverError("DROVER_CONFIG", `${where}: must be longer than 0; use false for no limit`)
}

function checkSchema(kind: string, name: string, schema: unknown): StandardSchemaV1 | null {
  if (schema === undefined) return null
  if (isStandardSchema(schema)) return schema
  throw configError(kind, name, "must be a Standard Schema (Zod, Valibot, ArkType, …)")
}

function moduleUrl(
  kind: string,
  isolation: Isolation,
  module: string | URL | undefined,
): string | null {
  if (module === undefined) {
    if (isolation === "inline") return null
    throw configError(
      kind,
      "module",
      `is needed for isolation "${isolation}"; pass import.meta.url, which a bundle of CommonJS does not have: bundle as ESM`,
    )
  }
  const url = URL.parse(String(module))
  if (url !== null) return url.href
  throw configError(kind, "module", "must be a URL such as import.meta.url")
}

function configError(kind: string, option: string, problem: string): DroverError {
  return new DroverError("DROVER_CONFIG", `${kind}.${option}: ${problem}`, {
    details: { kind, option },
  })
}
