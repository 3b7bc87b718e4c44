/// <reference lib="esnext.temporal" />
import { expect, test } from "vitest"
import { CronExpression } from "./cronExpression.ts"
import { nextInstant } from "./nextInstant.ts"
import type { ClockChangePolicy } from "./nextInstant.ts"
import { TimeZone } from "./timeZone.ts"
import { clockChanges, dueInstants, readFields } from "./zoneOracle.fixture.ts"
import type { ClockChange, Fields } from "./zoneOracle.fixture.ts"

// `DROVER_ZONES=all npx vitest run zoneTable` tries every expression under every policy at every change.
const isExhaustive = process.env["DROVER_ZONES"] === "all"
const FROM_YEAR = 2000
const UNTIL_YEAR = 2041
const HOUR_MS = 3_600_000

const zones = [...Intl.supportedValuesOf("timeZone"), "UTC"]
const specs = [
  "30 2 * * *",
  "*/15 * * * *",
  "0 0 * * *",
  "*/20 1-3 * * *",
  "15,45 0-4/2 * * *",
  "10 * * * 0",
  "30 1 1-7 3,10,11 *",
  "0 */3 31 * 6",
  "59 23 * * *",
  "45 1 * 4 *",
]
const policies: readonly ClockChangePolicy[] = [
  { missingHour: "run", doubledHour: "once" },
  { missingHour: "skip", doubledHour: "twice" },
  { missingHour: "run", doubledHour: "twice" },
  { missingHour: "skip", doubledHour: "once" },
]
const readings = specs.map((text) => ({
  fields: readFields(text),
  expression: new CronExpression(text, "cron"),
}))

interface Zone {
  readonly name: string
  readonly changes: readonly ClockChange[]
  readonly base: number
}

function zoneNamed(name: string): Zone {
  const changes = clockChanges(name, FROM_YEAR, UNTIL_YEAR)
  const start = Temporal.Instant.fromEpochMilliseconds(Date.UTC(FROM_YEAR, 0, 1))
  const base = changes[0]?.beforeMs ?? start.toZonedDateTimeISO(name).offsetNanoseconds / 1e6
  return { name, changes, base }
}

function instantsBetween(
  expression: CronExpression,
  zone: string,
  policy: ClockChangePolicy,
  fromMs: number,
  untilMs: number,
): number[] {
  const found: number[] = []
  for (let at: number | null = fromMs - 1; ;) {
    at = nextInstant(expression, TimeZone.named(zone, "timeZone"), policy, at)
    if (at === null || at >= untilMs) return found
    found.push(at)
  }
}

function compare(
  zone: Zone,
  { fields, expression }: { readonly fields: Fields; readonly expression: CronExpression },
  policy: ClockChangePolicy,
  window: { readonly fromMs: number; readonly untilMs: number },
): void {
  const wanted = dueInstants(fields, policy, zone, window)
  const found = instantsBetween(expression, zone.name, policy, window.fromMs, window.untilMs)
  // Written out only when they differ, because this runs some ten thousand times.
  if (found.join() === wanted.join()) return
  const show = (instants: readonly number[]): unknown => ({
    zone: zone.name,
    cron: fields.text,
    policy,
    instants: instants.map((at) => new Date(at).toISOString()),
  })
  expect(show(found)).toEqual(show(wanted))
}

test(
  "every zone's clock changes 2000-2040: due as if each minute had been tried",
  { timeout: 900_000 },
  () => {
    let turn = 0
    let windows = 0
    for (const zone of zones.map(zoneNamed)) {
      for (const { atMs } of zone.changes) {
        const window = { fromMs: atMs - 4 * HOUR_MS, untilMs: atMs + 4 * HOUR_MS }
        if (isExhaustive) {
          for (const reading of readings)
            for (const policy of policies) compare(zone, reading, policy, window)
        } else {
          // Each zone meets every pair of expression and policy in turn, over its changes and over the zones.
          turn++
          const reading = readings[turn % readings.length] as (typeof readings)[number]
          compare(
            zone,
            reading,
            policies[(turn % 4) ^ ((turn % 3) % 2)] as ClockChangePolicy,
            window,
          )
        }
        windows++
      }
    }
    expect(windows).toBeGreaterThan(10_000)
  },
)

test("far from any change: the same as each minute tried, at random instants of every zone", () => {
  let state = 12_345
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return state % below
  }
  expect(zones.length).toBeGreaterThan(400)
  for (const zone of zones.map(zoneNamed)) {
    const day = random(Math.round(40.9 * 365))
    const fromMs = Date.UTC(FROM_YEAR, 0, 1) + day * 24 * HOUR_MS
    const reading = readings[random(readings.length)] as (typeof readings)[number]
    const policy = policies[random(4)] as ClockChangePolicy
    compare(zone, reading, policy, { fromMs, untilMs: fromMs + 36 * HOUR_MS })
  }
})

test("Temporal itself agrees on daily times: the earlier showing, and what follows a gap", () => {
  const expression = new CronExpression("30 2 * * *", "cron")
  const policy: ClockChangePolicy = { missingHour: "run", doubledHour: "once" }
  for (const name of [
    "Europe/Paris",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Asia/Gaza",
    "Antarctica/Troll",
  ]) {
    let day = Temporal.PlainDate.from("2026-01-01")
    let at = day.toZonedDateTime({ timeZone: name, plainTime: "00:00" }).epochMilliseconds - 1
    for (; day.year < 2029; day = day.add({ days: 1 })) {
      const wall = day.toPlainDateTime("02:30")
      const earlier = wall.toZonedDateTime(name, { disambiguation: "earlier" })
      const isShown = earlier.toPlainDateTime().equals(wall)
      const wanted = isShown ? earlier : earlier.getTimeZoneTransition("next")
      at = nextInstant(expression, TimeZone.named(name, "timeZone"), policy, at) ?? Number.NaN
      expect(new Date(at).toISOString()).toBe(
        new Date(wanted?.epochMilliseconds ?? 0).toISOString(),
      )
    }
  }
})
