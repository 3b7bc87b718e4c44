import { expect, test } from "vitest"
import { hotLoop } from "./hotLoop.ts"

test("hot-loop says what has to be written here", () => {
  expect(hotLoop.docs.what).not.toBe("")
})
