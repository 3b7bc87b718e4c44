import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import { scheduleClobber } from "./scheduleClobber.ts"

test("the finding points at the setter and at the instant that the caller chose", async () => {
  const text = "class A { async remind(at: number) { await this.storage.setAlarm(at) } }"
  const program = await programOf([{ path: "a.ts", text }])
  const [draft] = applyRule(scheduleClobber, program.file("a.ts")!, program)
  expect(draft!.message).toContain("`remind`")
  expect(draft!.because!.map((fact) => text.slice(fact.at!.start, fact.at!.end))).toEqual([
    "this.storage.setAlarm(at)",
    "at",
  ])
})
