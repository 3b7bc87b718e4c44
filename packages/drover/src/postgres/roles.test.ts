import { readFileSync } from "node:fs"
import { afterAll, beforeAll, expect, test } from "vitest"
import { openTestStore, testJob } from "./fixtures/openTestStore.ts"
import type { TestStore } from "./fixtures/openTestStore.ts"
import { addressOf, isSuperuser, testServerUrl } from "./fixtures/testServer.ts"

const guide = new URL("../../../../docs/guides/postgres.md", import.meta.url)
const roles = ["drover_migrator", "drover_worker", "drover_reader"] as const

// What the guide has a superuser do, nobody else can.
const isOurs = await isSuperuser()

let world: TestStore
/** The names of the guide, made this test's own: roles are of the whole server. */
const own = new Map<string, string>()

function ownNames(sql: string): string {
  let text = sql
    .replaceAll(/\bdrover\./g, `${world.schema}.`)
    .replaceAll(/schema drover\b/g, `schema ${world.schema}`)
  for (const [name, mine] of own) text = text.replaceAll(name, mine)
  return text
}

/** The grants as the guide prints them. */
function grantsOfGuide(): string {
  const blocks = [...readFileSync(guide, "utf8").matchAll(/```sql\n([\s\S]*?)```/g)]
  const found = blocks.map(([, sql]) => sql ?? "").find((sql) => sql.includes("create role"))
  if (found === undefined) throw new Error("the guide has no block that creates roles")
  return found
}

async function as(role: (typeof roles)[number]): Promise<TestStore> {
  const url = await addressOf(own.get(role) ?? role)
  return openTestStore({ url, admin: await testServerUrl(), schema: world.schema })
}

beforeAll(async () => {
  world = await openTestStore()
  for (const role of roles) own.set(role, `${role}_${world.schema}`)
  await world.client.query(`drop schema ${world.schema} cascade`)
  await world.client.query(ownNames(grantsOfGuide()))
  const migrator = await as("drover_migrator")
  await migrator.store.close()
  await migrator.client.end()
})

afterAll(async () => {
  for (const role of own.values()) {
    await world.client.query(`drop owned by ${role} cascade; drop role ${role}`)
  }
  await world[Symbol.asyncDispose]()
})

test.runIf(isOurs)(
  "a worker's role does all that a worker does, and changes no table",
  async () => {
    const { store, database, client } = await as("drover_worker")
    const jobs = Array.from({ length: 3 }, () => testJob())
    await store.enqueue(jobs)
    const who = { workerId: "w", token: 7, leaseMs: 30_000, host: "h", pid: 1, info: "{}" }
    const worker = await store.registerWorker(who)
    expect(await store.beat(worker, 30_000)).toBe("held")
    const claims = [{ queue: "default", kinds: ["mail"], limit: 3 }]
    const request = { worker, settlements: [], claims, token: 5, repeat: false, solo: false }
    const { claimed } = await store.exchange(request)
    expect(claimed).toHaveLength(3)
    const [first, second, third] = claimed
    if (first === undefined || second === undefined || third === undefined) throw new Error("none")
    await store.progress(first, "1")
    await store.appendLog(
      first,
      [{ attempt: 1, at: 1, level: "info", message: "m", fields: null }],
      0,
    )
    const settlements = [
      { attempt: first, settlement: { to: "completed", result: "1" } as const },
      { attempt: second, settlement: { to: "snoozed", delayMs: 5, reason: null } as const },
    ]
    await store.exchange({ ...request, claims: [], settlements, token: 6 })
    await store.edit(second.jobId, { priority: 2 }, "ann")
    await store.setQueue("default", { paused: true, agingMs: 1_000 }, "ann")
    const act = { actor: "a", reason: "r", limit: 10 }
    await store.act("cancel", { ids: [second.jobId] }, act)
    await store.act("retry", { ids: [second.jobId] }, act)
    await store.act("delete", { ids: [second.jobId] }, act)
    const bid = await store.bid({
      candidate: { id: "c", host: "h", pid: 1, info: "{}" },
      token: 3,
      ttlMs: 10_000,
    })
    expect(bid.won).toBe(true)
    const term = { term: bid.won ? bid.term : 0, token: 3 }
    const retention = { completedMs: 0, discardedMs: 0, cancelledMs: 0, bytes: 0 }
    expect(await store.prune({ term, retention, limit: 10 })).toMatchObject({ jobs: 1 })
    await store.expire({ term, limit: 10 })
    await store.retireWorker(worker)
    expect((await store.doctor()).find(({ check }) => check === "grants")).toMatchObject({
      status: "ok",
    })
    const ddl = database.write("test", (db) => db.text("create table {schema}.mine (a int)"))
    await expect(ddl).rejects.toMatchObject({ code: "DROVER_STORE_DENIED" })
    const alter = database.write("test", (db) =>
      db.text("alter table {schema}.job add column mine int"),
    )
    await expect(alter).rejects.toMatchObject({ code: "DROVER_STORE_DENIED" })
    await store.close()
    await client.end()
  },
)

test.runIf(isOurs)("a reader's role sees everything and writes nothing", async () => {
  await world.store.enqueue([testJob()])
  const { store, client } = await as("drover_reader")
  expect(await store.count({}, 10)).toBeGreaterThan(0)
  await store.list({}, { limit: 10, after: null })
  await store.queueCounts(10)
  await store.workers()
  await store.trailAfter(0, 10)
  await expect(store.enqueue([testJob()])).rejects.toMatchObject({ code: "DROVER_STORE_DENIED" })
  const pause = store.setQueue("default", { paused: true }, "ann")
  await expect(pause).rejects.toMatchObject({ code: "DROVER_STORE_DENIED" })
  await store.close()
  await client.end()
})

test.runIf(isOurs)(
  "a migrator's role makes the schema, and what it makes later is granted too",
  async () => {
    const { store, client, database } = await as("drover_migrator")
    await database.write("test", (db) => db.text("create table {schema}.later (a int)"))
    expect(await store.migrate({ dryRun: true })).toEqual([])
    await store.close()
    await client.end()
    const worker = await as("drover_worker")
    await worker.database.write("test", (db) => db.text("insert into {schema}.later values (1)"))
    await worker.store.close()
    await worker.client.end()
  },
)
