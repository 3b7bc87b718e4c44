import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import { lockStaticToken } from "./lockStaticToken.ts"
import type { Draft } from "./rule.ts"

async function draftsOf(value: string, options = `"PX", 5000, "NX"`): Promise<Draft[]> {
  const text = `import os from "node:os"
const VALUE = "1"
export async function run(name: string) {
  const key = \`lock:\${name}\`
  if (!(await redis.set(key, ${value}, ${options}))) return
  try {
    await work()
  } finally {
    await redis.del(key)
  }
}`
  const program = await programOf([{ path: "a.ts", text }])
  return applyRule(lockStaticToken, program.file("a.ts")!, program)
}

test.each([
  [`"locked"`, "high"],
  ["VALUE", "high"],
  ["os.hostname()", "medium"],
  ["process.pid", "medium"],
])("%s is the same for several holders", async (value, severity) => {
  expect((await draftsOf(value)).map((draft) => draft.severity)).toEqual([severity])
})

test.each(["randomUUID()", "`${os.hostname()}:${process.pid}`", "given", "name"])(
  "%s is not known to be the same",
  async (value) => {
    expect(await draftsOf(value)).toEqual([])
  },
)

test("a lock that never expires passes to nobody: only a reader can tell", async () => {
  expect((await draftsOf(`"1"`, `"NX"`)).map((draft) => draft.tier)).toEqual(["context"])
})

test("the finding tells where the lock is taken, where its value is spelled and where it is given back", async () => {
  const [draft] = await draftsOf("VALUE")
  expect(draft!.because!.map((fact) => fact.text)).toEqual([
    "the lock is taken here",
    "its value is spelled here",
    "and given back here",
  ])
})
