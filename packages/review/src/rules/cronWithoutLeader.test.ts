import { expect, test } from "vitest"
import { cronWithoutLeader } from "./cronWithoutLeader.ts"

test("cron-without-leader says what has to be written here", () => {
  expect(cronWithoutLeader.docs.what).not.toBe("")
})
