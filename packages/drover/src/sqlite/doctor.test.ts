import { chmodSync, mkdtempSync, renameSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterEach, beforeEach, expect, test } from "vitest"
import { Events } from "../events/index.ts"
import type { HealthCheck, NewJob, Store } from "../store/index.ts"
import { ManualClock, SeededRng, systemClock, systemRng } from "../time/index.ts"
import { sqlite, sqliteShared } from "./index.ts"
import { asLeader } from "../store/asLeader.fixture.ts"

const MINUTE = 60_000

let folder: string
let path: string
let stores: Store[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "drover-doctor-"))
  path = join(folder, "app.db")
  stores = []
})
afterEach(async () => {
  for (const store of stores) await store.close()
  rmSync(folder, { recursive: true, force: true })
})

async function openFile(): Promise<Store> {
  const environment = { clock: systemClock, rng: systemRng, events: new Events() }
  const store = sqlite(path).connect(environment)
  stores.push(store)
  await store.open({ migrate: true })
  return store
}

async function openMemory(): Promise<{ store: Store; clock: ManualClock; db: DatabaseSync }> {
  const clock = new ManualClock()
  // Without its defences a test can damage it.
  const db = new DatabaseSync(":memory:", { defensive: false })
  const environment = { clock, rng: new SeededRng("doctor"), events: new Events() }
  const store = sqliteShared(db).connect(environment)
  stores.push(store)
  await store.open({ migrate: true })
  return { store, clock, db }
}

function job(over: Partial<NewJob> = {}): NewJob {
  return {
    id: "019b0000-0000-7000-8000-000000000001",
    ...{ kind: "mail", queue: "default", priority: 1, input: "{}", delayMs: 0, runAt: null },
    ...{ expireMs: null, maxAttempts: 5, maxCrashes: 3, timeoutMs: null, retry: null, tags: [] },
    ...{ metadata: null, unique: null },
    ...over,
  }
}

async function work(store: Store, info: unknown = {}, leaseMs = 30_000): Promise<void> {
  const identity = {
    workerId: "w",
    token: 1,
    leaseMs,
    host: "h",
    pid: 1,
    info: JSON.stringify(info),
  }
  const worker = await store.registerWorker(identity)
  const claims = [{ queue: "default", kinds: ["mail"], limit: 1 }]
  await store.exchange({ worker, settlements: [], claims, token: 3, repeat: false, solo: false })
}

async function look(store: Store, check: string): Promise<HealthCheck> {
  const found = (await store.doctor()).find((one) => one.check === check)
  if (found === undefined) throw new Error(`no check ${check}`)
  return found
}

test("a healthy file passes every check", async () => {
  const store = await openFile()
  await store.enqueue([job()])
  const checks = await store.doctor()
  // How much space the disk of this machine has is not ours to say.
  const own = checks.filter(({ check }) => check !== "disk_space" && check !== "unserved_kinds")
  expect(own.filter(({ status }) => status !== "ok")).toEqual([])
  expect(checks.map(({ check }) => check)).toContain("disk_space")
})

test("a file that everybody can read is named", async () => {
  const store = await openFile()
  chmodSync(path, 0o644)
  expect(await look(store, "permissions")).toMatchObject({ status: "warn", value: "0644" })
})

test("a file that was replaced is named, and the other checks are left out", async () => {
  const store = await openFile()
  renameSync(path, join(folder, "elsewhere.db"))
  const checks = await store.doctor()
  expect(checks).toMatchObject([{ check: "file", status: "fail" }])
})

test("a reader that holds the log back is named", async () => {
  const store = await openFile()
  const other = new DatabaseSync(path)
  other.exec("create table big (text text); insert into big values ('x')")
  const reader = new DatabaseSync(path)
  reader.exec("begin; select count(*) from big")
  const insert = other.prepare("insert into big values (?)")
  for (let page = 0; page < 40; page++) insert.run("x".repeat(500_000))
  const held = await look(store, "wal")
  expect(held.status).toBe("warn")
  expect(held.message).toContain("iterate()")
  reader.exec("commit")
  reader.close()
  other.exec("pragma wal_checkpoint(passive)")
  expect((await look(store, "wal")).status).toBe("ok")
  other.close()
})

