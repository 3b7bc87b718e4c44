import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { Events } from "../events/index.ts"
import { ManualClock, SeededRng } from "../time/index.ts"
import { SqliteDatabase } from "./sqliteDatabase.ts"
import type { WriteTx } from "./writeTx.ts"

let folder: string
let path: string
let clock: ManualClock
let events: Events
let database: SqliteDatabase

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "drover-writer-"))
  path = join(folder, "app.db")
  clock = new ManualClock()
  events = new Events()
  const environment = { clock, rng: new SeededRng("writer"), events }
  database = new SqliteDatabase("test", { kind: "file", path, durability: "full" }, environment)
  await database.open({ migrate: true })
  await put("first")
})

afterEach(async () => {
  await database.close()
  rmSync(folder, { recursive: true })
})

function note(tx: WriteTx, key: string): string {
  tx.db.prepare("insert into drover_meta (key, value) values (?, '')").run(key)
  return key
}

function put(key: string, rows?: number): Promise<string> {
  return database.write("put", (tx) => note(tx, key), rows)
}

function notes(): Promise<unknown[]> {
  return database.read("notes", ({ db }) =>
    db
      .prepare("select key from drover_meta order by key")
      .all()
      .map(({ key }) => key),
  )
}

/** How many times each of begin, commit and rollback was executed by the writer. */
function watchTransactions(): () => string[] {
  const exec = vi.spyOn(DatabaseSync.prototype, "exec")
  return () =>
    exec.mock.calls.map(([sql]) => sql).filter((sql) => /begin|commit|rollback/.test(sql))
}

test("writes of one turn share one transaction, and each gets its own answer", async () => {
  const transactions = watchTransactions()
  expect(await Promise.all([put("a"), put("b"), put("c")])).toEqual(["a", "b", "c"])
  expect(transactions()).toEqual(["begin immediate", "commit"])
})

test("nobody hears of a write before its commit", async () => {
  const seen: unknown[] = []
  const other = new DatabaseSync(path)
  const writes = ["a", "b"].map(async (key) => {
    await put(key)
    seen.push(other.prepare("select count(*) as n from drover_meta").get()?.["n"])
  })
  await Promise.all(writes)
  other.close()
  expect(seen).toEqual([3, 3])
})

test("a write that throws fails alone and leaves nothing; the others of its turn are done", async () => {
  const bad = database.write("bad", (tx) => {
    note(tx, "bad")
    throw new Error("no")
  })
  const results = await Promise.allSettled([put("a"), bad, put("b")])
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"])
  expect(await notes()).toEqual(["a", "b", "first"])
})

test("what a rolled back write made in memory is forgotten", async () => {
  const make = (tx: WriteTx): number => tx.lanes.make(tx.statements, "q", "k").id
  const bad = database.write("bad", (tx) => {
    make(tx)
    throw new Error("no")
  })
  await expect(bad).rejects.toThrow("no")
  const id = await database.write("good", make)
  const row = await database.read("lane", ({ statements }) => statements.first("lane_by_id", id))
  expect(row).toEqual(["q", "k"])
})

test("numbers of jobs and of the trail are not handed out twice, whatever was rolled back", async () => {
  const take = (tx: WriteTx): number[] => [tx.nextJobSeq(3), tx.nextTrailSeq(2)]
  const bad = database.write("bad", (tx) => {
    take(tx)
    throw new Error("no")
  })
  const [one, , two] = await Promise.allSettled([
    database.write("take", take),
    bad,
    database.write("take", take),
  ])
  const three = await database.write("take", take)
  expect([one, two]).toEqual([
    { status: "fulfilled", value: [1, 1] },
    { status: "fulfilled", value: [4, 3] },
  ])
  expect(three).toEqual([7, 5])
})

