import { decodePayload } from "../store/index.ts"
import type { OverlapPolicy, ScheduleChangeRow, ScheduleRow, TickRow } from "../store/index.ts"
import { readPatch, settingsOf, timingOf } from "./scheduleSettings.ts"
import type { CatchUpPolicy, ScheduleSettings } from "./scheduleSettings.ts"
import type { DoubledHour, MissingHour } from "./timing/nextInstant.ts"

/** Where a schedule is in its life; see docs/states.md. */
export type ScheduleStatus = "active" | "paused" | "failed" | "ended" | "retired" | "deleted"

/** What a schedule does, for people. */
export interface ScheduleRules {
  /** `null` for an interval. */
  readonly cron: string | null
  /** `null` for a cron expression. */
  readonly everyMs: number | null
  readonly timeZone: string
  readonly missingHour: MissingHour
  readonly doubledHour: DoubledHour
  readonly startAt: Date | null
  readonly endAt: Date | null
  readonly catchUp: CatchUpPolicy
  readonly lateAfterMs: number
  readonly overlap: OverlapPolicy
  readonly jitterMs: number
  readonly kind: string
  readonly queue: string
  readonly priority: number
  readonly input: unknown
}

/** A schedule as people and programs see it. */
export interface ScheduleView {
  readonly name: string
  readonly status: ScheduleStatus
  /** `null` when what is stored cannot be read by this version. */
  readonly rules: ScheduleRules | null
  /** Fields that operators decided; a deploy does not undo them. */
  readonly changedFields: readonly string[]
  /** The program that declares it; `null` for one that was made at run time. */
  readonly deployment: string | null
  /** Planned instants to come, by its rules as they are now. */
  readonly next: readonly Date[]
  /** A tick that waits for the job before it. */
  readonly heldAt: Date | null
  readonly lastAt: Date | null
  readonly lastJobId: string | null
  /** Why it stands still. */
  readonly failure: string | null
  readonly pausedAt: Date | null
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly updatedBy: string
}

/** A line of a schedule's history, as people see it. */
export interface TickView extends Omit<TickRow, "at" | "throughAt" | "recordedAt"> {
  readonly at: Date
  readonly throughAt: Date
  readonly recordedAt: Date
}

/** A line of the list of changes, as people see it. */
export interface ScheduleChangeView extends Omit<ScheduleChangeRow, "at" | "detail"> {
  readonly at: Date
  readonly detail: unknown
}

/** Shows a schedule with its next ticks. @param now the store's time. */
export function viewSchedule(row: ScheduleRow, now: number, nextCount: number): ScheduleView {
  const settings = readable(row)
  const { name, deployment, lastJobId, failure, updatedBy } = row
  return {
    name,
    status: statusOf(row),
    rules: settings === null ? null : rulesOf(settings),
    changedFields: Object.keys(changedOf(row)),
    deployment,
    next: nextTicks(row, settings, now, nextCount),
    heldAt: dateOf(row.heldAt),
    lastAt: dateOf(row.lastAt),
    lastJobId,
    failure,
    pausedAt: dateOf(row.pausedAt),
    createdAt: new Date(row.createdAt),
    updatedAt: new Date(row.updatedAt),
    updatedBy,
  }
}

/** Shows a line of a schedule's history. */
export function viewTick(row: TickRow): TickView {
  const { at, throughAt, recordedAt } = row
  return {
    ...row,
    at: new Date(at),
    throughAt: new Date(throughAt),
    recordedAt: new Date(recordedAt),
  }
}

/** Shows a line of the list of changes. */
export function viewChange(row: ScheduleChangeRow): ScheduleChangeView {
  const detail = row.detail === null ? null : decodePayload(row.detail, "detail")
  return { ...row, at: new Date(row.at), detail }
}

/** Where a schedule is in its life. */
export function statusOf(row: ScheduleRow): ScheduleStatus {
  if (row.deletedAt !== null) return "deleted"
  if (row.retiredAt !== null) return "retired"
  if (row.failure !== null) return "failed"
  if (row.pausedAt !== null) return "paused"
  return row.nextAt === null ? "ended" : "active"
}

function rulesOf(settings: ScheduleSettings): ScheduleRules {
  const { cron, everyMs, timeZone, missingHour, doubledHour, startAt, endAt, catchUp } = settings
  const { lateAfterMs, overlap, jitterMs, kind, queue, priority, input } = settings
  return {
    ...{ cron, everyMs, timeZone, missingHour, doubledHour },
    ...{ startAt: dateOf(startAt), endAt: dateOf(endAt), catchUp, lateAfterMs, overlap, jitterMs },
    ...{ kind, queue, priority, input: decodePayload(input, "input") },
  }
}

// From the pointer where it stands; a schedule that rests shows what would come if it went on now.
function nextTicks(
  row: ScheduleRow,
  settings: ScheduleSettings | null,
  now: number,
  count: number,
): readonly Date[] {
  if (settings === null || row.deletedAt !== null || row.retiredAt !== null) return []
  try {
    const timing = timingOf(row, settings)
    const goesOn = row.fireAt !== null && row.nextAt !== null
    const ticks: Date[] = []
    let at = goesOn ? row.nextAt : timing.next(now)
    for (; at !== null && ticks.length < count; at = timing.next(at)) ticks.push(new Date(at))
    return ticks
  } catch {
    return []
  }
}

function readable(row: ScheduleRow): ScheduleSettings | null {
  try {
    return settingsOf(row)
  } catch {
    return null
  }
}

function changedOf(row: ScheduleRow): object {
  try {
    return readPatch(row.changed, row.name)
  } catch {
    return {}
  }
}

function dateOf(at: number | null): Date | null {
  return at === null ? null : new Date(at)
}
