import { expect, test } from "vitest"
import { intervalOverlap } from "./intervalOverlap.ts"

test("interval-overlap says what has to be written here", () => {
  expect(intervalOverlap.docs.what).not.toBe("")
})
