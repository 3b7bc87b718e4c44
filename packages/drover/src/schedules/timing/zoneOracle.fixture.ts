/// <reference lib="esnext.temporal" />
import type { ClockChangePolicy } from "./nextInstant.ts"

/*
 * A second opinion on what a cron expression means, made to be obviously right and shares nothing with the code under
 * test: the changes of each zone come from Temporal, times are tried one by one, and fields are read by the few lines
 * below.
 */

const MINUTE_MS = 60_000

/** An instant at which a zone's clocks change, with the offsets before and after it. */
export interface ClockChange {
  readonly atMs: number
  readonly beforeMs: number
  readonly afterMs: number
}

/** Every change of a zone's clocks from the start of one year to the start of another. */
export function clockChanges(zone: string, fromYear: number, untilYear: number): ClockChange[] {
  const changes: ClockChange[] = []
  const until = Date.UTC(untilYear, 0, 1)
  let at: Temporal.ZonedDateTime | null = Temporal.Instant.fromEpochMilliseconds(
    Date.UTC(fromYear, 0, 1),
  ).toZonedDateTimeISO(zone)
  while ((at = at.getTimeZoneTransition("next")) !== null && at.epochMilliseconds < until) {
    const beforeMs = at.subtract({ milliseconds: 1 }).offsetNanoseconds / 1e6
    changes.push({ atMs: at.epochMilliseconds, beforeMs, afterMs: at.offsetNanoseconds / 1e6 })
  }
  return changes
}

/** The offset of a zone at an instant, from its changes. */
export function offsetFrom(changes: readonly ClockChange[], base: number, atMs: number): number {
  return changes.findLast((change) => change.atMs <= atMs)?.afterMs ?? base
}

/** What decides whether a wall time matches: minute, hour, day, month, weekday, each a set of numbers. */
export interface Fields {
  readonly text: string
  readonly sets: readonly (ReadonlySet<number> | null)[]
}

const RANGES = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 6],
] as const

/** Reads five fields of numbers, ranges, steps and lists; `null` stands for a star. */
export function readFields(text: string): Fields {
  const sets = text.split(" ").map((field, index) => {
    if (field === "*") return null
    const [least, most] = RANGES[index] as readonly [number, number]
    const numbers = new Set<number>()
    for (const part of field.split(",")) {
      const [range = "", step = "1"] = part.split("/")
      const [from, to = from] = range === "*" ? [least, most] : range.split("-").map(Number)
      for (let n = from as number; n <= (to as number); n += Number(step)) numbers.add(n % 60)
    }
    return numbers
  })
  return { text, sets }
}

/** Whether a wall time (ms as if it were UTC) matches, seconds being 0. */
export function matches({ sets }: Fields, wallMs: number): boolean {
  const wall = new Date(wallMs)
  const [minutes, hours, days, months, weekdays] = sets
  const has = (set: ReadonlySet<number> | null | undefined, n: number): boolean =>
    set?.has(n) ?? true
  if (!has(minutes, wall.getUTCMinutes()) || !has(hours, wall.getUTCHours())) return false
  if (!has(months, wall.getUTCMonth() + 1)) return false
  // As cron has always had it: with both a day and a weekday given, either will do.
  const day = has(days, wall.getUTCDate())
  const weekday = has(weekdays, wall.getUTCDay())
  return days !== null && weekdays !== null ? day || weekday : day && weekday
}

/**
 * Every instant in `[fromMs, untilMs)` at which the fields are due, minute by minute. Bounds are whole minutes, and so
 * are all offsets and changes since the year 2000.
 */
export function dueInstants(
  fields: Fields,
  policy: ClockChangePolicy,
  zone: { readonly changes: readonly ClockChange[]; readonly base: number },
  { fromMs, untilMs }: { readonly fromMs: number; readonly untilMs: number },
): number[] {
  const namesHours = fields.sets[1] !== null
  const due = new Set<number>()
  for (let at = fromMs; at < untilMs; at += MINUTE_MS) {
    const wall = at + offsetFrom(zone.changes, zone.base, at)
    if (!matches(fields, wall)) continue
    if (namesHours && policy.doubledHour === "once" && wasShown(zone, wall, at)) continue
    due.add(at)
  }
  if (namesHours && policy.missingHour === "run") {
    for (const change of zone.changes) {
      if (change.atMs < fromMs || change.atMs >= untilMs) continue
      for (let lost = change.beforeMs; lost < change.afterMs; lost += MINUTE_MS) {
        if (matches(fields, change.atMs + lost)) due.add(change.atMs)
      }
    }
  }
  return [...due].toSorted((a, b) => a - b)
}

// Whether the same wall time was shown at an earlier instant: before a change that put the clocks back over it.
function wasShown(
  { changes }: { readonly changes: readonly ClockChange[] },
  wall: number,
  at: number,
): boolean {
  return changes.some(
    ({ atMs, beforeMs, afterMs }) =>
      afterMs < beforeMs && atMs <= at && wall - beforeMs < atMs && wall - beforeMs < at,
  )
}
