import { checkOptions, DroverError, isDroverError, orDefault, show } from "../errors/index.ts"
import { isJobDefinition } from "../jobs/define/jobDefinition.ts"
import type { JobDefinition } from "../jobs/define/jobDefinition.ts"
import { keysFor } from "../jobs/define/limitOptions.ts"
import type { OwnLimit } from "../jobs/define/limitOptions.ts"
import { prepareJob, readInstant } from "../jobs/define/newJobs.ts"
import type { EnqueueOptions } from "../jobs/define/newJobs.ts"
import { checkTags } from "../jobs/define/names.ts"
import { decodePayload, defaultPayloadLimit } from "../store/index.ts"
import type { NewUnique, OverlapPolicy } from "../store/index.ts"
import { parseDuration } from "../time/index.ts"
import type { Duration } from "../time/index.ts"
import { mostCaughtUp } from "./passing.ts"
import { writeSettings } from "./scheduleSettings.ts"
import type {
  CatchUpPolicy,
  JobTemplate,
  ScheduleSettings,
  StoredUnique,
} from "./scheduleSettings.ts"
import type { DoubledHour, MissingHour } from "./timing/nextInstant.ts"
import { Timing } from "./timing/timing.ts"

/** The limits of queues by their names, as the client's code declares them. */
export type QueueLimits = ReadonlyMap<string, readonly OwnLimit[]>

/** When a schedule is due, and what its ticks do. */
export interface ScheduleTimingOptions {
  /** Five fields from minutes on, six from seconds on, seven with a year last, or a name such as "@daily". */
  readonly cron?: string
  /** An interval instead, counted from `startAt` or from when the schedule came to be; it never drifts. */
  readonly every?: Duration
  /** The zone in which `cron` is read. @default "UTC" */
  readonly timeZone?: string
  /** What a planned time does that the clocks leap over: run once right after the gap, or not. @default "run" */
  readonly missingHour?: MissingHour
  /** What a planned time does that the clocks show twice: run at the first showing, or at both. @default "once" */
  readonly doubledHour?: DoubledHour
  /** No tick before it. @default none */
  readonly startAt?: Date | number
  /** No tick after it. @default none */
  readonly endAt?: Date | number
  /**
   * What happens to ticks that were missed because nothing ran: `"latest"` runs the last of them, `{ all: 24 }` the last
   * 24, `"skip"` none, but the last if it is late by `lateAfter` at most. Those that do not run are in the history.
   * @default "latest"
   */
  readonly catchUp?: CatchUpPolicy
  /** @default "1m" */
  readonly lateAfter?: Duration
  /**
   * What a tick does while the job of the tick before has not ended: run beside it, be skipped, or wait for its end
   * (then further ticks are skipped while one waits). @default "allow"
   */
  readonly overlap?: OverlapPolicy
  /**
   * Spreads ticks over this long behind their instants, each by the same amount however often it is planned, but never up
   * to the next instant. @default 0
   */
  readonly jitter?: Duration
}

/** What the job of a tick may be told. Its own id and due time come from the tick, its unique key from the kind. */
export interface ScheduleJobOptions extends Omit<
  EnqueueOptions,
  "id" | "runIn" | "runAt" | "unique"
> {
  /** `false` for no unique key where the kind has one. */
  readonly unique?: false
}

type InputOption<Input> = undefined extends Input
  ? { readonly input?: Input }
  : { readonly input: Input }

/** What a schedule is made of. */
export type ScheduleOptions<Input> = ScheduleTimingOptions &
  ScheduleJobOptions & {
    /** The job that every tick becomes. */
    readonly job: JobDefinition<Input>
  } & InputOption<Input>

/** A schedule as code declares it. Made by `schedule`, frozen. */
export interface ScheduleDefinition {
  readonly name: string
  readonly settings: ScheduleSettings
  /** As it is stored. */
  readonly declared: string
  /** Keyed limits under which its jobs have no key, whatever a queue would compute. */
  readonly exempt: readonly string[]
}

const TIMING_NAMES: readonly (keyof ScheduleTimingOptions)[] = [
  "cron",
  "every",
  "timeZone",
  "missingHour",
  "doubledHour",
  "startAt",
  "endAt",
  "catchUp",
  "lateAfter",
  "overlap",
  "jitter",
]
const JOB_NAMES: readonly (keyof ScheduleJobOptions)[] = [
  "queue",
  "priority",
  "expireIn",
  "tags",
  "metadata",
  "retry",
  "timeout",
  "maxCrashes",
  "keys",
  "unique",
]
// What people write who come from another queue; the nearest name of "pattern" would be "jitter".
const ADVICE = {
  pattern: "write cron",
  expression: "write cron",
  interval: "write every",
  intervals: "write every",
  tz: "write timeZone",
  kind: "write job: the definition of defineJob()",
  data: "write input",
  args: "write input",
  payload: "write input",
}
const DEFAULTS = {
  timeZone: "UTC",
  missingHour: "run",
  doubledHour: "once",
  catchUp: "latest",
  lateAfter: "1m",
  overlap: "allow",
  jitter: 0,
} as const
const OVERLAPS: readonly OverlapPolicy[] = ["allow", "skip", "queue-one"]
// One for the schedule's own tag, `schedule:NAME`, which is at most 100 characters long.
const NAME = /^\w[\w./-]{0,89}$/
// A schedule that is due more often than this is a loop, and a job is not the place for one.
const LEAST_EVERY_MS = 100

