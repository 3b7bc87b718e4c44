import fc from "fast-check"
import { expect, test } from "vitest"
import { daily, hour, minute, second } from "./fixtures/ground.ts"
import { passDue, passOver } from "./passing.ts"
import type { Passing } from "./passing.ts"
import { dueAt } from "./scheduleSettings.ts"
import type { CatchUpPolicy, ScheduleSettings } from "./scheduleSettings.ts"
import { Timing } from "./timing/timing.ts"

const start = Date.parse("2026-03-28T22:00:00Z")

const timings = fc.constantFrom(
  { cron: "*/7 * * * *", timeZone: "Europe/Paris" },
  { cron: "30 1-3 * * *", timeZone: "Europe/Paris" },
  { cron: "*/20 * * * * *" },
  { every: "5m" },
  { every: "37s", startAt: start - 1_000 },
  { cron: "*/3 * * * *", endAt: start + 90 * minute },
)
const policies = fc.oneof(
  fc.constantFrom<CatchUpPolicy>("skip", "latest"),
  fc.integer({ min: 1, max: 40 }).map((all): CatchUpPolicy => ({ all })),
)
const cases = fc.record({
  timing: timings,
  catchUp: policies,
  jitter: fc.constantFrom(0, "3s", "20m"),
  // Far enough for stretches that are not counted, and across a clock change.
  awayMs: fc.oneof(fc.integer({ min: 0, max: 10 * minute }), fc.integer({ min: 0, max: 9 * hour })),
})

type Given = typeof cases extends fc.Arbitrary<infer One> ? One : never

interface Case {
  readonly settings: ScheduleSettings
  readonly timing: Timing
  readonly firstAt: number
  readonly now: number
  readonly planned: readonly number[]
}

function caseOf({ timing: options, catchUp, jitter, awayMs }: Given): Case | null {
  const { settings } = daily("s", { ...options, catchUp, jitter } as never)
  const timing = new Timing(settings, start, "s")
  const firstAt = timing.next(start)
  if (firstAt === null) return null
  const now = firstAt + awayMs
  const planned: number[] = []
  for (let at: number | null = firstAt; at !== null && at <= now; at = timing.next(at))
    planned.push(at)
  return { settings, timing, firstAt, now, planned }
}

// Every planned instant before the new pointer, as many times as it is accounted for.
function accounted(planned: readonly number[], { passed }: Passing): readonly number[] {
  return planned.map(
    (at) => passed.filter(({ at: from, throughAt }) => from <= at && at <= throughAt).length,
  )
}

test("every planned instant that is due is accounted for once, and none that is not", () => {
  fc.assert(
    fc.property(cases, (given) => {
      const one = caseOf(given)
      if (one === null) return
      const { settings, timing, firstAt, now, planned } = one
      const row = { name: "s", nextAt: firstAt }
      const passing = passDue({ row, settings, timing, now })
      const { passed, nextAt, fireAt } = passing
      const done = planned.filter((at) => nextAt === null || at < nextAt)
      expect(accounted(done, passing)).toEqual(done.map(() => 1))
      expect(accounted(planned.slice(done.length), passing)).toEqual(
        planned.slice(done.length).map(() => 0),
      )
      for (const at of done) expect(dueAt("s", settings, at, timing)).toBeLessThanOrEqual(now)
      expect(fireAt).toBe(nextAt === null ? null : dueAt("s", settings, nextAt, timing))
      // Nothing that is due is left for another look, which would make up for it a second time.
      if (fireAt !== null) expect(fireAt).toBeGreaterThan(now)
      // In order, each a planned instant, and counted right where it is counted.
      const ends = passed.flatMap(({ at, throughAt }) => [at, throughAt])
      expect(ends).toEqual(ends.toSorted((a, b) => a - b))
      for (const at of ends) expect(planned).toContain(at)
      for (const { at, throughAt, count } of passed) {
        const within = planned.filter((instant) => at <= instant && instant <= throughAt)
        if (count === null) expect(within.length).toBeGreaterThan(900)
        else expect(count).toBe(within.length)
      }
    }),
    { numRuns: 400, seed: 1 },
  )
})

test("what runs are the latest, as many as the policy allows", () => {
  fc.assert(
    fc.property(cases, (given) => {
      const one = caseOf(given)
      if (one === null) return
      const { settings, timing, firstAt, now } = one
      const { passed, nextAt } = passDue({
        row: { name: "s", nextAt: firstAt },
        settings,
        timing,
        now,
      })
      const done = one.planned.filter((at) => nextAt === null || at < nextAt)
      const runs = passed.filter((one) => one.runs).map(({ at }) => at)
      const last = done.at(-1)
      const { catchUp } = given
      const late = last === undefined ? 0 : now - dueAt("s", settings, last, timing)
      const most =
        catchUp === "latest" ? 1 : catchUp === "skip" ? (late <= minute ? 1 : 0) : catchUp.all
      expect(runs).toEqual(done.slice(Math.max(0, done.length - most)))
    }),
    { numRuns: 400, seed: 2 },
  )
})

test("whoever fires each tick when it is due misses none, however long the jitter", () => {
  fc.assert(
    fc.property(cases, (given) => {
      const one = caseOf(given)
      if (one === null) return
      const { settings, timing, firstAt } = one
      let nextAt: number | null = firstAt
      for (let tick = 0; tick < 30 && nextAt !== null; tick++) {
        const row = { name: "s", nextAt }
        const now = dueAt("s", settings, nextAt, timing)
        const passing = passDue({ row, settings, timing, now })
        const ran = { at: nextAt, throughAt: nextAt, count: 1, reason: null, runs: true }
        expect(passing.passed).toEqual([ran])
        nextAt = passing.nextAt
      }
    }),
    { numRuns: 100, seed: 4 },
  )
})

test("a schedule that rested accounts for all up to now, and goes on after it", () => {
  fc.assert(
    fc.property(cases, (given) => {
      const one = caseOf(given)
      if (one === null) return
      const { settings, timing, firstAt, now, planned } = one
      const passing = passOver(
        { row: { name: "s", nextAt: firstAt }, settings, timing, now },
        "paused",
      )
      expect(accounted(planned, passing)).toEqual(planned.map(() => 1))
      expect(passing.passed.every(({ runs, reason }) => !runs && reason === "paused")).toBe(true)
      if (passing.nextAt !== null) expect(passing.nextAt).toBeGreaterThan(now)
    }),
    { numRuns: 200, seed: 3 },
  )
})

test("the last instants are found without a walk from the first", () => {
  const { settings } = daily("s", { cron: "* * * * * *" })
  let asked = 0
  const timing = new Timing(settings, start, "s")
  const next = timing.next.bind(timing)
  timing.next = (afterMs) => {
    asked++
    return next(afterMs)
  }
  const now = start + 5 * 365 * 24 * hour
  expect(timing.lastFew(start, now, 100)).toEqual(
    Array.from({ length: 100 }, (_, n) => now - (99 - n) * second),
  )
  expect(asked).toBeLessThan(5_000)
})
