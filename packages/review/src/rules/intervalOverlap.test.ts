import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import { intervalOverlap } from "./intervalOverlap.ts"

test("a round that only refreshes a value is left to a reader, and a heartbeat to nobody", async () => {
  const tiers = []
  for (const name of ["writeOrders", "refreshRates", "heartbeat"]) {
    const text = `setInterval(async () => { await ${name}() }, 1000)\nasync function ${name}() { await db.query("select 1") }`
    const program = await programOf([{ path: "a.ts", text }])
    tiers.push(applyRule(intervalOverlap, program.file("a.ts")!, program)[0]?.tier)
  }
  expect(tiers).toEqual(["likely", "context", undefined])
})
