import { assert } from "../errors/index.ts"
import type { ScheduleRow, TickRecord } from "../store/index.ts"
import { dueAt } from "./scheduleSettings.ts"
import type { ScheduleSettings } from "./scheduleSettings.ts"
import type { Timing } from "./timing/timing.ts"

/** The most ticks that `catchUp: { all }` may run at once. */
export const mostCaughtUp = 1_000
// Beyond this many, planned instants that have passed are summed up without being counted.
const MOST_COUNTED = 1_000

/** A planned instant that has passed, or a stretch of them, before it is decided who makes its job. */
export type Passed = Omit<TickRecord, "job"> & { readonly runs: boolean }

/** What has passed since a schedule's pointer was set, and where the pointer goes. */
export interface Passing {
  readonly passed: readonly Passed[]
  readonly nextAt: number | null
  readonly fireAt: number | null
}

interface Parts {
  readonly row: Pick<ScheduleRow, "name" | "nextAt">
  readonly settings: ScheduleSettings
  readonly timing: Timing
  readonly now: number
}

/**
 * Accounts for every planned instant from the pointer to now: those that run by the schedule's policy, and those that
 * are skipped, as one stretch. Bounded in time and in lines, however long nobody looked.
 */
export function passDue(parts: Parts): Passing {
  const { row, settings, timing, now } = parts
  if (row.nextAt === null) return { passed: [], nextAt: null, fireAt: null }
  const { instants, isWhole, lastAt } = dueInstants(parts, row.nextAt)
  const due = (at: number): number => dueAt(row.name, settings, at, timing)
  if (lastAt === null) return { passed: [], nextAt: row.nextAt, fireAt: due(row.nextAt) }
  const wanted = wantedCount(settings, now - due(lastAt))
  const runs = isWhole
    ? wanted === 0
      ? []
      : instants.slice(-wanted)
    : timing.lastFew(row.nextAt, lastAt, wanted)
  const passed: Passed[] = []
  const skipped = skippedBefore(parts, runs[0] ?? Number.POSITIVE_INFINITY, {
    instants,
    isWhole,
    lastAt,
  })
  if (skipped !== null) passed.push(skipped)
  for (const at of runs) passed.push({ at, throughAt: at, count: 1, reason: null, runs: true })
  return { passed, ...after(parts, lastAt) }
}

/** Accounts for every planned instant from the pointer to now as skipped, whatever the schedule's policy. */
export function passOver(parts: Parts, reason: string): Passing {
  const { row, now, timing, settings } = parts
  // A schedule whose pointer is behind goes on after now; no jitter of a tick that is skipped is waited for.
  if (row.nextAt === null || row.nextAt > now) {
    const nextAt = row.nextAt ?? timing.next(now)
    return {
      passed: [],
      nextAt,
      fireAt: nextAt === null ? null : dueAt(row.name, settings, nextAt, timing),
    }
  }
  const found = plannedUntil(timing, row.nextAt, now)
  const stretch = skippedBefore(parts, Number.POSITIVE_INFINITY, found)
  assert(stretch !== null, "the pointer itself has passed")
  return { passed: [{ ...stretch, reason }], ...after(parts, found.lastAt) }
}

interface Found {
  /** In order; the first ones only, unless `isWhole`. */
  readonly instants: readonly number[]
  readonly isWhole: boolean
  readonly lastAt: number
}

// Those whose jitter has passed too. The pointer moves in order, so the first that waits ends it.
function dueInstants(
  { row, settings, timing, now }: Parts,
  firstAt: number,
): {
  readonly instants: readonly number[]
  readonly isWhole: boolean
  readonly lastAt: number | null
} {
  const instants: number[] = []
  let at: number | null = firstAt
  while (at !== null && dueAt(row.name, settings, at, timing) <= now) {
    if (instants.length === MOST_COUNTED) {
      // The jitter of a tick ends before the next planned instant, so only the last one that has come may still wait.
      const lastAt = timing.last(firstAt, now)
      const isDue = dueAt(row.name, settings, lastAt, timing) <= now
      return { instants, isWhole: false, lastAt: isDue ? lastAt : timing.last(firstAt, lastAt - 1) }
    }
    instants.push(at)
    at = timing.next(at)
  }
  return { instants, isWhole: true, lastAt: instants.at(-1) ?? null }
}

function plannedUntil(timing: Timing, firstAt: number, untilMs: number): Found {
  const instants: number[] = []
  let at: number | null = firstAt
  while (at !== null && at <= untilMs) {
    if (instants.length === MOST_COUNTED) {
      return { instants, isWhole: false, lastAt: timing.last(firstAt, untilMs) }
    }
    instants.push(at)
    at = timing.next(at)
  }
  return { instants, isWhole: true, lastAt: instants.at(-1) ?? firstAt }
}

// The stretch from the pointer to the first instant that runs.
function skippedBefore(
  { row, timing }: Parts,
  firstRun: number,
  {
    instants,
    isWhole,
    lastAt,
  }:
    | Found
    | { readonly instants: readonly number[]; readonly isWhole: boolean; readonly lastAt: number },
): Passed | null {
  const at = row.nextAt
  if (at === null || firstRun <= at) return null
  const stretch = { at, reason: "missed", runs: false }
  if (isWhole) {
    const skipped = instants.filter((instant) => instant < firstRun)
    return { ...stretch, throughAt: skipped.at(-1) ?? at, count: skipped.length }
  }
  const throughAt = firstRun > lastAt ? lastAt : timing.last(at, firstRun - 1)
  return { ...stretch, throughAt, count: null }
}

function wantedCount({ catchUp, lateAfterMs }: ScheduleSettings, lateMs: number): number {
  if (catchUp === "latest") return 1
  if (catchUp === "skip") return lateMs <= lateAfterMs ? 1 : 0
  return catchUp.all
}

function after({ row, settings, timing }: Parts, lastAt: number): Omit<Passing, "passed"> {
  const nextAt = timing.next(lastAt)
  return { nextAt, fireAt: nextAt === null ? null : dueAt(row.name, settings, nextAt, timing) }
}
