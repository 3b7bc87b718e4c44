import { hash } from "node:crypto"
import { types } from "node:util"
import { answeredAtOnce, checkOptions, DroverError, orDefault, show } from "../../errors/index.ts"
import { jobStates, waitingStates } from "../../store/index.ts"
import type { JobState, NewUnique, UniqueMode } from "../../store/index.ts"
import { parseDuration } from "../../time/index.ts"
import type { Duration } from "../../time/index.ts"
import { uniqueAdvice } from "./optionAdvice.ts"

/** Keeps a second job with the same key away, race-free between all processes. */
export interface UniqueOptions {
  /** What must not be there twice, such as a user's id. Up to 1000 characters. */
  readonly key: string
  /** What the key is unique in: kinds with the same scope share their keys. @default the kind */
  readonly scope?: string
  /** Hold the key only this long after the enqueue. @default as long as the job is in one of `states`. For `throttle`: the window, required. */
  readonly for?: Duration
  /** What happens when a job with the same key is there. @default "skip" */
  readonly mode?: UniqueMode
  /**
   * Hold the key while its job is in one of these states.
   * @default skip and throttle: waiting and running, with `for` also completed; replace and debounce:
   * waiting only, so that a run that has begun does not swallow newer input.
   */
  readonly states?: readonly JobState[]
  /** `debounce` only: run at the latest this long after the first enqueue. @default no limit */
  readonly maxWait?: Duration
}

/**
 * Makes the unique key of a kind's jobs from the input as it was given to `enqueue`. `null` and `undefined` make a job
 * without one. It runs at enqueue, so it must be quick, and give the same for the same input.
 */
export type UniqueKey<Input = unknown> = (
  input: Input,
  job: { readonly kind: string; readonly queue: string },
) => UniqueOptions | string | null | undefined

/** The unique key that jobs of a kind have unless an enqueue says otherwise. */
export type KindUnique<Input = unknown> = UniqueOptions | string | UniqueKey<Input>

const OPTIONS: readonly (keyof UniqueOptions)[] = [
  "key",
  "scope",
  "for",
  "mode",
  "states",
  "maxWait",
]
const MODES: readonly UniqueMode[] = ["skip", "replace", "debounce", "throttle"]
const MAX_KEY = 1_000
const MAX_LABEL = 200
const UNFINISHED: readonly JobState[] = [...waitingStates, "running"]
const UNFAILED: readonly JobState[] = [...UNFINISHED, "completed"]

/**
 * Checks unique options and hashes the key.
 * @param delayed whether the enqueue waits (`runIn`), which `debounce` needs.
 * @throws DroverError `DROVER_CONFIG`.
 */
export function resolveUnique(
  unique: UniqueOptions | string,
  kind: string,
  delayed: boolean,
): NewUnique {
  const options = typeof unique === "string" ? { key: unique } : unique
  const where = `${kind}.unique`
  checkOptions(options, OPTIONS, where, uniqueAdvice)
  const mode = orDefault(options.mode, "skip")
  if (!MODES.includes(mode)) {
    throw refuse(where, "mode", `must be one of ${MODES.join(", ")}, not ${show(mode)}`)
  }
  const key = checkText(options.key, where, "key")
  const scope = options.scope === undefined ? undefined : checkText(options.scope, where, "scope")
  const forMs = options.for === undefined ? null : wholeMs(options.for, where, "for")
  const maxWaitMs =
    options.maxWait === undefined ? null : wholeMs(options.maxWait, where, "maxWait")
  if (mode === "throttle" && forMs === null)
    throw refuse(where, "for", "is needed by throttle: it is the window")
  if (mode === "debounce" && !delayed)
    throw refuse(where, "mode", "debounce needs runIn: the quiet time to wait for", "runIn")
  if (mode !== "debounce" && maxWaitMs !== null)
    throw refuse(where, "maxWait", "belongs to debounce only")
  return {
    hash: hashKey(kind, scope, key),
    label: key.slice(0, MAX_LABEL).toWellFormed(),
    mode,
    states:
      options.states === undefined
        ? defaultStates(mode, forMs)
        : checkStates(options.states, where),
    forMs,
    maxWaitMs,
  }
}

/** Checks what a kind says of its unique key, as far as that can be known without an input. @throws DroverError `DROVER_CONFIG`. */
export function checkKindUnique(
  unique: KindUnique<never> | undefined,
  kind: string,
): KindUnique<never> | null {
  if (unique === undefined) return null
  // Whether an enqueue waits, as debounce must, is said at the enqueue.
  if (typeof unique !== "function") resolveUnique(unique, kind, true)
  return unique
}

/** The unique key that a kind makes of an input. @throws DroverError `DROVER_CONFIG` when it cannot. */
export function uniqueOf(
  make: UniqueKey<never>,
  input: unknown,
  job: { readonly kind: string; readonly queue: string },
  delayed: boolean,
): NewUnique | null {
  let unique: ReturnType<UniqueKey>
  try {
    unique = answeredAtOnce(make(input as never, job))
  } catch (error) {
    throw new DroverError(
      "DROVER_CONFIG",
      `${job.kind}.unique: the function threw; it must take any input`,
      { details: { kind: job.kind, option: "unique" }, cause: error },
    )
  }
  if (types.isPromise(unique)) {
    throw new DroverError(
      "DROVER_CONFIG",
      `${job.kind}.unique: the function returned a promise; it must return the key at once`,
      { details: { kind: job.kind, option: "unique" } },
    )
  }
  return unique === null || unique === undefined ? null : resolveUnique(unique, job.kind, delayed)
}

/** The hash under which stores keep a key. Names hold no NUL, so two different pairs never meet. */
export function hashKey(kind: string, scope: string | undefined, key: string): Uint8Array {
  const owner = scope === undefined ? `kind\0${kind}` : `scope\0${scope}`
  return hash("sha256", `${owner}\0${key}`, "buffer")
}

function defaultStates(mode: UniqueMode, forMs: number | null): readonly JobState[] {
  if (mode === "replace" || mode === "debounce") return waitingStates
  return forMs === null ? UNFINISHED : UNFAILED
}

function checkStates(states: unknown, where: string): readonly JobState[] {
  if (!Array.isArray(states) || states.length === 0) {
    const got = Array.isArray(states) ? "an empty list" : show(states)
    throw refuse(where, "states", `must be a list of at least one state, not ${got}`)
  }
  for (const state of states as unknown[]) {
    if (!jobStates.includes(state as JobState)) {
      throw refuse(where, "states", `must be of ${jobStates.join(", ")}, not ${show(state)}`)
    }
  }
  return [...new Set(states as JobState[])]
}

function checkText(value: unknown, where: string, name: string): string {
  const fits = typeof value === "string" && value !== "" && value.length <= MAX_KEY
  if (fits && !value.includes("\0") && value.isWellFormed()) return value
  throw refuse(
    where,
    name,
    `must be a text of 1 to ${MAX_KEY} characters without NUL or broken surrogates, not ${show(value)}`,
  )
}

function wholeMs(value: Duration, where: string, name: string): number {
  const ms = Math.ceil(parseDuration(value, `${where}.${name}`))
  if (ms > 0) return ms
  throw refuse(where, name, "must be longer than 0")
}

function refuse(where: string, option: string, problem: string, needs?: string): DroverError {
  return new DroverError("DROVER_CONFIG", `${where}.${option}: ${problem}`, {
    details: { where, option, ...(needs !== undefined && { needs }) },
  })
}
