import { assert } from "../../errors/index.ts"
import type { CronExpression } from "./cronExpression.ts"
import type { Stretch, TimeZone } from "./timeZone.ts"

/**
 * What a planned time does that the clocks leap over, as 02:30 does on the morning they go forward: `run` at the first
 * instant after the gap (once, however many planned times it swallowed), or `skip`.
 */
export type MissingHour = "run" | "skip"

/** What a planned time does that the clocks show twice: run at the first showing only, or at both. */
export type DoubledHour = "once" | "twice"

/** What a cron expression means where the clocks change. */
export interface ClockChangePolicy {
  readonly missingHour: MissingHour
  readonly doubledHour: DoubledHour
}

const HOUR_MS = 3_600_000
// Clocks are 12 h behind UTC to 14 h ahead of it, so a wall time is shown within this of the same time read as UTC.
const FARTHEST_OFFSET_MS = 15 * HOUR_MS
// Clocks went back by at most a day, so a wall time was shown before within this, or never.
const LOOK_BACK_MS = 27 * HOUR_MS
const WINDOW_MS = 48 * HOUR_MS
// Each window holds a planned time, unless a clock change swallowed it; so many swallowed in a row do not exist.
const MOST_WINDOWS = 1_000

/**
 * The first instant after `afterMs` at which a cron expression is due in a zone, or `null` when it never is again.
 *
 * It is due at every instant at which the zone's clocks show a matching time, except that an expression which names
 * hours follows `policy` where the clocks change. Time is cut into stretches of one offset, in which wall times and
 * instants run alike, so that croner only ever counts in UTC.
 */
export function nextInstant(
  expression: CronExpression,
  zone: TimeZone,
  policy: ClockChangePolicy,
  afterMs: number,
): number | null {
  let fromMs = afterMs
  for (let window = 0; window < MOST_WINDOWS; window++) {
    const found = firstWithin(expression, zone, policy, fromMs, fromMs + WINDOW_MS)
    if (found !== null) return found
    fromMs += WINDOW_MS
    // No clock will show anything earlier than this again, so the next match bounds the search.
    const wall = expression.nextWall(fromMs - FARTHEST_OFFSET_MS)
    if (wall === null) return null
    fromMs = Math.max(fromMs, wall - FARTHEST_OFFSET_MS)
  }
  assert(false, `${expression.text} in ${zone.name} comes up within ${MOST_WINDOWS} planned times`)
}

// After `afterMs` and not after `untilMs`.
function firstWithin(
  expression: CronExpression,
  zone: TimeZone,
  policy: ClockChangePolicy,
  afterMs: number,
  untilMs: number,
): number | null {
  const stretches = zone.stretches(afterMs - LOOK_BACK_MS, untilMs)
  const runsOnce = expression.namesHours && policy.doubledHour === "once"
  const makesUp = expression.namesHours && policy.missingHour === "run"
  for (const [index, stretch] of stretches.entries()) {
    if (stretch.untilMs <= afterMs) continue
    const before = stretches.slice(0, index)
    const previous = before.at(-1)
    if (makesUp && previous !== undefined && stretch.fromMs > afterMs) {
      if (isMissed(expression, previous, stretch)) {
        return stretch.fromMs <= untilMs ? stretch.fromMs : null
      }
    }
    const found = firstShown(expression, stretch, Math.max(afterMs, stretch.fromMs - 1), {
      shownBefore: runsOnce ? before : [],
    })
    if (found !== null) return found <= untilMs ? found : null
  }
  return null
}

// Whether a matching time falls into the gap between two stretches, if there is one.
function isMissed(expression: CronExpression, before: Stretch, after: Stretch): boolean {
  if (after.offsetMs <= before.offsetMs) return false
  const wall = expression.nextWall(after.fromMs + before.offsetMs - 1)
  return wall !== null && wall < after.fromMs + after.offsetMs
}

// The first instant of a stretch, after `afterMs`, at which a matching time shows that was not shown before.
function firstShown(
  expression: CronExpression,
  stretch: Stretch,
  afterMs: number,
  { shownBefore }: { readonly shownBefore: readonly Stretch[] },
): number | null {
  let wall = expression.nextWall(afterMs + stretch.offsetMs)
  while (wall !== null && wall - stretch.offsetMs < stretch.untilMs) {
    const shownUntil = endOfShowing(wall, shownBefore)
    if (shownUntil === null) return wall - stretch.offsetMs
    // Everything up to the end of the earlier showing was shown as well.
    wall = expression.nextWall(shownUntil - 1)
  }
  return null
}

// The wall time at which the earlier stretch that showed `wall` ended, or `null` if none showed it.
function endOfShowing(wall: number, stretches: readonly Stretch[]): number | null {
  for (const { fromMs, untilMs, offsetMs } of stretches) {
    if (wall >= fromMs + offsetMs && wall < untilMs + offsetMs) return untilMs + offsetMs
  }
  return null
}