/**
 * Defines a schedule: a recurring entry that enqueues a job at each of its ticks. Give it to `new Drover({ schedules })`.
 * @param name how operators and history call it: 1 to 90 letters, digits and `_ . / -`.
 * @throws DroverError `DROVER_CONFIG` for an unknown option, a value that cannot work, or a date that never comes;
 * `DROVER_INPUT_INVALID` when the job's schema refuses the input.
 */
export function schedule<Input, Result>(
  name: string,
  options: Omit<ScheduleOptions<Input>, "job"> & { readonly job: JobDefinition<Input, Result> },
): ScheduleDefinition {
  const given = options as ScheduleOptions<unknown>
  checkScheduleName(name)
  checkOptions(given, [...TIMING_NAMES, ...JOB_NAMES, "job", "input"], name, ADVICE)
  if (!isJobDefinition(given.job)) throw refuse(name, "job", "must be a definition of defineJob()")
  const settings: ScheduleSettings = {
    ...readTiming(name, given),
    ...readJob(name, given.job, given.input, given),
  }
  // Whatever cannot be planned is refused here, not by the leader in the night.
  const timing = new Timing(settings, 0, name)
  if (timing.next(settings.startAt ?? 0) === null && timing.next(-1) === null) {
    throw refuse(name, "endAt", "comes before the first tick, so it would never run")
  }
  const exempt = Object.entries(given.keys ?? {}).flatMap(([limit, key]) =>
    key === null ? [limit] : [],
  )
  return Object.freeze({ name, settings, declared: writeSettings(settings), exempt })
}

/**
 * The same schedule with the keys that its jobs have under the limits of their queue, which a client knows.
 * @throws DroverError `DROVER_LIMIT_KEY`.
 */
export function withQueueKeys(
  definition: ScheduleDefinition,
  queueLimits: QueueLimits,
): ScheduleDefinition {
  const { settings, exempt } = definition
  const { kind, queue, keys = [] } = settings
  const limits = queueLimits.get(queue) ?? []
  const decided = [...keys.map(({ limit }) => limit), ...exempt].map((limit) => [limit, null])
  const input = decodePayload(settings.input, "input")
  const own = keysFor(limits, input, { kind, queue }, Object.fromEntries(decided))
  if (own.length === 0) return definition
  const completed = { ...settings, keys: [...keys, ...own] }
  return Object.freeze({ ...definition, settings: completed, declared: writeSettings(completed) })
}

/** Tells whether a value was made by `schedule`, of this or another copy of the package. */
export function isScheduleDefinition(value: unknown): value is ScheduleDefinition {
  if (typeof value !== "object" || value === null) return false
  const { name, settings, declared } = value as Partial<ScheduleDefinition>
  return typeof name === "string" && typeof settings === "object" && typeof declared === "string"
}

/** Checks the name of a schedule. @throws DroverError `DROVER_CONFIG`. */
export function checkScheduleName(name: unknown): string {
  if (typeof name === "string" && NAME.test(name)) return name
  throw refuse(
    typeof name === "string" ? JSON.stringify(name.slice(0, 100)) : "schedule",
    "name",
    'must be 1 to 90 letters, digits and "_ . / -", beginning with a letter or a digit',
  )
}

