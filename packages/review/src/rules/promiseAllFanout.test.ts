import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import { promiseAllFanout } from "./promiseAllFanout.ts"

async function tiers(body: string, path = "a.ts"): Promise<string[]> {
  const text = `async function f(given) {\n${body}\n}\n`
  const program = await programOf([{ path, text }])
  return applyRule(promiseAllFanout, program.file(path)!, program).map((draft) => draft.tier)
}

test("a list of rows has any length, a parameter may have", async () => {
  const rows =
    "const rows = await db.user.findMany()\nawait Promise.all(rows.map((r) => fetch(r.url)))"
  expect(await tiers(rows)).toEqual(["likely"])
  expect(await tiers("await Promise.all(given.map((r) => fetch(r.url)))")).toEqual(["context"])
})

test("a list that is cut has a length", async () => {
  const rows =
    "const rows = await db.user.findMany()\nawait Promise.all(rows.slice(0, 5).map((r) => fetch(r.url)))"
  expect(await tiers(rows)).toEqual([])
})

test("a browser bounds its connections itself", async () => {
  const rows = "const rows = await listUsers()\nawait Promise.all(rows.map((r) => fetch(r.url)))"
  expect(await tiers(rows, "src/components/users.ts")).toEqual([])
})
