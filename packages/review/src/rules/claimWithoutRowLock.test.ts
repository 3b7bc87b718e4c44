import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import { claimWithoutRowLock } from "./claimWithoutRowLock.ts"

async function lines(path: string, text: string): Promise<string[]> {
  const program = await programOf([{ path, text }])
  return applyRule(claimWithoutRowLock, program.file(path)!, program).map((draft) =>
    text.slice(draft.at.start, draft.at.end).replaceAll(/\s+/g, " "),
  )
}

const CLAIM = `UPDATE jobs SET status = 'running'
WHERE id = (SELECT id FROM jobs WHERE status = 'pending' LIMIT 1)`

test("a statement of SQL that chooses and marks is shown at its choice", async () => {
  expect(await lines("claim.sql", CLAIM)).toEqual([
    "SELECT id FROM jobs WHERE status = 'pending' LIMIT 1",
  ])
})

test("a database with one writer needs no row locks", async () => {
  expect(await lines("db/sqlite/claim.sql", CLAIM)).toEqual([])
})

test("a row that is asked for by its key is no next piece of work", async () => {
  const text = `async function f(id) {
  const job = await db("jobs").where({ id, status: "pending" }).first()
  await db("jobs").where({ id: job.id }).update({ status: "running" })
}
`
  expect(await lines("a.ts", text)).toEqual([])
})

test("marking as done is no claim", async () => {
  const text = `async function f() {
  const job = await db("jobs").where({ status: "pending" }).first()
  await db("jobs").where({ id: job.id }).update({ status: "done" })
}
`
  expect(await lines("a.ts", text)).toEqual([])
})
