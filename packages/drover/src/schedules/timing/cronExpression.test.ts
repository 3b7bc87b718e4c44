import { describe, expect, test } from "vitest"
import { CronExpression } from "./cronExpression.ts"

const DAY_MS = 86_400_000

function walls(text: string, from: string, count: number): string[] {
  const expression = new CronExpression(text, "cron")
  const found: string[] = []
  let at: number | null = Date.parse(from)
  while (found.length < count && (at = expression.nextWall(at)) !== null)
    found.push(new Date(at).toISOString().slice(0, 19))
  return found
}

// Every day from 2000 to 2040 that a rule accepts, by trying each.
function days(rule: (day: Date) => boolean): string[] {
  const found: string[] = []
  for (let at = Date.UTC(2000, 0, 1); at < Date.UTC(2041, 0, 1); at += DAY_MS) {
    const day = new Date(at)
    if (rule(day)) found.push(day.toISOString().slice(0, 10))
  }
  return found
}

const lastOf = (day: Date): number =>
  new Date(Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + 1, 0)).getUTCDate()
const isWeekday = (year: number, month: number, date: number): boolean =>
  ![0, 6].includes(new Date(Date.UTC(year, month, date)).getUTCDay())

// The working day nearest to a date, within its month.
function isNearestWeekday(day: Date, date: number): boolean {
  const [year, month, last] = [day.getUTCFullYear(), day.getUTCMonth(), lastOf(day)]
  if (date > last) return false
  const nearest = [0, -1, 1, -2, 2]
    .map((shift) => date + shift)
    .find((n) => n >= 1 && n <= last && isWeekday(year, month, n))
  return day.getUTCDate() === nearest
}

describe("a date field finds, of every day 2000-2040, exactly those that it means", () => {
  test.each<[string, (day: Date) => boolean]>([
    ["0 0 29 2 *", (day) => day.getUTCMonth() === 1 && day.getUTCDate() === 29],
    ["0 0 31 * *", (day) => day.getUTCDate() === 31],
    ["0 0 L * *", (day) => day.getUTCDate() === lastOf(day)],
    ["0 0 L 2 *", (day) => day.getUTCMonth() === 1 && day.getUTCDate() === lastOf(day)],
    ["0 0 15W * *", (day) => isNearestWeekday(day, 15)],
    ["0 0 1W * *", (day) => isNearestWeekday(day, 1)],
    ["0 0 31W * *", (day) => isNearestWeekday(day, 31)],
    ["0 0 LW * *", (day) => isNearestWeekday(day, lastOf(day))],
    ["0 0 * * FRIL", (day) => day.getUTCDay() === 5 && day.getUTCDate() > lastOf(day) - 7],
    ["0 0 * * 1#1", (day) => day.getUTCDay() === 1 && day.getUTCDate() <= 7],
    ["0 0 * * TUE#5", (day) => day.getUTCDay() === 2 && day.getUTCDate() > 28],
    ["0 0 * * 0", (day) => day.getUTCDay() === 0],
    ["0 0 * * 7", (day) => day.getUTCDay() === 0],
    ["0 0 * * 5-7", (day) => [5, 6, 0].includes(day.getUTCDay())],
    [
      "0 0 * JAN,mar-MAY */2",
      (day) => [0, 2, 3, 4].includes(day.getUTCMonth()) && day.getUTCDay() % 2 === 0,
    ],
    ["0 0 1-10/3 * *", (day) => [1, 4, 7, 10].includes(day.getUTCDate())],
    ["0 0 13 * FRI", (day) => day.getUTCDate() === 13 || day.getUTCDay() === 5],
    ["0 0 13 * +FRI", (day) => day.getUTCDate() === 13 && day.getUTCDay() === 5],
    [
      "0 0 29 2 +SUN",
      (day) => day.getUTCMonth() === 1 && day.getUTCDate() === 29 && day.getUTCDay() === 0,
    ],
  ])("%s", (text, rule) => {
    const wanted = days(rule)
    const found = walls(text, "1999-12-31T23:59:59Z", wanted.length + 1)
    expect(found.slice(0, wanted.length)).toEqual(wanted.map((day) => `${day}T00:00:00`))
    if (found.length > wanted.length) expect(found.at(-1)?.slice(0, 4)).toMatch(/20(4[1-9]|[5-9])/)
  })
})

test("seconds, minutes and hours come up in order, the seconds field first of six", () => {
  expect(walls("*/20 59 23 31 12 *", "2026-12-31T23:59:00.000Z", 3)).toEqual([
    "2026-12-31T23:59:20",
    "2026-12-31T23:59:40",
    "2027-12-31T23:59:00",
  ])
  expect(walls("30 0 0 1 1 * 2030-2031", "2026-01-01T00:00:00Z", 3)).toEqual([
    "2030-01-01T00:00:30",
    "2031-01-01T00:00:30",
  ])
})

test("the next one is strictly later, also from within a second", () => {
  expect(walls("* * * * *", "2026-01-01T00:00:00.000Z", 1)).toEqual(["2026-01-01T00:01:00"])
  expect(walls("* * * * *", "2026-01-01T00:00:59.999Z", 1)).toEqual(["2026-01-01T00:01:00"])
})

test("names stand for what they say", () => {
  expect(walls("@daily", "2026-01-01T00:00:00Z", 1)).toEqual(["2026-01-02T00:00:00"])
  expect(walls("@Hourly", "2026-01-01T00:00:00Z", 1)).toEqual(["2026-01-01T01:00:00"])
})

test.each([
  ["* * * *", "it has 4 fields"],
  ["", "it has 1 fields"],
  ["0 0 32 * *", "32 is no day of the month; they go from 1 to 31"],
  ["0 24 * * *", "24 is no hour; they go from 0 to 23"],
  ["60 * * * *", "60 is no minute"],
  ["0 0 * 0 *", "0 is no month; they go from 1 to 12"],
  ["0 0 * * 8", "8 is no day of the week"],
  ["*/0 * * * *", "illegal stepping"],
  ["5-1 * * * *", "From value is larger"],
  ["0 0 x * *", "illegal characters"],
  ["@often", "known names are @yearly"],
  ["2030-01-01T00:00:00", "it has 1 fields"],
  ["0".repeat(501), "at most 500 characters"],
])("%j is refused with what is wrong", (text, problem) => {
  expect(() => new CronExpression(text, "digest.cron")).toThrow(problem)
  expect(() => new CronExpression(text, "digest.cron")).toThrow(/^digest\.cron: /)
})

test.each([
  "0 0 31 2 *",
  "0 0 30 2 *",
  "0 0 31 4,6,9,11 *",
  "0 0 30 2 +MON",
  "0 0 31W 2 *",
  "0 0 0 29 2 * 2027",
  "59 59 23 31 2 +SUN#5",
])("%s never comes, and that is said at once", (text) => {
  expect(() => new CronExpression(text, "cron")).toThrow("no date matches it")
})
