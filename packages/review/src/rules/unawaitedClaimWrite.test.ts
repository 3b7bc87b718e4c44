import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import { unawaitedClaimWrite } from "./unawaitedClaimWrite.ts"

async function found(body: string): Promise<number> {
  const text = `async function save(job) {\n  await db.write(job)\n}\nasync function work(job) {\n${body}\n}\n`
  const program = await programOf([{ path: "a.ts", text }])
  return applyRule(unawaitedClaimWrite, program.file("a.ts")!, program).length
}

test("a claim that is written without waiting before the work is found", async () => {
  expect(await found("job.lockedAt = now\nsave(job)\nawait process(job)")).toBe(1)
})

test("a write after the work is no claim", async () => {
  expect(await found("await process(job)\njob.status = 'running'\nsave(job)")).toBe(0)
})

test("a promise that is kept may be awaited later", async () => {
  expect(
    await found("job.lockedAt = now\nconst saved = save(job)\nawait saved\nawait process(job)"),
  ).toBe(0)
})

test("giving a claim back is no claim", async () => {
  expect(await found("job.lockedAt = null\nsave(job)\nawait notify(job)")).toBe(0)
})