test("a log that can be emptied is not blamed on anybody", async () => {
  const store = await openFile()
  const other = new DatabaseSync(path)
  other.exec("pragma wal_autocheckpoint = 0; create table big (text text)")
  for (let page = 0; page < 10; page++) {
    other.prepare("insert into big values (?)").run("x".repeat(500_000))
  }
  expect((await look(store, "wal")).status).toBe("ok")
  other.close()
})

test("a write lock that somebody holds is named, without waiting for long", async () => {
  const store = await openFile()
  const other = new DatabaseSync(path)
  other.exec("begin immediate")
  expect(await look(store, "write_lock")).toMatchObject({ status: "fail" })
  other.exec("rollback")
  expect(await look(store, "write_lock")).toMatchObject({ status: "ok", value: "full" })
  other.close()
})

test("damage is found", async () => {
  const { store, db } = await openMemory()
  await store.enqueue([job()])
  db.exec("pragma writable_schema = on")
  db.exec("update sqlite_schema set rootpage = 3 where name = 'drover_job_id'")
  db.exec("pragma writable_schema = reset")
  expect(await look(store, "integrity")).toMatchObject({ status: "fail" })
})

test("jobs that a dead worker holds are counted once its lease is long over", async () => {
  const { store, clock } = await openMemory()
  await store.enqueue([job()])
  await work(store)
  await clock.advance(31_000)
  expect(await look(store, "stuck_leases")).toMatchObject({ status: "ok" })
  await clock.advance(2 * MINUTE)
  const stuck = await look(store, "stuck_leases")
  expect(stuck).toMatchObject({ status: "warn", value: 1 })
  expect(stuck.message).toContain("(w)")
})

test("the oldest due job is named once it has waited for long, unless its queue is paused", async () => {
  const { store, clock } = await openMemory()
  await store.enqueue([job({ delayMs: MINUTE })])
  expect(await look(store, "oldest_waiting")).toMatchObject({ status: "ok", value: 0 })
  await clock.advance(2 * MINUTE)
  expect(await look(store, "oldest_waiting")).toMatchObject({ status: "ok", value: MINUTE })
  await clock.advance(30 * MINUTE)
  const late = await look(store, "oldest_waiting")
  expect(late).toMatchObject({ status: "warn", value: 31 * MINUTE })
  expect(late.message).toContain("mail in queue default")
  await store.setQueue("default", { paused: true }, "ann")
  expect(await look(store, "oldest_waiting")).toMatchObject({ status: "ok" })
})

test("due jobs that no live worker runs are named", async () => {
  const { store, clock } = await openMemory()
  await store.enqueue([job()])
  expect(await look(store, "unserved_kinds")).toMatchObject({ status: "warn", value: 1 })
  await store.setQueue("default", { paused: true }, "ann")
  const cases = [
    [{ kinds: ["mail"], queues: { default: 2 } }, "ok"],
    [{ kinds: ["other"], queues: { default: 2 } }, "warn"],
    [{ kinds: ["mail"], queues: { media: 2 } }, "warn"],
    ["unreadable", "ok"],
  ] as const
  for (const [info, status] of cases) {
    await work(store, info)
    expect((await look(store, "unserved_kinds")).status, JSON.stringify(info)).toBe(status)
    await (await asLeader(store)).rescue({ deadWorkers: ["w"], expiredLeases: false, limit: 10 })
  }
  await work(store, cases[0][0])
  await clock.advance(MINUTE)
  expect((await look(store, "unserved_kinds")).status).toBe("warn")
})

test("a cancel that a handler ignores is named", async () => {
  const { store, clock } = await openMemory()
  await store.enqueue([job()])
  await work(store, {}, 10 * MINUTE)
  await store.act("cancel", {}, { actor: "ann", reason: "because", limit: 1 })
  expect(await look(store, "ignored_cancels")).toMatchObject({ status: "ok" })
  await clock.advance(2 * MINUTE)
  expect(await look(store, "ignored_cancels")).toMatchObject({ status: "warn", value: 1 })
})

test("a store clock that is ahead of this machine is named", async () => {
  const { store, clock } = await openMemory()
  expect(await look(store, "clock")).toMatchObject({ status: "ok" })
  clock.jumpWall(-10 * MINUTE)
  expect(await look(store, "clock")).toMatchObject({ status: "warn", value: 10 * MINUTE })
})

test("a history that outgrew every sane retention is named", async () => {
  const { store, db } = await openMemory()
  db.exec("update drover_pulse set finished_bytes = 3000000000")
  expect(await look(store, "finished_bytes")).toMatchObject({ status: "warn" })
})
