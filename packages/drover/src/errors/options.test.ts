import { expect, test } from "vitest"
import { checkOptions, nearest, show } from "./index.ts"

const known = ["base", "factor", "cap", "maxAttempts"]

test("known options pass, also none at all", () => {
  expect(() => checkOptions({}, known, "retry")).not.toThrow()
  expect(() => checkOptions({ base: 1, maxAttempts: undefined }, known, "retry")).not.toThrow()
})

test("an unknown option is an error that names the nearest known one", () => {
  expect(() => checkOptions({ maxAttempt: 3 }, known, "retry")).toThrow(
    'retry: there is no option "maxAttempt"; did you mean "maxAttempts"?',
  )
  expect(() => checkOptions({ MAXATTEMPTS: 3 }, known, "retry")).toThrow('"maxAttempts"?')
})

test("without a likely suggestion, the known options are listed", () => {
  expect(() => checkOptions({ colour: 1 }, known, "retry")).toThrow(
    "known options: base, factor, cap, maxAttempts",
  )
})

test("advice about a name goes before what is merely spelt alike", () => {
  const advice = { cab: "taxis are elsewhere" }
  expect(() => checkOptions({ cab: 1 }, known, "retry", advice)).toThrow(
    'retry: there is no option "cab"; taxis are elsewhere',
  )
  expect(() => checkOptions({ toString: 1 }, known, "retry", advice)).toThrow(/known options/)
})

test.each([
  [undefined, "undefined"],
  [null, "null"],
  [3, "3"],
  [[1], "a list"],
  // It may be an address with a password.
  ["postgres://ann:secret@host", "a text"],
])("%j is not an object of options, and the message says what it is", (given, got) => {
  const attempt = (): void => checkOptions(given, known, "retry")
  expect(attempt).toThrow(`retry: expected an object of options, got ${got}`)
  expect(attempt).not.toThrow(/secret/)
})

test("whatever it is, a value is shown in a few words and none of its code is called", () => {
  const trap = new Proxy({}, { get: () => expect.unreachable("it was read") })
  const shown = ["a\nb", 1.5, 5n, Symbol("x"), () => 1, Promise.resolve(1), trap].map(show)
  expect(shown.join(", ")).toBe('"a\\nb", 1.5, 5n, a symbol, a function, a promise, an object')
  expect(show("x".repeat(10_000)).length).toBeLessThan(130)
})

test("short names are suggested only when most of them fits", () => {
  expect(nearest("cpa", ["cap", "base"])).toBe("cap")
  expect(nearest("xy", ["cap", "base"])).toBeUndefined()
})