/** Reads options of timing and ticks, those that are given over `before`. @throws DroverError `DROVER_CONFIG`. */
export function readTiming(
  name: string,
  options: ScheduleTimingOptions,
  before?: ScheduleSettings,
): Omit<ScheduleSettings, keyof JobTemplate> {
  const { cron, every } = options
  if (cron !== undefined && typeof cron !== "string") {
    throw refuse(name, "cron", `must be a text such as "0 9 * * *", not ${show(cron)}`)
  }
  if ((cron !== undefined && every !== undefined) || (!before && cron === every)) {
    throw refuse(name, "cron", "give either cron or every")
  }
  const instant = (key: "startAt" | "endAt"): number | null => {
    const value = options[key]
    return value === undefined ? (before?.[key] ?? null) : readInstant(value, `${name}.${key}`)
  }
  const ms = (key: "jitter" | "lateAfter", stored: number | undefined): number => {
    const value = options[key]
    if (value === undefined && stored !== undefined) return stored
    return Math.ceil(parseDuration(orDefault(value, DEFAULTS[key]), `${name}.${key}`))
  }
  const keepsTiming = cron === undefined && every === undefined && before !== undefined
  return {
    cron: keepsTiming ? before.cron : (cron ?? null),
    everyMs: keepsTiming ? before.everyMs : every === undefined ? null : readEvery(name, every),
    timeZone: orDefault(options.timeZone, before?.timeZone ?? DEFAULTS.timeZone),
    missingHour: oneOf(name, "missingHour", ["run", "skip"], options, before),
    doubledHour: oneOf(name, "doubledHour", ["once", "twice"], options, before),
    startAt: instant("startAt"),
    endAt: instant("endAt"),
    catchUp: readCatchUp(name, orDefault(options.catchUp, before?.catchUp ?? DEFAULTS.catchUp)),
    overlap: oneOf(name, "overlap", OVERLAPS, options, before),
    jitterMs: ms("jitter", before?.jitterMs),
    lateAfterMs: ms("lateAfter", before?.lateAfterMs),
  }
}

/** Makes the row of a schedule's jobs, without what is a tick's own. @throws as `prepareJob`. */
export function readJob(
  name: string,
  job: JobDefinition,
  input: unknown,
  options: ScheduleJobOptions,
  queueLimits: QueueLimits = new Map(),
): JobTemplate {
  const given = Object.fromEntries(
    JOB_NAMES.filter((key) => options[key] !== undefined).map((key) => [key, options[key]]),
  ) as ScheduleJobOptions
  const unlike: unknown = given.unique
  if (unlike !== undefined && unlike !== false) {
    throw refuse(name, "unique", "may only be false: the key of a tick's job is the kind's")
  }
  const own = options.tags === undefined ? job.tags : checkTags(options.tags, `${name}.tags`)
  const tags = [...own, `schedule:${name}`]
  const context = { ids: { next: () => "" }, payloadLimit: defaultPayloadLimit, queueLimits }
  const prepared = prepareTickJob(name, () => prepareJob(job, input, { ...given, tags }, context))
  if (prepared instanceof Promise) {
    prepared.catch(() => {})
    throw refuse(name, "job", "has an asynchronous input schema, which cannot check an input ahead")
  }
  const { id: _, delayMs: __, runAt: ___, unique, ...template } = prepared
  if (given.unique === false) return { ...template, unique: false }
  return unique === null ? template : { ...template, unique: storedUnique(unique) }
}

// A tick runs at its instant, so there is no quiet time for which a key could wait.
function prepareTickJob<T>(name: string, prepare: () => T): T {
  try {
    return prepare()
  } catch (error) {
    if (!isDroverError(error, "DROVER_CONFIG") || error.details["needs"] !== "runIn") throw error
    const problem = "the kind's key debounces, which no tick can; give the schedule unique: false"
    throw refuse(name, "unique", problem, error)
  }
}

function storedUnique({ hash, ...unique }: NewUnique): StoredUnique {
  return { ...unique, hash: Buffer.from(hash).toString("hex") }
}

function readEvery(name: string, every: Duration): number {
  const ms = Math.ceil(parseDuration(every, `${name}.every`))
  if (ms >= LEAST_EVERY_MS) return ms
  throw refuse(name, "every", `must be at least ${LEAST_EVERY_MS} ms`)
}

function readCatchUp(name: string, value: unknown): CatchUpPolicy {
  if (value === "skip" || value === "latest") return value
  const all = (value as { readonly all?: unknown } | null)?.all
  if (Number.isInteger(all) && (all as number) >= 1 && (all as number) <= mostCaughtUp) {
    return { all: all as number }
  }
  throw refuse(
    name,
    "catchUp",
    `must be "skip", "latest" or { all: N } with N from 1 to ${mostCaughtUp}`,
  )
}

function oneOf<K extends "missingHour" | "doubledHour" | "overlap">(
  name: string,
  key: K,
  values: readonly ScheduleSettings[K][],
  options: ScheduleTimingOptions,
  before: ScheduleSettings | undefined,
): ScheduleSettings[K] {
  const value = orDefault(options[key], before?.[key] ?? DEFAULTS[key])
  if (values.includes(value as ScheduleSettings[K])) return value as ScheduleSettings[K]
  throw refuse(name, key, `must be one of ${values.map((one) => `"${one}"`).join(", ")}`)
}

function refuse(where: string, option: string, problem: string, cause?: unknown): DroverError {
  return new DroverError("DROVER_CONFIG", `schedule ${where}.${option}: ${problem}`, {
    details: { schedule: where, option },
    ...(cause !== undefined && { cause }),
  })
}
