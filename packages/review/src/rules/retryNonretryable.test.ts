import { expect, test } from "vitest"
import { retryNonretryable } from "./retryNonretryable.ts"

test("retry-nonretryable says what has to be written here", () => {
  expect(retryNonretryable.docs.what).not.toBe("")
})
