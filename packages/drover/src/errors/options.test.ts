import { expect, test } from "vitest"
import { checkOptions, nearest } from "./index.ts"

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

test.each([undefined, null, 3, "x", [1]])("%j is not an object of options", (given) => {
  expect(() => checkOptions(given, known, "retry")).toThrow("retry: expected an object of options")
})

test("short names are suggested only when most of them fits", () => {
  expect(nearest("cpa", ["cap", "base"])).toBe("cap")
  expect(nearest("xy", ["cap", "base"])).toBeUndefined()
})
