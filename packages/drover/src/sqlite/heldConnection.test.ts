import { spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import type { StatementSync } from "node:sqlite"
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest"
import { Events } from "../events/index.ts"
import type { NewJob, StoreTransaction } from "../store/index.ts"
import { ManualClock, SeededRng, UuidMaker } from "../time/index.ts"
import { SqliteDatabase } from "./sqliteDatabase.ts"

const insert = "insert into note (text) values (?)"
const second = 1_000

let folder: string
let path: string
let clock: ManualClock
let events: Events
let ids: UuidMaker
let database: SqliteDatabase

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "drover-held-"))
  path = join(folder, "app.db")
  clock = new ManualClock()
  events = new Events()
  const environment = { clock, rng: new SeededRng("held"), events }
  ids = new UuidMaker(clock, environment.rng)
  database = new SqliteDatabase("test", { kind: "file", path, durability: "full" }, environment)
  await database.open({ migrate: true })
  await database.write("create", ({ db }) => db.exec("create table note (text text) strict"))
})

afterEach(async () => {
  vi.restoreAllMocks()
  await database.close()
  rmSync(folder, { recursive: true })
})

function job(over: Partial<NewJob> = {}): NewJob {
  const defaults = { kind: "k", queue: "q", priority: 1, input: "{}", delayMs: 0, runAt: null }
  const limits = { expireMs: null, maxAttempts: 3, maxCrashes: 3, timeoutMs: null, retry: null }
  return { id: ids.next(), ...defaults, ...limits, tags: [], metadata: null, unique: null, ...over }
}

function connectionOf(tx: StoreTransaction): DatabaseSync {
  return tx.connection as DatabaseSync
}

function put(text: string): Promise<unknown> {
  return database.write("put", ({ db }) => db.prepare(insert).run(text))
}

function putInTransaction(text: string): Promise<unknown> {
  return database.transaction((tx) => connectionOf(tx).prepare(insert).run(text), second)
}

function texts(): Promise<unknown[]> {
  return database.read("notes", ({ db }) =>
    db
      .prepare("select text from note order by rowid")
      .all()
      .map(({ text }) => text),
  )
}

function jobCount(): Promise<unknown> {
  return database.read(
    "count",
    ({ db }) => db.prepare("select count(*) as n from drover_job").get()?.["n"],
  )
}

/** What a body may keep of its transaction. */
interface Kept {
  readonly db: DatabaseSync
  readonly statement: StatementSync
}

function keep(tx: StoreTransaction): Kept {
  const db = connectionOf(tx)
  const statement = db.prepare(insert)
  statement.run("own")
  return { db, statement }
}

/** Runs a transaction to its end in one way. @returns what its body kept. */
const endings: Readonly<Record<string, () => Promise<Kept>>> = {
  "a commit": () => database.transaction(keep, second),
  "a rollback": async () => {
    let kept: Kept | undefined
    const failing = database.transaction((tx) => {
      kept = keep(tx)
      throw new Error("no")
    }, second)
    await expect(failing).rejects.toThrow("no")
    return kept as Kept
  },
  "a timeout": async () => {
    const { promise: begun, resolve } = Promise.withResolvers<Kept>()
    const late = database.transaction(async (tx) => {
      resolve(keep(tx))
      await new Promise(() => {})
    }, second)
    const failed = expect(late).rejects.toMatchObject({ code: "DROVER_TRANSACTION" })
    const kept = await begun
    await clock.advance(second)
    await failed
    return kept
  },
}

describe.each(Object.entries(endings))("what was kept of a transaction after %s", (how, end) => {
  const own = how === "a commit" ? ["own"] : []

  test("reaches neither the database nor the transaction of somebody else", async () => {
    const { db, statement } = await end()
    const misuse = (): void => {
      expect(() => db.exec("insert into note values ('late')")).toThrow(/database is not open/)
      expect(() => db.prepare(insert)).toThrow(/database is not open/)
      expect(() => statement.run("late")).toThrow(/finalized/)
    }
    misuse()
    await database.transaction((tx) => {
      connectionOf(tx).prepare(insert).run("next")
      misuse()
    }, second)
    await database.write("write", (tx) => {
      tx.db.prepare(insert).run("last")
      misuse()
    })
    expect(await texts()).toEqual([...own, "next", "last"])
  })

  test("cannot be adopted, and its error inside another transaction is the caller's own", async () => {
    const { db } = await end()
    expect(() => database.adopt(db)).toThrow(/the connection is closed/)
    const next = database.transaction(() => db.exec("commit"), second)
    await expect(next).rejects.toMatchObject({ code: "ERR_INVALID_STATE" })
    expect(await putInTransaction("next")).toMatchObject({ changes: 1 })
  })
})

