import { expect, test } from "vitest"
import { unboundedRetry } from "./unboundedRetry.ts"

test("unbounded-retry says what has to be written here", () => {
  expect(unboundedRetry.docs.what).not.toBe("")
})
