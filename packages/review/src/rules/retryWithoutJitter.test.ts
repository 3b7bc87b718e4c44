import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import { retryWithoutJitter } from "./retryWithoutJitter.ts"
import type { Draft } from "./rule.ts"

async function draftsOf(path: string, text: string): Promise<Draft[]> {
  const program = await programOf([{ path, text }])
  return applyRule(retryWithoutJitter, program.file(path)!, program)
}

const RECONNECT = `async function connect() {
  let delay = 100
  for (;;) {
    try {
      return await client.connect(url)
    } catch {
      await sleep(delay)
      delay *= 2
    }
  }
}`

test("the finding stands where the delay grows and tells where it waits, what failed and what is tried again", async () => {
  const [draft] = await draftsOf("connect.ts", RECONNECT)
  const texts = draft!.because!.map(
    (fact) => `${fact.text}: ${RECONNECT.slice(fact.at!.start, fact.at!.end).split("\n")[0]}`,
  )
  expect(RECONNECT.slice(draft!.at.start, draft!.at.end)).toBe("delay *= 2")
  expect(texts).toEqual([
    "waits here: sleep(delay)",
    "the delay is defined here: delay *= 2",
    "after this failed: {",
    "and this is tried again: client.connect(url)",
  ])
})

test("what stays on this machine weighs less than what goes over the network", async () => {
  const [remote] = await draftsOf("a.ts", RECONNECT)
  const [local] = await draftsOf("b.ts", RECONNECT.replace("client.connect(url)", "fs.open(pipe)"))
  expect([remote!.severity, local!.severity]).toEqual(["medium", "low"])
})

test("a loop that waits in two places is one finding", async () => {
  const twice = RECONNECT.replace("await sleep(delay)", "await sleep(50); await sleep(delay)")
  expect(await draftsOf("a.ts", twice)).toHaveLength(1)
})
