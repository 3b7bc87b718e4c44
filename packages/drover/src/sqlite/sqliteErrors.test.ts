import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { openReader, openWriter } from "./connection.ts"
import { isBusy, toStoreError } from "./sqliteErrors.ts"

let folder: string
let path: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "drover-connection-"))
  path = join(folder, "app.db")
})

afterEach(() => rmSync(folder, { recursive: true }))

function errorOf(body: () => unknown): unknown {
  try {
    body()
  } catch (error) {
    return error
  }
  throw new Error("nothing was thrown")
}

function codeOf(body: () => unknown): unknown {
  return (toStoreError(errorOf(body), "test", "app.db") as { code: unknown }).code
}

describe("errors of SQLite", () => {
  test("a lock of another connection is busy, and only that", () => {
    using one = openWriter(path, "full")
    using two = openWriter(path, "full")
    one.exec("begin immediate")
    const error = errorOf(() => two.exec("begin immediate"))
    expect(isBusy(error)).toBe(true)
    expect(codeOf(() => two.exec("begin immediate"))).toBe("DROVER_STORE_BUSY")
    expect(isBusy(errorOf(() => one.exec("no sql")))).toBe(false)
    expect(isBusy(new Error("database is locked"))).toBe(false)
  })

  test("a snapshot that others wrote past is busy, too", () => {
    using one = openWriter(path, "full")
    using two = openWriter(path, "full")
    one.exec("create table t (a)")
    one.exec("begin")
    one.prepare("select * from t").all()
    two.exec("insert into t values (1)")
    const error = errorOf(() => one.exec("insert into t values (2)"))
    expect((error as { errcode: unknown }).errcode).toBe(517)
    expect(isBusy(error)).toBe(true)
  })

  test("each fault has the code of what to do about it", () => {
    const notADatabase = join(folder, "text")
    writeFileSync(notADatabase, "not a database ".repeat(500))
    expect(codeOf(() => openWriter(notADatabase, "full"))).toBe("DROVER_STORE_CORRUPT")
    expect(codeOf(() => openWriter(join(folder, "none", "app.db"), "full"))).toBe("DROVER_STORE_IO")
    using db = openWriter(path, "full")
    db.exec("create table t (a unique)")
    db.exec("pragma max_page_count = 1")
    expect(codeOf(() => db.exec(`insert into t values (zeroblob(1000000))`))).toBe(
      "DROVER_STORE_FULL",
    )
    expect(codeOf(() => db.exec("no sql"))).toBe("DROVER_STORE_QUERY")
    using reader = openReader(path)
    expect(codeOf(() => reader.exec("insert into t values (1)"))).toBe("DROVER_STORE_READONLY")
    const closed = new DatabaseSync(":memory:")
    closed.close()
    expect(codeOf(() => closed.exec("select 1"))).toBe("DROVER_CLOSED")
  })

  test("an error that is not SQLite's stays what it is", () => {
    const error = new TypeError("mine")
    expect(toStoreError(error, "test", "app.db")).toBe(error)
  })

  test("the message says what was done, where, and what to do", () => {
    using one = openWriter(path, "full")
    one.exec("begin immediate")
    using two = openWriter(path, "full")
    const error = toStoreError(
      errorOf(() => two.exec("begin immediate")),
      "enqueue",
      "app.db",
    )
    expect((error as Error).message).toMatch(
      /^enqueue on app\.db failed: .*locked.*; another process/,
    )
  })
})

describe("connections", () => {
  function pragma(db: DatabaseSync, name: string): unknown {
    return Object.values(db.prepare(`pragma ${name}`).get() ?? {})[0]
  }

  test("the writer is durable, never waits inside SQLite and maps nothing", () => {
    using db = openWriter(path, "full")
    const names = ["journal_mode", "synchronous", "busy_timeout", "mmap_size", "trusted_schema"]
    expect(names.map((name) => pragma(db, name))).toEqual(["wal", 2, 0, 0, 0])
    expect(pragma(db, "foreign_keys")).toBe(1)
    expect(pragma(db, "journal_size_limit")).toBe(67_108_864)
  })

  test("durability can be lowered by choice", () => {
    using db = openWriter(path, "normal")
    expect(pragma(db, "synchronous")).toBe(1)
  })

  test("a reader cannot write and never waits inside SQLite", () => {
    openWriter(path, "full").close()
    using db = openReader(path)
    expect([pragma(db, "query_only"), pragma(db, "busy_timeout")]).toEqual([1, 0])
  })
})
