import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import { lockNonatomicRelease } from "./lockNonatomicRelease.ts"
import { lockReleaseWithoutOwnerCheck } from "./lockReleaseWithoutOwnerCheck.ts"
import type { Rule } from "./rule.ts"

async function textsOf(rule: Rule, test: string): Promise<string[]> {
  const text = `async function run(token: string) {
  if (!(await redis.set("lock:a", token, "PX", 9000, "NX"))) return
  await work()
  if (${test}) await redis.del("lock:a")
}`
  const program = await programOf([{ path: "a.ts", text }])
  return applyRule(rule, program.file("a.ts")!, program).map(({ at }) =>
    text.slice(at.start, at.end),
  )
}

const COMPARED = `(await redis.get("lock:a")) === token`

test("a lock that is compared and then deleted is one finding, of one rule", async () => {
  expect(await textsOf(lockNonatomicRelease, COMPARED)).toEqual([COMPARED])
  expect(await textsOf(lockReleaseWithoutOwnerCheck, COMPARED)).toEqual([])
})

test.each([
  `await redis.get("lock:a")`,
  `(await redis.get("lock:a")) !== null`,
  `(await redis.get("lock:b")) === token`,
])("%s asks for no owner", async (asked) => {
  expect(await textsOf(lockNonatomicRelease, asked)).toEqual([])
  expect(await textsOf(lockReleaseWithoutOwnerCheck, asked)).toHaveLength(1)
})
