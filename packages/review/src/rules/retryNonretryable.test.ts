import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import { retryNonretryable } from "./retryNonretryable.ts"

test("what only reads may be asked again after any error", async () => {
  const counts = []
  for (const verb of ["createOrder", "getOrder"]) {
    const text = `async function f() { for (let i = 0; i < 3; i++) { try { return await api.${verb}() } catch { await sleep(9) } } }`
    const program = await programOf([{ path: "a.ts", text }])
    counts.push(applyRule(retryNonretryable, program.file("a.ts")!, program).length)
  }
  expect(counts).toEqual([1, 0])
})
