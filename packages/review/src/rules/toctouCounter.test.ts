import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import type { Draft } from "./rule.ts"
import { toctouCounter } from "./toctouCounter.ts"

async function draftsOf(path: string, text: string): Promise<Draft[]> {
  const program = await programOf([{ path, text }])
  return applyRule(toctouCounter, program.file(path)!, program)
}

const POOL = `class Pool {
  active = 0
  async take() {
    if (this.active >= this.max) throw new Error("full")
    const made = await this.connect()
    this.active++
    return made
  }
  give() { this.active-- }
}`

test("the finding stands at the check and tells where others run and where the count goes up", async () => {
  const [draft] = await draftsOf("pool.ts", POOL)
  expect(POOL.slice(draft!.at.start, draft!.at.end)).toBe("this.active >= this.max")
  expect(
    draft!.because!.map((fact) => `${fact.text}: ${POOL.slice(fact.at!.start, fact.at!.end)}`),
  ).toEqual([
    "`active` is compared with its limit here: this.active >= this.max",
    "others run while `this.connect` is waited for: await this.connect()",
    "and it goes up only here: this.active++",
  ])
})

test("an await in a branch that leaves lies on no way from the check to the increment", async () => {
  const text = POOL.replace(
    "const made = await this.connect()",
    "if (this.closed) { await this.refuse(); return null }",
  )
  expect(await draftsOf("pool.ts", text)).toEqual([])
})

test("a count that never goes down is no place that is taken", async () => {
  const text = POOL.replace("give() { this.active-- }", "")
  expect(await draftsOf("pool.ts", text)).toEqual([])
})

test("attempts are counted, not reserved", async () => {
  expect(await draftsOf("pool.ts", POOL.replaceAll("active", "attempts"))).toEqual([])
})
