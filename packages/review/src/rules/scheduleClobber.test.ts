import { expect, test } from "vitest"
import { scheduleClobber } from "./scheduleClobber.ts"

test("schedule-clobber says what has to be written here", () => {
  expect(scheduleClobber.docs.what).not.toBe("")
})
