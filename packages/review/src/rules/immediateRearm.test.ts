import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import { immediateRearm } from "./immediateRearm.ts"

const SPIN = `class A {
  async alarm() { await this.work(); await this.storage.setAlarm(Date.now()) }
  async poke(ms = 1000) { const at = ms + Date.now(); await this.storage.setAlarm(at) }
  async later(at) { await this.storage.setAlarm(at) }
}`

test("a method that arms the alarm soon and unread is named with the handler that spins", async () => {
  const program = await programOf([{ path: "a.js", text: SPIN }])
  const drafts = applyRule(immediateRearm, program.file("a.js")!, program)
  expect(drafts.map((draft) => SPIN.slice(draft.at.start, draft.at.end))).toEqual([
    "this.storage.setAlarm(Date.now())",
    "this.storage.setAlarm(at)",
  ])
})
