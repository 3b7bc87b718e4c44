import { hash } from "node:crypto"
import { answeredAtOnce, checkOptions, DroverError, show } from "../../errors/index.ts"
import { limitName, parseLimitName } from "../../store/index.ts"
import type {
  DeclaredLimit,
  LimitScope,
  LimitSetting,
  LimitType,
  NewKey,
} from "../../store/index.ts"
import { parseDuration } from "../../time/index.ts"
import type { Duration } from "../../time/index.ts"
import { limitAdvice } from "./optionAdvice.ts"

/**
 * What tells the jobs of a limit apart: a text of 1 to 1000 characters made of the job's input as it was given to
 * `enqueue`. `null` and `undefined` exempt the job from the limit. It runs at enqueue, so it must be quick, and give the
 * same key for the same input.
 */
export type LimitKey<Input = unknown> = (
  input: Input,
  job: { readonly kind: string; readonly queue: string },
) => string | null | undefined

/** At most so many jobs at once, over all processes. */
export interface ConcurrencyOptions<Input = unknown> {
  /** 0 starts none. */
  readonly limit: number
  /** Counts each key by itself. @default all jobs together */
  readonly key?: LimitKey<Input>
  /** Name of the key, where there are several: 1 to 40 letters, digits and `_`. @default "key" */
  readonly name?: string
}

/** At most so many starts in any window of a length, over all processes. Retries are starts too. */
export interface RateOptions<Input = unknown> extends ConcurrencyOptions<Input> {
  /** Length of the window: `"1m"`. From 1 ms to 31 days. */
  readonly per: Duration
}

/** Keys take turns, whoever has enqueued more or with a better priority. */
export interface FairOptions<Input = unknown> {
  readonly key: LimitKey<Input>
  /** How many turns a key gets for one of the others. @default 1 for every key */
  readonly weights?: Readonly<Record<string, number>>
  /** @default "key" */
  readonly name?: string
}

/** The limits of a kind or a queue; see docs/guides/limits.md. */
export interface LimitSettings<Input = unknown> {
  /** How many jobs run at once, over all processes; a number, one limit or several. @default no limit */
  readonly concurrency?: number | ConcurrencyOptions<Input> | readonly ConcurrencyOptions<Input>[]
  /** How many jobs start in any window, over all processes. @default no limit */
  readonly rate?: RateOptions<Input> | readonly RateOptions<Input>[]
  /** Which keys share fairly. @default none: rank alone decides */
  readonly fair?: FairOptions<Input>
}

/** Names of the options above. */
export const limitOptionNames: readonly (keyof LimitSettings)[] = ["concurrency", "rate", "fair"]

/** A limit that code declares, with how its key is made. */
export interface OwnLimit extends DeclaredLimit {
  readonly key: LimitKey<never> | null
}

const CONCURRENCY: readonly (keyof ConcurrencyOptions)[] = ["limit", "key", "name"]
const RATE: readonly (keyof RateOptions)[] = [...CONCURRENCY, "per"]
const FAIR: readonly (keyof FairOptions)[] = ["key", "weights", "name"]
const KEY_NAME = /^\w{1,40}$/
const MAX_WINDOW_MS = 31 * 86_400_000
const MOST = 1_000_000
const MAX_WEIGHT = 1_000
const MAX_KEY = 1_000
const MAX_STORED_KEY = 100

/** Checks the limits of a kind or a queue. @throws DroverError `DROVER_CONFIG`. */
export function resolveLimits(
  options: LimitSettings<never>,
  scope: LimitScope,
  target: string,
): readonly OwnLimit[] {
  const { concurrency, rate, fair } = options
  const owner = { scope, target }
  const given = typeof concurrency === "number" ? { limit: concurrency } : concurrency
  const limits = [
    ...listOf(given).map((one) => resolveOne(owner, "concurrency", one)),
    ...listOf(rate).map((one) => resolveOne(owner, "rate", one)),
    ...(fair === undefined ? [] : [resolveFair(owner, fair)]),
  ]
  const names = limits.map((limit) => limitName(limit))
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice === undefined) return limits
  throw refuse(twice, "is given twice; name the keys: { name, key, limit }")
}

function listOf<T>(given: T | readonly T[] | undefined): readonly T[] {
  if (given === undefined) return []
  return Array.isArray(given) ? (given as readonly T[]) : [given as T]
}

type Owner = Pick<DeclaredLimit, "scope" | "target">

function placeOf({ scope, target }: Owner): string {
  return scope === "queue" ? `queues.${target}` : target
}

function resolveOne(
  owner: Owner,
  type: "concurrency" | "rate",
  given: ConcurrencyOptions<never> | RateOptions<never>,
): OwnLimit {
  const where = `${placeOf(owner)}.${type}`
  checkOptions(given, type === "rate" ? RATE : CONCURRENCY, where, limitAdvice)
  const { limit, key, name } = given
  const by = keyName(key, name, where)
  const per = "per" in given ? given.per : undefined
  return { ...owner, type, by, ...checkLimitSetting(type, { limit, per }, where), key: key ?? null }
}

function resolveFair(owner: Owner, given: FairOptions<never>): OwnLimit {
  const where = `${placeOf(owner)}.fair`
  checkOptions(given, FAIR, where)
  const { key, weights, name } = given
  if (key === undefined) throw refuse(`${where}.key`, "is needed: who shares with whom")
  const by = keyName(key, name, where)
  return { ...owner, type: "fair", by, ...checkLimitSetting("fair", { weights }, where), key }
}

