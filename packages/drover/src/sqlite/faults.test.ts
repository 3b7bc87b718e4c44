import { execFileSync } from "node:child_process"
import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync, StatementSync } from "node:sqlite"
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest"
import { Events } from "../events/index.ts"
import type { NewJob, Store } from "../store/index.ts"
import { ManualClock, randomBelow, SeededRng, UuidMaker } from "../time/index.ts"
import { sqlite } from "./index.ts"
import { SqliteDatabase } from "./sqliteDatabase.ts"
import { SqliteStore } from "./sqliteStore.ts"
import { asLeader } from "../store/asLeader.fixture.ts"

const rng = new SeededRng("faults")
const everything = { limit: 10_000, after: null }

let folder: string
let path: string
let clock: ManualClock
let events: Events
let ids: UuidMaker
let store: Store

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "drover-faults-"))
  path = join(folder, "app.db")
  clock = new ManualClock()
  events = new Events()
  ids = new UuidMaker(clock, rng)
  store = await open(path)
})

afterEach(async () => {
  await store.close()
  rmSync(folder, { recursive: true })
})

async function open(file: string): Promise<Store> {
  const opened = sqlite(file).connect({ clock, rng, events })
  await opened.open({ migrate: true })
  return opened
}

function job(over: Partial<NewJob> = {}): NewJob {
  const defaults = { kind: "k", queue: "q", priority: 1, input: "{}", delayMs: 0, runAt: null }
  const limits = { expireMs: null, maxAttempts: 3, maxCrashes: 3, timeoutMs: null, retry: null }
  return { id: ids.next(), ...defaults, ...limits, tags: [], metadata: null, unique: null, ...over }
}

/** A job whose row and input take some pages. */
function largeJob(): NewJob {
  return job({ input: JSON.stringify("x".repeat(20_000)) })
}

async function runOne(): Promise<void> {
  const identity = { workerId: "w", token: 7, leaseMs: 30_000, host: "h", pid: 1, info: "{}" }
  const worker = await store.registerWorker(identity)
  const claims = [{ queue: "q", kinds: ["k"], limit: 1 }]
  const ask = { worker, token: 8, repeat: false, solo: false }
  const { claimed } = await store.exchange({ ...ask, settlements: [], claims })
  const settlements = claimed.map((attempt) => {
    return { attempt, settlement: { to: "completed", result: "1" } } as const
  })
  const { settled } = await store.exchange({ ...ask, settlements, claims: [] })
  expect(settled).toEqual(["settled"])
  await store.retireWorker(worker)
}

function integrityOf(file: string): unknown {
  const db = new DatabaseSync(file)
  try {
    return db.prepare("pragma integrity_check").get()
  } finally {
    db.close()
  }
}

describe("locks", () => {
  test("every transaction of the store takes the write lock at its begin", async () => {
    const exec = vi.spyOn(DatabaseSync.prototype, "exec")
    await store.enqueue([job(), job()])
    await runOne()
    await store.transaction((tx) => tx.enqueue([job()]), { timeoutMs: 1_000 })
    await store.act("cancel", {}, { actor: "a", reason: "r", limit: 10 })
    await (
      await asLeader(store)
    ).prune({ completedMs: 0, discardedMs: 0, cancelledMs: 0, bytes: 0 }, 10)
    await store.list({}, everything)
    await store.doctor()
    const begins = exec.mock.calls.map(([text]) => text.trim().toLowerCase())
    const own = begins.filter((text) => /^(begin|savepoint)/.test(text))
    expect(own.length).toBeGreaterThan(0)
    // The savepoint stands inside a transaction that has begun.
    expect(new Set(own)).toEqual(new Set(["begin immediate", "savepoint drover_joined"]))
  })

  test("a user's deferred transaction that read before others wrote is told so at once", async () => {
    const own = new DatabaseSync(path, { timeout: 0 })
    onTestFinished(() => own.close())
    own.exec("begin")
    own.prepare("select count(*) from drover_jobs").get()
    await store.enqueue([job()])
    const adopted = async (): Promise<unknown> => store.adopt(own).enqueue([job()])
    await expect(adopted()).rejects.toMatchObject({
      code: "DROVER_STORE_BUSY",
      message: expect.stringContaining("begin immediate") as string,
    })
    own.exec("rollback")
    expect(await store.count({}, 10)).toBe(1)
  })

  test("while another program holds the write lock, writes wait, reads go on, and all is told", async () => {
    const other = new DatabaseSync(path, { timeout: 0 })
    onTestFinished(() => other.close())
    const waits: number[] = []
    events.on("store.busy", ({ waitedMs }) => waits.push(waitedMs))
    other.exec("begin immediate")
    const outcome = store.enqueue([job()])
    await clock.advance(5_000)
    expect(await store.count({}, 10)).toBe(0)
    other.exec("rollback")
    await clock.advance(1_000)
    expect((await outcome)[0]?.status).toBe("enqueued")
    expect(waits).toHaveLength(1)
    expect(waits[0]).toBeGreaterThanOrEqual(5_000)
  })

  test("a lock that is never given back ends the wait with an error, and the store goes on after it", async () => {
    const other = new DatabaseSync(path, { timeout: 0 })
    onTestFinished(() => other.close())
    other.exec("begin immediate")
    const ended = store.enqueue([job()]).catch((error: unknown) => error)
    await clock.advance(120_000)
    expect(await ended).toMatchObject({ code: "DROVER_STORE_BUSY" })
    other.exec("rollback")
    expect((await store.enqueue([job()]))[0]?.status).toBe("enqueued")
    expect(await store.count({}, 10)).toBe(1)
  })
})

