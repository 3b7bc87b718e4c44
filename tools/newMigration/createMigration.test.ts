import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, test } from "vitest"
import { readMigrations } from "../sqlgen/readMigrations.ts"
import { createMigration } from "./createMigration.ts"

test("the first migration of a store is number 1, and the next one goes up by one", () => {
  using sources = sourcesWith({ sqlite: [] })
  createMigration(sources.path, "jobs")
  createMigration(sources.path, "add_tags_2")
  expect(readdirSync(join(sources.path, "sqlite/migrations"))).toEqual([
    "0001_jobs.sql",
    "0002_add_tags_2.sql",
  ])
})

test("both stores get the same number and name, each with a header that names it", () => {
  using sources = sourcesWith({ sqlite: ["0001_jobs"], postgres: ["0001_jobs"] })
  const paths = createMigration(sources.path, "add_tags")
  expect(paths.map((path) => path.slice(sources.path.length + 1))).toEqual([
    "sqlite/migrations/0002_add_tags.sql",
    "postgres/migrations/0002_add_tags.sql",
  ])
  expect(readFileSync(paths[1] ?? "", "utf8")).toContain("-- 0002 add_tags (postgres): ")
})

test("a migration that nobody wrote is refused by the generator", () => {
  using sources = sourcesWith({ sqlite: [] })
  const [path = ""] = createMigration(sources.path, "jobs")
  const text = readFileSync(path, "utf8")
  expect(() => readMigrations([{ file: "0001_jobs.sql", text }])).toThrow(/is empty/)
})

test.each(["", "Jobs", "add-tags", "1_jobs", "jobs_", "../jobs", "add tags", "a__b"])(
  "refuses the name %j and writes nothing",
  (name) => {
    using sources = sourcesWith({ sqlite: [] })
    expect(() => createMigration(sources.path, name)).toThrow(/lower_snake_case/)
    expect(readdirSync(join(sources.path, "sqlite/migrations"))).toEqual([])
  },
)

test("refuses a name that is taken, but not one that ends alike", () => {
  using sources = sourcesWith({ sqlite: ["0001_add_tags"] })
  expect(() => createMigration(sources.path, "add_tags")).toThrow(/already/)
  expect(createMigration(sources.path, "tags")).toHaveLength(1)
})

test("refuses to go on where the stores are out of step or a number is missing", () => {
  using apart = sourcesWith({ sqlite: ["0001_jobs", "0002_tags"], postgres: ["0001_jobs"] })
  expect(() => createMigration(apart.path, "more")).toThrow(/not at the same migration/)
  using gap = sourcesWith({ sqlite: ["0001_jobs", "0003_tags"] })
  expect(() => createMigration(gap.path, "more")).toThrow(/0003_tags stands where number 2 should/)
})

function sourcesWith(
  stores: Readonly<Record<string, readonly string[]>>,
): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "migrations-"))
  for (const [store, names] of Object.entries(stores)) {
    const dir = join(path, store, "migrations")
    mkdirSync(dir, { recursive: true })
    for (const name of names) writeFileSync(join(dir, `${name}.sql`), "select 1")
  }
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) }
}
