import fc from "fast-check"
import { expect, test } from "vitest"
import { isDroverError } from "../errors/index.ts"
import { formatDuration, parseDuration } from "./index.ts"
import type { Duration } from "./index.ts"

test.each([
  [0, 0],
  [1.5, 1.5],
  ["250ms", 250],
  ["1.5s", 1_500],
  ["5m", 300_000],
  ["1h30m", 5_400_000],
  ["7d", 604_800_000],
  ["2w", 1_209_600_000],
  ["1.001s", 1_001],
  ["100.1s", 100_100],
])("%j is %d ms", (value, ms) => {
  expect(parseDuration(value, "x")).toBe(ms)
})

test.each([
  "",
  " ",
  "5",
  "5 m",
  "m",
  "5x",
  "-5s",
  "5m ",
  "1e3ms",
  ".5s",
  "1h,30m",
  "200y",
  "9999999w",
])("the text %j is refused", (value) => {
  expect(() => parseDuration(value, "timeout")).toThrow(/^timeout: ".*" is not a duration/)
})

test.each([-1, Number.NaN, Infinity, 1e15, null, undefined, 5n, {}, []])(
  "the value %o is refused with a config error",
  (value) => {
    let thrown: unknown
    try {
      parseDuration(value as Duration, "timeout")
    } catch (error) {
      thrown = error
    }
    expect(isDroverError(thrown, "DROVER_CONFIG")).toBe(true)
  },
)

test("whole milliseconds written in any unit with decimals are read exactly", () => {
  const units = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.keys(units)),
      fc.integer({ min: 0, max: 5_000 }),
      (unit, tenths) => {
        const size = units[unit as keyof typeof units]
        expect(parseDuration(`${Math.floor(tenths / 10)}.${tenths % 10}${unit}`, "x")).toBe(
          (tenths * size) / 10,
        )
      },
    ),
  )
})

test.each([
  [0, "0ms"],
  [40.4, "40ms"],
  [999.6, "1s"],
  [2_540, "2.5s"],
  [59_960, "1m"],
  [60_000, "1m"],
  [5_400_000, "1h30m"],
  [90_061_000, "1d1h1m1s"],
  [-2_000, "-2s"],
])("%d ms is written %s", (ms, text) => {
  expect(formatDuration(ms)).toBe(text)
})

test("what is written can be read again, within what was rounded away", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e11, noNaN: true }), (ms) => {
      const roundedMs = ms < 1_000 ? 0.5 : ms < 60_000 ? 50 : 500
      expect(Math.abs(parseDuration(formatDuration(ms), "x") - ms)).toBeLessThanOrEqual(
        roundedMs + 0.001,
      )
    }),
  )
})