describe("a long reader", () => {
  test("is found by the doctor while it keeps the log from being emptied, and harms nothing", async () => {
    const reader = new DatabaseSync(path, { readOnly: true })
    onTestFinished(() => reader.close())
    const wal = async (): Promise<unknown> =>
      (await store.doctor()).find(({ check }) => check === "wal")?.status
    await store.enqueue([job()])
    // An abandoned iterator: the connection does not even say that it is in a transaction.
    const rows = reader.prepare("select * from drover_jobs").iterate()
    rows.next()
    for (let batch = 0; batch < 10; batch++)
      await store.enqueue(Array.from({ length: 100 }, largeJob))
    expect(reader.isTransaction).toBe(false)
    expect(await wal()).toBe("warn")
    await runOne()
    rows.return?.()
    // The next commit finds it, a while after the last attempt; a thread of its own copies that much.
    const run = vi.spyOn(StatementSync.prototype, "get")
    await clock.advance(1_000)
    await store.enqueue([job()])
    await vi.waitFor(async () => expect(await wal()).toBe("ok"))
    expect(
      run.mock.contexts.map((statement) => (statement as StatementSync).sourceSQL),
    ).not.toContain("pragma wal_checkpoint(passive)")
  })

  test("is not needed for the log to be kept short", async () => {
    const sizes: number[] = []
    for (let batch = 0; batch < 30; batch++) {
      await store.enqueue(Array.from({ length: 50 }, largeJob))
      await clock.settle()
      sizes.push(statSync(`${path}-wal`).size)
    }
    // 30 batches are 33 MB; the log starts anew after each 4 MB or so.
    expect(Math.max(...sizes)).toBeLessThan(12_000_000)
  })
})

describe("a full disk", () => {
  /** What happens when there is no more room, and when there is again. */
  async function fillsAndRecovers(makeRoom: () => Promise<void> | void): Promise<void> {
    const kept: string[] = []
    let refused: unknown
    for (let round = 0; round < 500 && refused === undefined; round++) {
      const batch = [largeJob(), largeJob()]
      try {
        await store.enqueue(batch)
        kept.push(...batch.map(({ id }) => id))
      } catch (error) {
        refused = error
      }
    }
    expect(refused).toMatchObject({ code: "DROVER_STORE_FULL" })
    const listed = async (): Promise<readonly string[]> =>
      (await store.list({}, everything)).jobs.map(({ id }) => id).toReversed()
    expect(await listed()).toEqual(kept)
    // Whoever comes together with one that finds no room fails or succeeds alone.
    const together = await Promise.allSettled([
      store.enqueue([largeJob(), largeJob(), largeJob(), largeJob()]),
      store.now(),
    ])
    expect(together.map(({ status }) => status)).toEqual(["rejected", "fulfilled"])
    await makeRoom()
    const late = job()
    expect((await store.enqueue([late]))[0]?.status).toBe("enqueued")
    expect(await listed()).toEqual([...kept, late.id])
    await runOne()
    expect(await store.count({ states: ["completed"] }, 10)).toBe(1)
  }

  test("refuses what has no room, keeps what was acknowledged, and goes on when there is room", async () => {
    await store.close()
    const place = { kind: "file", path, durability: "full" } as const
    const database = new SqliteDatabase(path, place, { clock, rng, events })
    store = new SqliteStore(database)
    await store.open({ migrate: true })
    // A limit of the connection that writes.
    const limit = (pages: number): Promise<void> =>
      database.write("limit", ({ db }) => db.exec(`pragma max_page_count = ${pages}`))
    await limit(300)
    await fillsAndRecovers(() => limit(1_000_000))
    await store.close()
    expect(integrityOf(path)).toEqual({ integrity_check: "ok" })
  })

  test("also when the file system itself is full", async (context) => {
    const disk = mkdtempSync(join(tmpdir(), "drover-disk-"))
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], { stdio: "ignore" })
    } catch {
      rmSync(disk, { recursive: true })
      context.skip("a file system of 2 MiB can only be mounted as root")
    }
    onTestFinished(() => {
      execFileSync("umount", [disk])
      rmSync(disk, { recursive: true })
    })
    await store.close()
    store = await open(join(disk, "app.db"))
    await fillsAndRecovers(() => {
      execFileSync("mount", ["-o", "remount,size=32m", disk])
    })
    await store.close()
    expect(integrityOf(join(disk, "app.db"))).toEqual({ integrity_check: "ok" })
  })
})

