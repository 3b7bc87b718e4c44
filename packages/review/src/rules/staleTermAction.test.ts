import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import type { Draft } from "./rule.ts"
import { staleTermAction } from "./staleTermAction.ts"

async function draftsOf(path: string, text: string): Promise<Draft[]> {
  const program = await programOf([{ path, text }])
  return applyRule(staleTermAction, program.file(path)!, program)
}

const TABLE =
  "create table leader (id int primary key, owner text, term bigint, expires_at timestamptz);\n"

test("a lease that is given up by its owner alone is shown with the column that tells terms apart", async () => {
  const text = `${TABLE}delete from leader where owner = $1;`
  const [draft] = await draftsOf("leader.sql", text)
  expect(text.slice(draft!.at.start, draft!.at.end)).toBe("owner = $1")
  expect(draft!.because!.map((fact) => fact.text)).toEqual([
    "only `owner` is compared",
    "`term` tells the terms of one owner apart",
  ])
})

test("a statement that writes the owner begins a term and is left alone", async () => {
  const text = `${TABLE}update leader set owner = $1, expires_at = $2 where owner = $3;`
  expect(await draftsOf("leader.sql", text)).toEqual([])
})

test("sweeping up what has expired names no owner and is left alone", async () => {
  expect(
    await draftsOf("leader.sql", `${TABLE}delete from leader where expires_at < now();`),
  ).toEqual([])
})

test("a wait before the question about leadership changes nothing about it", async () => {
  const text = `async function sweep() {
    await sleep(1000)
    if (!cluster.isLeader()) return
    await store.deleteExpired()
  }`
  expect(await draftsOf("sweep.ts", text)).toEqual([])
})
