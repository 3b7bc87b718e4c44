import { expect, test } from "vitest"
import { CheckThenActPool } from "./checkThenActPool.fixture.ts"
import { SlotPool } from "./index.ts"
import { invariants } from "./invariants.fixture.ts"

test.each(invariants)("$rule", async ({ check }) => {
  await expect(check((options) => new SlotPool(options))).resolves.toBeUndefined()
})

// What each check says of the other pool: it must fail, and for the reason that its rule is about.
const reasons = [
  /reserved of \d/,
  /-4 reserved after the path timeout/,
  /20 started by 20 wake-ups with 1 free/,
  /2 started after 1 ended/,
  /reserved after 2 of 5 were found/,
  /started after the limit was raised/,
  /3 execute with one stuck/,
  /30 wait, 0 refused of 30 with room for 7/,
  /6 busy of 5/,
  /20 timers for 20 callers that wait/,
]

test.each(invariants.map((invariant, index) => ({ ...invariant, reason: reasons[index]! })))(
  "a pool that checks first and acts later breaks: $rule",
  async ({ check, reason }) => {
    const broken = check((options) => new CheckThenActPool(options))
    await expect(broken).rejects.toThrow(reason)
  },
)

test("every one of the ten has its reason", () => {
  expect([invariants.length, reasons.length]).toEqual([10, 10])
})
