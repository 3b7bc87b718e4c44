import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import { unboundedRetry } from "./unboundedRetry.ts"

test("a service's own loop has no result to return and is left alone", async () => {
  const counts = []
  for (const way of ["return await client.connect()", "await client.run()"]) {
    const text = `async function f() { for (;;) { try { ${way} } catch { await sleep(Math.random() * 100) } } }`
    const program = await programOf([{ path: "a.ts", text }])
    counts.push(applyRule(unboundedRetry, program.file("a.ts")!, program).length)
  }
  expect(counts).toEqual([1, 0])
})
