import { expect, test } from "vitest"
import { nestedRetry } from "./nestedRetry.ts"

test("nested-retry says what has to be written here", () => {
  expect(nestedRetry.docs.what).not.toBe("")
})
