import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import { cronWithoutLeader } from "./cronWithoutLeader.ts"

const JOB = `import cron from "node-cron"
cron.schedule("0 9 * * *", async () => { await db.query("delete from carts") })`

test("without a word of several instances it is left to a reader, and what sends letters weighs more", async () => {
  const found = []
  for (const [text, isFleet] of [
    [JOB, undefined],
    [JOB, true],
    [JOB.replace('db.query("delete from carts")', "mailClient.send()"), true],
  ] as const) {
    const program = await programOf(
      [{ path: "a.ts", text }],
      isFleet === undefined ? {} : { isFleet },
    )
    const [draft] = applyRule(cronWithoutLeader, program.file("a.ts")!, program)
    found.push([draft?.tier, draft?.severity])
  }
  expect(found).toEqual([
    ["context", "low"],
    ["likely", "medium"],
    ["likely", "high"],
  ])
})