describe("a body that goes on after its timeout", () => {
  test("leaves nothing, whatever it does then, and holds up no write that waited for it", async () => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>()
    const failures: unknown[] = []
    let queued: Promise<unknown[]> | undefined
    const body = async (tx: StoreTransaction): Promise<void> => {
      const db = connectionOf(tx)
      await tx.enqueue([job()])
      db.prepare(insert).run("early")
      queued = Promise.all([put("a"), putInTransaction("b"), put("c")])
      await gate
      for (const sql of ["begin immediate", "insert into note values ('late')", "commit"]) {
        try {
          db.exec(sql)
        } catch (error) {
          failures.push(error)
        }
      }
      await tx.enqueue([job()]).catch((error: unknown) => failures.push(error))
    }
    let ended: Promise<void> | undefined
    const late = database.transaction((tx) => (ended = body(tx)), second)
    const failed = expect(late).rejects.toMatchObject({ code: "DROVER_TRANSACTION" })
    await clock.advance(second)
    await failed
    open()
    await Promise.all([ended, queued])
    expect(failures).toHaveLength(4)
    expect(await texts()).toEqual(["a", "b", "c"])
    expect(await jobCount()).toBe(0)
  })
})

describe("each transaction", () => {
  test("has a connection of its own and sees what the one before it committed", async () => {
    const used = new Set<DatabaseSync>()
    const counts: unknown[] = []
    for (const text of ["a", "b", "c"]) {
      await database.transaction(async (tx) => {
        used.add(connectionOf(tx))
        counts.push(connectionOf(tx).prepare("select count(*) as n from drover_job").get()?.["n"])
        connectionOf(tx).prepare(insert).run(text)
        await tx.enqueue([job()])
      }, second)
      await database.write("write", ({ db }) => used.add(db))
    }
    expect(used.size).toBe(4)
    expect(counts).toEqual([0, 1, 2])
    expect(await texts()).toEqual(["a", "b", "c"])
  })

  test("takes with it what its body set on the connection or left unfinished", async () => {
    await Promise.all([put("a"), put("b")])
    await database.transaction((tx) => {
      const db = connectionOf(tx)
      db.exec("create temp table mine (id integer)")
      db.exec("pragma foreign_keys = off; pragma cache_size = 1")
      db.prepare("select * from note").iterate().next()
    }, second)
    await put("c")
    await database.transaction((tx) => {
      const db = connectionOf(tx)
      expect(() => db.exec("select * from temp.mine")).toThrow(/no such table/)
      expect(db.prepare("pragma foreign_keys").get()).toEqual({ foreign_keys: 1 })
      expect(db.prepare("pragma synchronous").get()).toEqual({ synchronous: 2 })
    }, second)
  })

  test("whose body closes the connection is rolled back and told, and the next writes go on", async () => {
    const closing = database.transaction(async (tx) => {
      await tx.enqueue([job()])
      connectionOf(tx).close()
    }, second)
    await expect(closing).rejects.toMatchObject({ code: "DROVER_TRANSACTION" })
    await Promise.all([put("a"), putInTransaction("b")])
    expect(await texts()).toEqual(["a", "b"])
    expect(await jobCount()).toBe(0)
  })

  test("takes jobs also through its connection, before and after its own", async () => {
    await database.transaction(async (tx) => {
      await tx.enqueue([job({ queue: "a" })])
      await database.adopt(tx.connection).enqueue([job({ queue: "b" })])
      await tx.enqueue([job({ queue: "c" })])
    }, second)
    expect(await jobCount()).toBe(3)
  })

  test("may roll back to a savepoint of its own, and goes on with what is there then", async () => {
    await database.transaction(async (tx) => {
      connectionOf(tx).exec("savepoint mine")
      await tx.enqueue([job({ queue: "made inside" })])
      connectionOf(tx).exec("rollback to mine")
      await tx.enqueue([job({ queue: "made inside" })])
    }, second)
    expect(await jobCount()).toBe(1)
    expect(
      await database.read("lanes", ({ db }) => db.prepare("select * from drover_lane").all()),
    ).toHaveLength(1)
  })

  test("that commits is noticed by whoever watches the database", async () => {
    const before = database.changeMark()
    await putInTransaction("a")
    expect(database.changeMark()).not.toBe(before)
  })

  test("refuses a migration while it runs", async () => {
    await database.transaction(async () => {
      const busy = { code: "DROVER_STORE_BUSY" }
      await expect(database.migrate({ dryRun: false })).rejects.toMatchObject(busy)
    }, second)
    expect(await database.migrate({ dryRun: false })).toEqual([])
  })

  test.skipIf(process.platform !== "linux")("gives its descriptors back", async () => {
    const open = (): number => readdirSync("/proc/self/fd").length
    // SQLite keeps one to use it again, because closing it would drop the locks of the others.
    await putInTransaction("a")
    const before = open()
    for (let count = 0; count < 20; count++) await putInTransaction("a")
    expect(open()).toBe(before)
  })
})

