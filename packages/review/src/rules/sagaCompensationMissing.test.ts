import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import { sagaCompensationMissing } from "./sagaCompensationMissing.ts"

const workflow = `from temporalio import workflow

class Order:
    @workflow.run
    async def run(self, order):
        await workflow.execute_activity(charge_card, order)
        await workflow.execute_activity(reserve_stock, order)
`

async function tiers(texts: Record<string, string>) {
  const program = await programOf(Object.entries(texts).map(([path, text]) => ({ path, text })))
  const file = program.file("order.py")!
  return applyRule(sagaCompensationMissing, file, program).map((one) => one.tier)
}

test("saga-compensation-missing leaves it to a reader where the inverse exists and is not called", async () => {
  expect(await tiers({ "order.py": workflow })).toEqual(["likely"])
  const activities = "# activities\ndef refund_card(order):\n    bank.refund(order)\n"
  expect(await tiers({ "order.py": workflow, "activities.py": activities })).toEqual(["context"])
})

test("saga-compensation-missing says nothing of a verb that is a property of every object", async () => {
  const text = workflow
    .replaceAll("charge_card", "constructor")
    .replaceAll("reserve_stock", "toString")
  expect(await tiers({ "order.py": text })).toEqual([])
})
