import { expect, test } from "vitest"
import { programOf } from "../analysis/program/programOf.ts"
import { applyRule } from "./applyRule.ts"
import { onConflictRace } from "./onConflictRace.ts"

async function tiers(path: string, text: string, schema = ""): Promise<string[]> {
  const program = await programOf([
    { path, text },
    { path: "schema.sql", text: schema },
  ])
  return applyRule(onConflictRace, program.file(path)!, program).map((draft) => draft.tier)
}

const ENSURE = `async function ensure(name) {
  const { rows } = await pool.query("SELECT id FROM tags WHERE name = $1", [name])
  if (rows.length === 0) await pool.query("INSERT INTO tags (name) VALUES ($1)", [name])
}
`

test("a table that nothing is known of is only a hint", async () => {
  expect(await tiers("a.ts", ENSURE)).toEqual(["context"])
  expect(await tiers("a.ts", ENSURE, "CREATE TABLE tags (name text);")).toEqual(["likely"])
})

test("a unique index over other columns does not help", async () => {
  const schema =
    "CREATE TABLE tags (name text, shop int);\nCREATE UNIQUE INDEX u ON tags (name, shop);"
  expect(await tiers("a.ts", ENSURE, schema)).toEqual(["likely"])
})

test("a time that is set to now has no order to keep", async () => {
  const text =
    "INSERT INTO a (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET updated_at = excluded.updated_at;"
  expect(await tiers("a.sql", text)).toEqual([])
})