function keyName(key: unknown, name: unknown, where: string): string | null {
  if (key === undefined) {
    if (name === undefined) return null
    throw refuse(`${where}.name`, "names a key, and there is none; add key")
  }
  if (typeof key !== "function") throw refuse(`${where}.key`, "must be a function of the input")
  const by = name ?? "key"
  if (typeof by === "string" && KEY_NAME.test(by)) return by
  throw refuse(`${where}.name`, `${show(by)} is not 1 to 40 letters, digits and _`)
}

/** The numbers of a limit as people give them. */
export interface LimitNumbers {
  readonly limit?: number | undefined
  readonly per?: Duration | undefined
  readonly weights?: Readonly<Record<string, number>> | undefined
}

/** Checks the numbers of a limit, for code and for operators. @throws DroverError `DROVER_CONFIG`. */
export function checkLimitSetting(
  type: LimitType,
  { limit, per, weights }: LimitNumbers,
  where: string,
): LimitSetting {
  if (type === "fair") {
    if (limit !== undefined || per !== undefined)
      throw refuse(where, "fair has weights, and neither limit nor per")
    return { max: null, perMs: null, weights: checkWeights(weights, where) }
  }
  if (weights !== undefined) throw refuse(`${where}.weights`, "belongs to fair")
  if (!Number.isSafeInteger(limit) || (limit as number) < 0 || (limit as number) > MOST) {
    const problem = `${show(limit)} is not a whole number from 0 (starts none) to ${MOST}`
    throw refuse(`${where}.limit`, problem)
  }
  if (type === "concurrency" && per !== undefined)
    throw refuse(`${where}.per`, "belongs to rate; concurrency counts what runs at once")
  const perMs = type === "rate" ? checkWindow(per, `${where}.per`) : null
  return { max: limit as number, perMs, weights: null }
}

function checkWindow(per: Duration | undefined, where: string): number {
  if (per === undefined) throw refuse(where, 'is needed: the length of the window, such as "1m"')
  const ms = Math.ceil(parseDuration(per, where))
  if (ms >= 1 && ms <= MAX_WINDOW_MS) return ms
  throw refuse(where, "must be from 1 ms to 31 days")
}

function checkWeights(
  weights: Readonly<Record<string, number>> | undefined,
  where: string,
): Readonly<Record<string, number>> | null {
  if (weights === undefined) return null
  if (typeof weights !== "object" || weights === null || Array.isArray(weights)) {
    throw refuse(`${where}.weights`, "must be an object of numbers by key")
  }
  const stored: [string, number][] = Object.entries(weights).map(([key, weight]) => {
    if (typeof weight === "number" && weight > 0 && weight <= MAX_WEIGHT)
      return [storedKey(key), weight]
    const at = `${where}.weights[${show(key)}]`
    throw refuse(at, `${show(weight)} is not a number above 0, at most ${MAX_WEIGHT}`)
  })
  return stored.length === 0 ? null : Object.fromEntries(stored)
}

/**
 * The keys of a job under the keyed limits of its kind and its queue.
 * @param given keys by the names of limits, which go before what would be computed.
 * @throws DroverError `DROVER_LIMIT_KEY` when a key cannot be made, `DROVER_CONFIG` for one that was given wrong.
 */
export function keysFor(
  limits: readonly OwnLimit[],
  input: unknown,
  job: { readonly kind: string; readonly queue: string },
  given: Readonly<Record<string, string | null>> = {},
): readonly NewKey[] {
  const keys = new Map<string, string>()
  for (const limit of limits) {
    const name = limitName(limit)
    if (limit.key === null || Object.hasOwn(given, name)) continue
    const key = makeKey(limit.key, name, input, job)
    if (key !== null) keys.set(name, key)
  }
  for (const [name, key] of Object.entries(given)) {
    if (key !== null) keys.set(checkKeyedName(name), checkKey(key, name, "DROVER_CONFIG"))
  }
  return [...keys].map(([limit, key]) => ({ limit, key }))
}

function makeKey(
  make: LimitKey<never>,
  name: string,
  input: unknown,
  job: { readonly kind: string; readonly queue: string },
): string | null {
  let key: unknown
  try {
    key = answeredAtOnce(make(input as never, job))
  } catch (error) {
    throw new DroverError(
      "DROVER_LIMIT_KEY",
      `${name}: the key function threw; it must take any input`,
      {
        details: { limit: name, kind: job.kind },
        cause: error,
      },
    )
  }
  return key === null || key === undefined ? null : checkKey(key, name, "DROVER_LIMIT_KEY")
}

function checkKey(key: unknown, name: string, code: "DROVER_LIMIT_KEY" | "DROVER_CONFIG"): string {
  if (typeof key === "string" && key !== "" && key.length <= MAX_KEY) {
    if (!key.includes("\0") && key.isWellFormed()) return storedKey(key)
  }
  const problem =
    typeof key === "string"
      ? `${show(key)} has ${key.length} characters, NUL or broken surrogates`
      : `${show(key)} is not a text`
  const rule = `a key is a text of 1 to ${MAX_KEY} characters without NUL, or null for no limit`
  throw new DroverError(code, `${name}: ${problem}; ${rule}`, { details: { limit: name } })
}

function checkKeyedName(name: string): string {
  const by = parseLimitName(name)?.by
  if (by !== undefined && by !== null) return name
  throw refuse("keys", `${show(name)} names no keyed limit such as "kind:resize#concurrency.key"`)
}

/** The bounded text that stores keep of a key: itself, or its beginning and its hash. Never the same for two keys. */
export function storedKey(key: string): string {
  if (key.length <= MAX_STORED_KEY) return key
  return `${key.slice(0, 60).toWellFormed()}#${hash("sha256", key, "hex")}`
}

function refuse(where: string, problem: string): DroverError {
  return new DroverError("DROVER_CONFIG", `${where}: ${problem}`, { details: { where } })
}
