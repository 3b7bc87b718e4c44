import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { staleFiles, writeGenerated } from "./generateStore.ts"
import { readMigrations } from "./readMigrations.ts"
import { readQueries, refuseDoubledNames } from "./readQueries.ts"
import { renderQueries } from "./render.ts"
import { compactSql, hasSeveralStatements, scanSql } from "./scanSql.ts"

const FIXTURE = join(import.meta.dirname, "fixture")

describe("compactSql", () => {
  test("drops comments, blank lines and the final semicolon", () => {
    const sql = "-- who calls it\nselect 1, /* why */ 2   \n\n  -- inner\nfrom t; -- end\n"
    expect(compactSql(sql)).toBe("select 1,   2\nfrom t")
  })

  test("keeps what only looks like a comment inside quotes", () => {
    for (const sql of [
      "select '--', \"/*\", 'it''s -- ; fine'",
      "select $$ -- body; $$",
      "select `a--b`",
    ]) {
      expect(compactSql(sql)).toBe(sql)
      expect(hasSeveralStatements(sql)).toBe(false)
    }
  })

  test("a positional parameter is not a dollar quote", () => {
    expect(compactSql("select $1 -- one\n, $2 -- two")).toBe("select $1\n, $2")
  })

  test("the segments of any text, joined, are the text again", () => {
    const piece = fc.constantFrom("'", '"', "--", "/*", "*/", "\n", "$$", "$a$", ";", "x", " ", "`")
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const sql = pieces.join("")
        const joined = scanSql(sql).map(({ text }) => text)
        expect(joined.join("")).toBe(sql)
      }),
    )
  })
})

describe("readQueries", () => {
  test("a second statement is refused, for a driver would drop it silently", () => {
    const text = "-- name: two\n-- why\nselect 1; select 2;"
    expect(() => readQueries("jobs.sql", text)).toThrow(/jobs\.sql:1: query two holds several/)
    expect(hasSeveralStatements("select 1; 'x'")).toBe(true)
  })

  test.each([
    ["select 1;", /SQL before the first/],
    ["-- name: Bad-Name\n-- why\nselect 1", /bad query name "Bad-Name"/],
    ["-- name:\n-- why\nselect 1", /bad query name ""/],
    ["-- name: empty\n-- why\n", /query empty is empty/],
    ["-- name: bare\nselect 1", /query bare has no comment/],
  ])("refuses %j", (text, message) => {
    expect(() => readQueries("jobs.sql", text)).toThrow(message)
  })

  test("two files of one store never name the same query", () => {
    const text = "-- name: same\n-- why\nselect 1"
    const queries = [...readQueries("a.sql", text), ...readQueries("b.sql", text)]
    expect(() => refuseDoubledNames(queries)).toThrow(/b\.sql:1: query same is named already at a/)
  })

  test("text that would end a template literal survives rendering", async () => {
    const sql = "select '`', '${x}', '\\n', '$1'"
    const rendered = renderQueries([{ name: "hostile", sql, place: "x.sql:1" }])
    const javascript = rendered.replace(" as const", "")
    const { queries } = await import(`data:text/javascript,${encodeURIComponent(javascript)}`)
    expect(queries).toEqual({ hostile: sql })
  })
})

describe("readMigrations", () => {
  const file = (name: string) => ({ file: name, text: "select 1" })

  test.each([
    [["0001_a.sql", "0003_b.sql"], /migration 3 \(b\) stands where 2 should/],
    [["0001_a.sql", "0001_b.sql"], /migration 1 \(b\) stands where 2 should/],
    [["0002_a.sql"], /stands where 1 should/],
    [["1_a.sql"], /is named like 0001_jobs\.sql/],
  ])("refuses %j", (names, message) => {
    expect(() => readMigrations(names.map(file))).toThrow(message)
  })

  test("refuses a migration of comments only", () => {
    expect(() => readMigrations([{ file: "0001_a.sql", text: "-- later\n" }])).toThrow(/is empty/)
  })
})

describe("a store's folder", () => {
  test("its generated modules hold the queries by name and the migrations in order", async () => {
    using dir = copyOfFixture()
    expect(writeGenerated(dir.path)).toEqual(["queries.ts", "migrations.ts"])
    const { queries } = await import(join(dir.path, "generated/queries.ts"))
    const { migrations } = await import(join(dir.path, "generated/migrations.ts"))
    expect(queries).toEqual({
      claim_jobs: "update jobs\nset state = 'running -- not a comment'\nwhere id = ?",
      count_jobs: "select count(*) from jobs",
      beat_lease: "update leases set expires_at = ?",
    })
    expect(migrations).toEqual([
      {
        number: 1,
        name: "jobs",
        sql: "create table jobs (id text);\ncreate table leases (id text)",
      },
      { number: 2, name: "add_state", sql: "alter table jobs add column state text" },
    ])
  })

  test("is stale when a query changed and fresh when only a comment did", () => {
    using dir = copyOfFixture()
    writeGenerated(dir.path)
    expect(staleFiles(dir.path)).toEqual([])
    const path = join(dir.path, "sql/leases.sql")
    const text = readFileSync(path, "utf8")
    writeFileSync(path, text.replace("-- Called by", "-- Also called by"))
    expect(staleFiles(dir.path)).toEqual([])
    writeFileSync(path, text.replace("expires_at", "expires_mono"))
    expect(staleFiles(dir.path).map(({ file }) => file)).toEqual(["queries.ts"])
    expect(writeGenerated(dir.path)).toEqual(["queries.ts"])
    expect(writeGenerated(dir.path)).toEqual([])
  })
})

function copyOfFixture(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "sqlgen-"))
  cpSync(FIXTURE, path, { recursive: true })
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) }
}
