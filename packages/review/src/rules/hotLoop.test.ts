import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import { hotLoop } from "./hotLoop.ts"

test("what waits inside a function that the loop calls keeps the loop from spinning", async () => {
  const counts = []
  for (const body of ["return api.get_rows()", "return queue.take()"]) {
    const text = `def fetch_rows():\n    ${body}\n\n\ndef run(log):\n    while True:\n        try:\n            fetch_rows()\n        except OSError:\n            log.warning("again")\n`
    const program = await programOf([{ path: "a.py", text }])
    counts.push(applyRule(hotLoop, program.file("a.py")!, program).length)
  }
  expect(counts).toEqual([1, 0])
})
