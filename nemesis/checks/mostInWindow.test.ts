import { expect, test } from "vitest"
import { mostInWindow } from "./mostInWindow.ts"

test("the busiest window counts, wherever it begins", () => {
  expect(mostInWindow([0, 400, 900, 1_000, 1_300], 1_000)).toBe(4)
  expect(mostInWindow([0, 1_000, 2_000], 1_000)).toBe(1)
  expect(mostInWindow([999, 0], 1_000)).toBe(2)
  expect(mostInWindow([], 1_000)).toBe(0)
})
