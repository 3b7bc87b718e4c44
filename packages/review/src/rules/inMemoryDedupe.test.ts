import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import { inMemoryDedupe } from "./inMemoryDedupe.ts"

const apply = `class Payments:
    def __init__(self):
        self.processed = set()

    def apply(self, event):
        if event.id in self.processed:
            return
        self.processed.add(event.id)
        self.credit(event)
`

async function tiers(isFleet: boolean) {
  const program = await programOf([{ path: "payment_events.py", text: apply }], { isFleet })
  const file = program.file("payment_events.py")!
  return applyRule(inMemoryDedupe, file, program).map((one) => one.tier)
}

test("in-memory-dedupe is shown by default only where several instances or repetitions are known of", async () => {
  expect(await tiers(true)).toEqual(["likely"])
  expect(await tiers(false)).toEqual(["context"])
})
