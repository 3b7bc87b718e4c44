import { expect, test } from "vitest"
import { immediateRearm } from "./immediateRearm.ts"

test("immediate-rearm says what has to be written here", () => {
  expect(immediateRearm.docs.what).not.toBe("")
})