describe("a log that was cut or damaged by a crash", () => {
  test("loses no more than the last commits: what is left is a beginning of the history, intact", async () => {
    const order: string[] = []
    const lengths = new Set<number>()
    for (let round = 0; round < 40; round++) {
      const batch = Array.from({ length: 1 + randomBelow(rng, 3) }, () => job())
      await store.enqueue(batch)
      order.push(...batch.map(({ id }) => id))
      const copy = join(folder, `copy-${round}.db`)
      copyFileSync(path, copy)
      damage(`${path}-wal`, `${copy}-wal`)
      const opened = await open(copy)
      const { jobs } = await opened.list({}, everything)
      const left = jobs.map(({ id }) => id).toReversed()
      expect(left).toEqual(order.slice(0, left.length))
      lengths.add(order.length - left.length)
      await opened.enqueue([job()])
      await opened.close()
      expect(integrityOf(copy)).toEqual({ integrity_check: "ok" })
    }
    // Some rounds must have hit the log where it matters.
    expect(lengths.size).toBeGreaterThan(3)
  })

  function damage(from: string, to: string): void {
    const bytes = readFileSync(from)
    const at = Math.max(32, bytes.length - 1 - randomBelow(rng, 60_000))
    if (randomBelow(rng, 2) === 0) {
      writeFileSync(to, bytes.subarray(0, at))
      return
    }
    for (let index = at; index < bytes.length; index += 1 + randomBelow(rng, 500)) {
      bytes[index] = randomBelow(rng, 256)
    }
    writeFileSync(to, bytes)
  }
})

describe("a database that is no longer the one that was opened", () => {
  const replaced = { code: "DROVER_STORE_REPLACED" }

  async function otherDatabase(): Promise<string> {
    const file = join(folder, "other.db")
    await (await open(file)).close()
    return file
  }

  test("is not written to after another file took its place", async () => {
    await store.enqueue([job()])
    renameSync(await otherDatabase(), path)
    await expect(store.enqueue([job()])).rejects.toMatchObject(replaced)
  })

  test("is not written to after it was removed", async () => {
    rmSync(path)
    await expect(store.enqueue([job()])).rejects.toMatchObject(replaced)
  })

  test("is not written to after its log was removed", async () => {
    await store.enqueue([job()])
    rmSync(`${path}-wal`)
    await expect(store.enqueue([job()])).rejects.toMatchObject(replaced)
  })

  test("is not written to by a transaction of the user either", async () => {
    rmSync(path)
    const body = store.transaction((tx) => tx.enqueue([job()]), { timeoutMs: 1_000 })
    await expect(body).rejects.toMatchObject(replaced)
  })

  test("is not answered for: within a second every question says so", async () => {
    await store.enqueue([job()])
    renameSync(await otherDatabase(), path)
    await clock.advance(1_000)
    await expect(store.count({}, 10)).rejects.toMatchObject(replaced)
  })

  test("does not make the store think that a log it shares with others was taken away", async () => {
    const second = await open(path)
    await second.enqueue([job()])
    await second.close()
    const visitor = new DatabaseSync(path)
    visitor.exec("pragma wal_checkpoint(truncate)")
    visitor.close()
    expect((await store.enqueue([job()]))[0]?.status).toBe("enqueued")
  })
})

describe("a wall clock", () => {
  const jumps: number[] = []

  beforeEach(async () => {
    jumps.length = 0
    events.on("clock.jumped", ({ byMs }) => jumps.push(byMs))
    await store.enqueue([job({ delayMs: 60_000 })])
    await clock.advance(1_000)
  })

  test("that is set back by an hour is told, and the store's time flows on", async () => {
    const before = await store.now()
    clock.jumpWall(-3_600_000)
    expect(await store.now()).toBe(before)
    expect(jumps).toEqual([-3_600_000])
    await clock.advance(59_000)
    expect(await store.now()).toBe(before + 59_000)
    await runOne()
  })

  test("that is set forward by an hour is told and believed; nobody's silence counts as death", async () => {
    const identity = { workerId: "w", token: 7, leaseMs: 30_000, host: "h", pid: 1, info: "{}" }
    const worker = await store.registerWorker(identity)
    clock.jumpWall(3_600_000)
    await store.now()
    expect(jumps).toEqual([3_600_000])
    const grace = { deadWorkers: [], expiredLeases: false, limit: 10 }
    expect(await (await asLeader(store)).rescue(grace)).toEqual([])
    expect(await store.beat(worker, 30_000)).toBe("held")
    await runOne()
  })
})
