import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import { sleepInTest } from "./sleepInTest.ts"

async function tiers(body: string, name = "delivers"): Promise<string[]> {
  const text = `it("${name}", async () => {\n  bus.subscribe("a", handler)\n  bus.publish("a")\n${body}\n})\n`
  const program = await programOf([{ path: "bus.test.ts", text }])
  return applyRule(sleepInTest, program.file("bus.test.ts")!, program).map((draft) => draft.tier)
}

test("a sleep between a start and an assertion is found", async () => {
  expect(await tiers("await sleep(500)\nexpect(handler).toHaveBeenCalled()")).toEqual(["likely"])
})

test("a sleep that nothing is asserted after is left alone", async () => {
  expect(await tiers("await sleep(500)\nawait bus.close()")).toEqual([])
})

test("a sleep that is too short to be a guess is left alone", async () => {
  expect(await tiers("await sleep(5)\nexpect(handler).toHaveBeenCalled()")).toEqual([])
})

test("a test about time is only a hint", async () => {
  const body = "await sleep(500)\nexpect(handler).toHaveBeenCalled()"
  expect(await tiers(body, "delivers after the cooldown")).toEqual(["context"])
})

test("one test is one finding, however often it sleeps", async () => {
  const body = "await sleep(500)\nexpect(a).toBe(1)\nawait sleep(500)\nexpect(a).toBe(2)"
  expect(await tiers(body)).toEqual(["likely"])
})
