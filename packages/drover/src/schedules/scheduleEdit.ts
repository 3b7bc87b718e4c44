import { checkOptions } from "../errors/index.ts"
import type { JobDefinition } from "../jobs/define/jobDefinition.ts"
import { decodePayload } from "../store/index.ts"
import { readJob, readTiming } from "./schedule.ts"
import type { QueueLimits, ScheduleJobOptions, ScheduleTimingOptions } from "./schedule.ts"
import type { JobTemplate, ScheduleSettings, SettingsPatch } from "./scheduleSettings.ts"

/** What an operator may change about a schedule; absent fields stay. `null` takes a bound away. */
export interface ScheduleEdit
  extends Omit<ScheduleTimingOptions, "startAt" | "endAt">, ScheduleJobOptions {
  readonly startAt?: Date | number | null
  readonly endAt?: Date | number | null
  readonly input?: unknown
}

// Which stored fields an option decides.
const DECIDES: Readonly<Record<keyof ScheduleEdit, readonly (keyof ScheduleSettings)[]>> = {
  cron: ["cron", "everyMs"],
  every: ["cron", "everyMs"],
  timeZone: ["timeZone"],
  missingHour: ["missingHour"],
  doubledHour: ["doubledHour"],
  startAt: ["startAt"],
  endAt: ["endAt"],
  catchUp: ["catchUp"],
  lateAfter: ["lateAfterMs"],
  overlap: ["overlap"],
  jitter: ["jitterMs"],
  input: ["input", "keys", "unique"],
  queue: ["queue", "keys", "unique"],
  priority: ["priority"],
  expireIn: ["expireMs"],
  tags: ["tags"],
  metadata: ["metadata"],
  retry: ["retry", "maxAttempts"],
  timeout: ["timeoutMs"],
  maxCrashes: ["maxCrashes"],
  keys: ["keys"],
  unique: ["unique"],
}
const JOB_OPTIONS = [
  "input",
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
] as const

/**
 * Reads an edit as the fields that it decides.
 * @param definition of the schedule's kind, or a stand-in that checks nothing where the kind is not known.
 * @throws DroverError `DROVER_CONFIG`, `DROVER_INPUT_INVALID`, `DROVER_PAYLOAD_…`.
 */
export function readEdit(
  name: string,
  edit: ScheduleEdit,
  before: ScheduleSettings,
  definition: JobDefinition,
  queueLimits: QueueLimits,
): SettingsPatch {
  checkOptions(edit, Object.keys(DECIDES), name)
  const { startAt, endAt, ...rest } = edit
  const kept: ScheduleSettings = {
    ...before,
    ...(startAt === null && { startAt: null }),
    ...(endAt === null && { endAt: null }),
  }
  const bounds = {
    ...(startAt !== undefined && startAt !== null && { startAt }),
    ...(endAt !== undefined && endAt !== null && { endAt }),
  }
  const timing = readTiming(name, { ...rest, ...bounds }, kept)
  const touchesJob = JOB_OPTIONS.some((option) => edit[option] !== undefined)
  const job: Partial<JobTemplate> = touchesJob
    ? editedJob(name, edit, before, { definition, queueLimits })
    : {}
  const after = { ...timing, ...job } as Partial<ScheduleSettings>
  const decided = (Object.keys(edit) as (keyof ScheduleEdit)[])
    .filter((option) => edit[option] !== undefined)
    .flatMap((option) => DECIDES[option])
  return Object.fromEntries(
    decided.filter((field) => after[field] !== undefined).map((field) => [field, after[field]]),
  )
}

function editedJob(
  name: string,
  edit: ScheduleEdit,
  before: ScheduleSettings,
  {
    definition,
    queueLimits,
  }: { readonly definition: JobDefinition; readonly queueLimits: QueueLimits },
): JobTemplate {
  const input = edit.input === undefined ? decodePayload(before.input, "input") : edit.input
  const queue = edit.queue ?? before.queue
  const isOff = before.unique === false && edit.unique === undefined
  const options = { ...edit, queue, ...(isOff && { unique: false as const }) }
  const made = readJob(name, definition, input, options, queueLimits)
  // Where the kind is not known its unique key stays too.
  const known = made.unique ?? (definition.unique === null ? before.unique : undefined)
  const unique = known ?? (before.unique === undefined ? undefined : null)
  const job: JobTemplate = { ...made, ...(unique !== undefined && { unique }) }
  if (job.keys !== undefined || before.keys === undefined) return job
  // Where the kind is not known its keys stay; those of a queue that it leaves mean nothing in another one.
  const isLeft = (limit: string): boolean =>
    queue !== before.queue && limit.startsWith(`queue:${before.queue}#`)
  const isKnown = definition.limits.length > 0 || queueLimits.has(queue)
  return { ...job, keys: isKnown ? [] : before.keys.filter(({ limit }) => !isLeft(limit)) }
}