test("a transaction takes no more rows than the event loop can spare, in order", async () => {
  const transactions = watchTransactions()
  const order: string[] = []
  const keys = ["a", "b", "c", "d", "e"]
  await Promise.all(keys.map(async (key) => order.push(await put(key, 1_500))))
  expect(order).toEqual(keys)
  expect(transactions().filter((sql) => sql === "commit")).toHaveLength(3)
})

test("a transaction that writes nothing wakes nobody", async () => {
  const before = database.changeMark()
  await clock.advance(1_000)
  await database.write("look", (tx) => tx.now)
  expect(database.changeMark()).toBe(before)
  await put("a")
  expect(database.changeMark()).not.toBe(before)
})

test("while another process holds the lock, writes wait on the clock and share a transaction after it", async () => {
  const transactions = watchTransactions()
  const busy = events.next("store.busy")
  const other = new DatabaseSync(path)
  other.exec("begin immediate")
  const writes = Promise.all([put("a"), put("b")])
  let isDone = false
  void writes.then(() => (isDone = true))
  await clock.advance(1_000)
  expect(isDone).toBe(false)
  // The answer to a lock is a timer: between two tries the event loop is free.
  const tries = transactions().filter((sql) => sql === "begin immediate").length
  expect(tries).toBeGreaterThan(20)
  expect(tries).toBeLessThan(1_000)
  other.exec("commit")
  other.close()
  await clock.advance(20)
  expect(await writes).toEqual(["a", "b"])
  const { operation, waitedMs, attempts } = await busy
  expect(operation).toBe("put")
  expect(waitedMs).toBeGreaterThanOrEqual(1_000)
  expect(attempts).toBeGreaterThan(20)
})

test("a lock that outlasts the limit fails each write after its own 30 seconds", async () => {
  const other = new DatabaseSync(path)
  other.exec("begin immediate")
  const early = put("a")
  const failed = expect(early).rejects.toMatchObject({ code: "DROVER_STORE_BUSY" })
  await clock.advance(20_000)
  const late = put("b")
  await clock.advance(10_020)
  await failed
  other.exec("commit")
  other.close()
  await clock.advance(20)
  expect(await late).toBe("b")
})

test("a full disk, which rolls back by itself, fails the write and leaves the writer usable", async () => {
  const recovered = events.next("store.recovered")
  const pages = (count: number): Promise<void> =>
    database.write("pages", ({ db }) => db.exec(`pragma max_page_count = ${count}`))
  await pages(1)
  const large = database.write("large", ({ db }) =>
    db.prepare("insert into drover_meta (key, value) values ('large', ?)").run("x".repeat(500_000)),
  )
  await expect(large).rejects.toMatchObject({ code: "DROVER_STORE_FULL" })
  await pages(1_000_000)
  expect(await put("a")).toBe("a")
  // What finds room while what failed is not written tells of no recovery before a calm.
  await clock.advance(10_000)
  expect(await put("b")).toBe("b")
  expect(await recovered).toMatchObject({ operation: "large" })
})

test("close waits for the writes under way and refuses later ones", async () => {
  const write = put("a")
  const closed = database.close()
  await expect(put("b")).rejects.toMatchObject({ code: "DROVER_CLOSED" })
  expect(await write).toBe("a")
  await closed
})

test("a user's transaction keeps the writes before and after it in their order", async () => {
  const order: string[] = []
  const push = (key: string): number => order.push(key)
  await Promise.all([
    put("a").then(push),
    database.transaction(async () => {
      await clock.settle()
      push("transaction")
    }, 1_000),
    put("b").then(push),
  ])
  expect(order).toEqual(["a", "transaction", "b"])
})

test("a body that commits or rolls back itself is told, and the next writes go on", async () => {
  for (const sql of ["commit", "rollback"]) {
    const body = database.transaction((tx) => (tx.connection as DatabaseSync).exec(sql), 1_000)
    await expect(body).rejects.toMatchObject({ code: "DROVER_TRANSACTION" })
  }
  expect(await put("a")).toBe("a")
})
