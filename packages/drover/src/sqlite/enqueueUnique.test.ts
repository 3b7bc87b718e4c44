import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { Events } from "../events/index.ts"
import type { NewJob, NewUnique, Store } from "../store/index.ts"
import { ManualClock, SeededRng } from "../time/index.ts"
import { sqlite, sqliteShared } from "./index.ts"

let clock: ManualClock
let db: DatabaseSync
let store: Store
let ids = 0

beforeEach(async () => {
  clock = new ManualClock()
  db = new DatabaseSync(":memory:")
  store = await connect(sqliteShared(db))
})

afterEach(async () => {
  await store.close()
  db.close()
})

async function connect(source: ReturnType<typeof sqlite>): Promise<Store> {
  const opened = source.connect({ clock, rng: new SeededRng("unique"), events: new Events() })
  await opened.open({ migrate: true })
  return opened
}

function job(over: Partial<NewJob> = {}): NewJob {
  const id = `019b0000-0000-7000-8000-${String(++ids).padStart(12, "0")}`
  return {
    ...{ id, kind: "a", queue: "q", priority: 1, input: "{}", delayMs: 0, runAt: null },
    ...{ expireMs: null, maxAttempts: 5, maxCrashes: 3, timeoutMs: null, retry: null, tags: [] },
    ...{ metadata: null, unique: null },
    ...over,
  }
}

function unique(over: Partial<NewUnique> = {}): NewUnique {
  const states = ["scheduled", "available", "retryable"] as const
  const how = { mode: "replace", states, forMs: null, maxWaitMs: null } as const
  return { hash: new Uint8Array(32).fill(1), label: "key", ...how, ...over }
}

describe("an enqueue that was folded into a waiting job, sent again because its reply was lost", () => {
  const modes = [
    unique({ mode: "replace" }),
    unique({ mode: "debounce", maxWaitMs: 60_000 }),
    unique({ mode: "throttle", forMs: 60_000 }),
  ]

  test.each(modes)("changes nothing: $mode", async (key) => {
    await store.enqueue([job({ unique: key, delayMs: 1_000 })])
    await store.enqueue([job({ unique: key, delayMs: 1_000 })])
    const last = job({ unique: key, delayMs: 1_000, input: '"last"' })
    const [first] = await store.enqueue([last])
    expect(first?.status).toBe("replaced")
    const id = first?.id ?? ""
    const [row, trail] = [await store.get(id), await store.trail(id)]
    await clock.advance(500)
    expect(await store.enqueue([last])).toEqual([first])
    expect(await store.get(id)).toEqual(row)
    expect(await store.trail(id)).toEqual(trail)
  })

  test("but a newer one is folded as ever", async () => {
    const key = unique()
    await store.enqueue([job({ unique: key, delayMs: 1_000 })])
    const [older, newer] = ['"older"', '"newer"'].map((input) => job({ unique: key, input }))
    const [outcome] = await store.enqueue([older as NewJob])
    await store.enqueue([newer as NewJob])
    expect((await store.get(outcome?.id ?? ""))?.input).toBe('"newer"')
  })
})

test("a job that takes over a newer enqueue keeps its place among those that wait", async () => {
  const key = unique()
  const [first] = await store.enqueue([job({ unique: key })])
  await clock.advance(1_000)
  await store.enqueue([job()])
  await clock.advance(1_000)
  await store.enqueue([job({ unique: key, input: '"new"' })])
  const identity = { workerId: "w", token: 1, leaseMs: 30_000, host: "h", pid: 1, info: "{}" }
  const worker = await store.registerWorker(identity)
  const claims = [{ queue: "q", kinds: ["a"], limit: 1 }]
  const ask = { worker, settlements: [], claims, token: 2, repeat: false, solo: false }
  const { claimed } = await store.exchange(ask)
  expect(claimed.map(({ jobId, input }) => [jobId, input])).toEqual([[first?.id, '"new"']])
})

describe("the user's own connection", () => {
  let folder: string
  let path: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "drover-adopt-"))
    path = join(folder, "app.db")
  })

  afterEach(() => rmSync(folder, { recursive: true }))

  test("is refused when it leads to another database", async () => {
    const ours = await connect(sqlite(path))
    const otherPath = join(folder, "other.db")
    await (await connect(sqlite(otherPath))).close()
    using other = new DatabaseSync(otherPath)
    using memory = new DatabaseSync(":memory:")
    for (const connection of [other, memory]) {
      connection.exec("begin immediate")
      expect(() => ours.adopt(connection)).toThrow(
        expect.objectContaining({ code: "DROVER_TRANSACTION" }),
      )
      connection.exec("rollback")
    }
    // Whoever tests code that uses Postgres finds out here what the test needs.
    const client = { query: () => Promise.resolve({ rows: [] }) }
    expect(() => ours.adopt(client)).toThrow(/DatabaseSync.*createTestDrover\(\{ store: postgres/)
    expect(() => ours.adopt({})).toThrow(/it takes a DatabaseSync of node:sqlite\.$/)
    await ours.close()
  })

  test("may return big integers and arrays: what the store reads is not touched by it", async () => {
    const ours = await connect(sqlite(path))
    using own = new DatabaseSync(path, { readBigInts: true, returnArrays: true })
    own.exec("begin immediate")
    const batch = [job({ unique: unique() }), job()]
    expect((await ours.adopt(own).enqueue(batch)).map(({ status }) => status)).toEqual([
      "enqueued",
      "enqueued",
    ])
    own.exec("commit")
    expect((await ours.trail(batch[1]?.id ?? "")).map(({ to }) => to)).toEqual(["available"])
    await ours.close()
  })

  test("an enqueue that fails leaves nothing, though the user commits", async () => {
    const ours = await connect(sqlite(path))
    using own = new DatabaseSync(path)
    own.exec("begin immediate")
    const tx = ours.adopt(own)
    const good = job()
    await tx.enqueue([good])
    const bad = job({ maxAttempts: null as never })
    await expect(tx.enqueue([job(), bad])).rejects.toMatchObject({ code: "DROVER_STORE_QUERY" })
    own.exec("commit")
    const page = await ours.list({}, { limit: 10, after: null })
    expect(page.jobs.map(({ id }) => id)).toEqual([good.id])
    await ours.enqueue([job()])
    expect(await ours.count({}, 10)).toBe(2)
    await ours.close()
  })
})
