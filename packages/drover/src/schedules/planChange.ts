import type { SchedulePatch, ScheduleRow, TickRecord } from "../store/index.ts"
import { passOver } from "./passing.ts"
import { dueAt, settingsOf, timingNames, timingOf } from "./scheduleSettings.ts"
import type { ScheduleSettings } from "./scheduleSettings.ts"

/** What a change writes to a schedule's row, and the planned instants that it passes over. */
export interface PlannedChange {
  readonly patch: SchedulePatch
  readonly passed: readonly TickRecord[]
}

/** A new schedule: its first tick comes after now. */
export function planNew(
  name: string,
  texts: Pick<ScheduleRow, "declared" | "changed" | "deployment">,
  now: number,
): PlannedChange {
  const row = { name, ...texts, anchorAt: now }
  const settings = settingsOf(row)
  const timing = timingOf(row, settings)
  const nextAt = timing.next(now)
  const fireAt = nextAt === null ? null : dueAt(name, settings, nextAt, timing)
  return { patch: { ...texts, anchorAt: now, nextAt, fireAt }, passed: [] }
}

/**
 * New texts for a schedule. Its pointer stays where its timing does; else the next tick comes after now, and planned
 * instants that nobody acted on are accounted for.
 */
export function planTexts(
  row: ScheduleRow,
  texts: { readonly declared?: string | null; readonly changed?: string },
  now: number,
): PlannedChange {
  const { declared = row.declared, changed = row.changed } = texts
  const before = settingsBefore(row)
  const settings = settingsOf({ name: row.name, declared, changed })
  const anchorAt = before?.everyMs === settings.everyMs ? row.anchorAt : now
  const timing = timingOf({ name: row.name, anchorAt }, settings)
  const stays = before !== null && row.failure === null && isSameTiming(before, settings)
  if (stays && row.retiredAt === null && row.deletedAt === null) {
    const { nextAt } = row
    const fireAt =
      nextAt === null || row.pausedAt !== null ? null : dueAt(row.name, settings, nextAt, timing)
    return { patch: { declared, changed, fireAt }, passed: [] }
  }
  const nextAt = timing.next(now)
  const rests = row.pausedAt !== null || row.deletedAt !== null
  const fireAt = nextAt === null || rests ? null : dueAt(row.name, settings, nextAt, timing)
  const patch = { declared, changed, anchorAt, nextAt, fireAt, failure: null }
  return { patch, passed: passedUntil(row, before, now, reasonOf(row)) }
}

/** A schedule that rested goes on: what was planned in between is accounted for, and its next tick comes after now. */
export function planResume(row: ScheduleRow, now: number): PlannedChange {
  const settings = settingsOf(row)
  const { nextAt, fireAt } = passOver(
    { row, settings, timing: timingOf(row, settings), now },
    reasonOf(row),
  )
  const passed = passedUntil(row, settings, now, reasonOf(row))
  return { patch: { nextAt, fireAt, failure: null }, passed }
}

// What the old rules had planned and nobody acted on.
function passedUntil(
  row: ScheduleRow,
  before: ScheduleSettings | null,
  now: number,
  reason: string,
): readonly TickRecord[] {
  const { nextAt } = row
  if (nextAt === null || nextAt > now) return []
  if (before !== null) {
    const timing = timingOf(row, before)
    const { passed } = passOver({ row, settings: before, timing, now }, reason)
    return passed.map(({ at, throughAt, count, reason: why }) => {
      return { at, throughAt, count, job: null, reason: why }
    })
  }
  // Rules that cannot be read: how many there were is not known any more.
  return [{ at: nextAt, throughAt: nextAt, count: null, job: null, reason }]
}

// Why nobody acted on what was planned until now.
function reasonOf(row: ScheduleRow): string {
  if (row.deletedAt !== null) return "deleted"
  if (row.retiredAt !== null) return "retired"
  if (row.failure !== null) return "failed"
  return row.pausedAt === null ? "changed" : "paused"
}

function settingsBefore(row: ScheduleRow): ScheduleSettings | null {
  try {
    const settings = settingsOf(row)
    timingOf(row, settings)
    return settings
  } catch {
    return null
  }
}

function isSameTiming(before: ScheduleSettings, after: ScheduleSettings): boolean {
  return timingNames.every((name) => before[name] === after[name])
}