describe("a transaction that cannot begin", () => {
  test("waits on the clock, with one connection, for as long as another process has the lock", async () => {
    const busy = events.next("store.busy")
    const other = new DatabaseSync(path)
    other.exec("begin immediate")
    const close = vi.spyOn(DatabaseSync.prototype, "close")
    const exec = vi.spyOn(DatabaseSync.prototype, "exec")
    const calls = (sql: string): number => exec.mock.calls.filter(([text]) => text === sql).length
    const waiting = putInTransaction("a")
    await clock.advance(second)
    expect(calls("begin immediate")).toBeGreaterThan(20)
    other.exec("commit")
    await clock.advance(20)
    await waiting
    expect(calls("pragma trusted_schema = off")).toBe(1)
    expect(close).toHaveBeenCalledTimes(1)
    other.close()
    expect(await busy).toMatchObject({ operation: "transaction" })
    expect(await texts()).toEqual(["a"])
  })

  test("fails after the limit and closes its connection; the next one succeeds", async () => {
    const other = new DatabaseSync(path)
    onTestFinished(() => other.close())
    other.exec("begin immediate")
    const close = vi.spyOn(DatabaseSync.prototype, "close")
    const failed = expect(putInTransaction("a")).rejects.toMatchObject({
      code: "DROVER_STORE_BUSY",
    })
    await clock.advance(31 * second)
    await failed
    expect(close).toHaveBeenCalledTimes(1)
    other.exec("commit")
    await putInTransaction("b")
    expect(await texts()).toEqual(["b"])
  })

  test("because the file was removed makes none in its place", async () => {
    rmSync(path)
    const replaced = { code: "DROVER_STORE_REPLACED" }
    await expect(putInTransaction("a")).rejects.toMatchObject(replaced)
    expect(existsSync(path)).toBe(false)
  })

  test("because the content of the file is another database's is refused, like a write", async () => {
    const other = new DatabaseSync(path)
    other.exec("update drover_pulse set instance = 'another'")
    other.close()
    for (const refused of [putInTransaction("a"), put("b")]) {
      await expect(refused).rejects.toMatchObject({ code: "DROVER_STORE_REPLACED" })
    }
    expect(await texts()).toEqual([])
  })

  test("because nothing can be opened says so as the store does; the writes behind it go on", async () => {
    const told = events.next("store.failed")
    vi.spyOn(DatabaseSync.prototype, "exec").mockImplementationOnce(() => {
      const error = new Error("unable to open database file")
      throw Object.assign(error, { code: "ERR_SQLITE_ERROR", errcode: 14 })
    })
    const io = { code: "DROVER_STORE_IO" }
    const failed = expect(putInTransaction("a")).rejects.toMatchObject(io)
    await Promise.all([failed, put("b"), putInTransaction("c")])
    expect(await told).toMatchObject({ operation: "transaction", code: "DROVER_STORE_IO" })
    expect(await texts()).toEqual(["b", "c"])
  })
})

test("a process that is killed inside a transaction leaves nothing of it, and no lock", () => {
  const index = JSON.stringify(new URL("./index.ts", import.meta.url).href)
  const time = JSON.stringify(new URL("../time/index.ts", import.meta.url).href)
  const event = JSON.stringify(new URL("../events/index.ts", import.meta.url).href)
  const script = `
    import { sqlite } from ${index}
    import { systemClock, SeededRng } from ${time}
    import { Events } from ${event}
    const environment = { clock: systemClock, rng: new SeededRng("child"), events: new Events() }
    const store = sqlite(${JSON.stringify(path)}).connect(environment)
    await store.open({ migrate: true })
    const write = (text) => store.transaction((tx) => {
      tx.connection.prepare(${JSON.stringify(insert)}).run(text)
      if (text === "gone") process.kill(process.pid, "SIGKILL")
    }, { timeoutMs: 10_000 })
    await write("kept")
    await write("gone")`
  const child = spawnSync(process.execPath, ["--input-type=module", "-e", script])
  expect(child.signal, child.stderr.toString()).toBe("SIGKILL")
  return Promise.all([put("a"), putInTransaction("b")]).then(async () => {
    expect(await texts()).toEqual(["kept", "a", "b"])
  })
})

test("in memory all share the one connection that there is, and it goes on after the end", async () => {
  const environment = { clock, rng: new SeededRng("memory"), events }
  const memory = new SqliteDatabase("memory", { kind: "memory" }, environment)
  await memory.open({ migrate: true })
  const db = await memory.transaction(connectionOf, second)
  await memory.write("same", (tx) => expect(tx.db).toBe(db))
  await memory.close()
})
