import { expect, test } from "vitest"
import { ManualClock, systemClock } from "../time/index.ts"
import { doctor } from "./doctor.ts"
import { doctorLimits } from "./doctorLimits.ts"
import type { DoctorLimits } from "./doctorLimits.ts"
import { openTestStore, testJob } from "./fixtures/openTestStore.ts"
import type { TestStore } from "./fixtures/openTestStore.ts"
import { startPostgres } from "./fixtures/postgresServer.ts"
import {
  addressOf,
  connectTest,
  isSuperuser,
  testServerMajor,
  testServerUrl,
} from "./fixtures/testServer.ts"

const major = await testServerMajor()

async function finding(
  { database }: TestStore,
  name: string,
  limits: Partial<DoctorLimits> = {},
): Promise<{ status: string; message: string; value?: number | string }> {
  const found = await doctor(database, { ...doctorLimits, ...limits })
  const check = found.find(({ check }) => check === name)
  if (check === undefined) throw new Error(`there is no check ${name}`)
  return check
}

/** What is found before, and what after something was brought about. */
async function brings(
  world: TestStore,
  name: string,
  cause: () => Promise<unknown>,
  limits: Partial<DoctorLimits> = {},
): Promise<{ status: string; message: string; value?: number | string }> {
  expect(await finding(world, name, limits), `${name} before`).toMatchObject({ status: "ok" })
  await cause()
  return finding(world, name, limits)
}

test("a healthy store has nothing but ok, on a server that loses nothing", async () => {
  await using server = await startPostgres({ fsync: true })
  await using world = await openTestStore({ url: server.url })
  const checks = await world.store.doctor()
  expect(checks.filter(({ status }) => status !== "ok")).toEqual([])
  expect(new Set(checks.map(({ check }) => check)).size).toBe(checks.length)
})

test("a server that may lose what was acknowledged is told of", async () => {
  await using server = await startPostgres({ fsync: false })
  await using world = await openTestStore({ url: server.url })
  expect(await finding(world, "durability")).toMatchObject({ status: "warn" })
})

test("a transaction that stays open is named by its process, and so is what it holds back", async () => {
  await using world = await openTestStore()
  const sleeper = await connectTest()
  const { rows } = await sleeper.query("select pg_backend_pid() as pid")
  const { pid } = rows[0]
  // Other tests share the server, so what is found is this one's at the latest when it is the oldest of all.
  await sleeper.query(
    "begin isolation level repeatable read; select 1; select pg_current_xact_id()",
  )
  for (let i = 0; i < 20; i++) await world.client.query("select pg_current_xact_id()")
  const open = await world.database.read("test", (db) => db.ask("oldest_transactions", [0]))
  expect(open.map(([found]) => found)).toContain(pid)
  const xmins = await world.database.read("test", (db) => db.ask("oldest_xmins", [0]))
  expect(xmins.map(([, name]) => String(name).split(" ")[0])).toContain(String(pid))
  const transaction = await finding(world, "oldest_transaction", { transactionMs: 0 })
  expect(transaction).toMatchObject({ status: "warn" })
  expect(transaction.message).toMatch(/pg_terminate_backend\(\d+\)/)
  expect(await finding(world, "xmin_age", { xids: 0 })).toMatchObject({ status: "warn" })
  await sleeper.end()
})

// Before version 15 a collector of its own counts, and nobody can ask it to be up to date.
test.skipIf(major < 15)("dead rows that nobody clears away are counted", async () => {
  await using world = await openTestStore()
  const { client } = world
  const found = await brings(
    world,
    "dead_rows",
    async () => {
      await client.query("alter table job set (autovacuum_enabled = off)")
      await world.store.enqueue(Array.from({ length: 200 }, () => testJob()))
      await client.query("update job set reason = 'x'")
      await client.query("select pg_stat_force_next_flush()")
      await client.query("select 1")
    },
    { deadRows: 100 },
  )
  expect(found).toMatchObject({ status: "warn", value: 200 })
  expect(found.message).toContain("Table job")
  expect(await finding(world, "autovacuum")).toMatchObject({ status: "fail" })
})

test("an index much larger than its rows is told of", async () => {
  await using world = await openTestStore()
  const { client } = world
  const found = await brings(
    world,
    "index_bloat",
    async () => {
      await world.store.enqueue(Array.from({ length: 5_000 }, () => testJob()))
      await client.query("delete from job where id not in (select id from job limit 10)")
      await client.query("vacuum analyze job")
    },
    { indexPages: 10 },
  )
  expect(found).toMatchObject({ status: "warn" })
})

test("an index whose build was cut short is named", async () => {
  await using world = await openTestStore()
  const found = await brings(world, "invalid_indexes", async () => {
    await world.store.enqueue([testJob(), testJob()])
    const doubled = "create unique index concurrently job_broken on job (priority)"
    await expect(world.client.query(doubled)).rejects.toThrow(/could not create unique index/)
  })
  expect(found.message).toContain("job_broken")
})

test.runIf(await isSuperuser())("a role that may not write is told what it lacks", async () => {
  await using world = await openTestStore()
  const role = `${world.schema}_reader`
  await world.client.query(
    `create role ${role}; grant usage on schema ${world.schema} to ${role};
     grant select on all tables in schema ${world.schema} to ${role}`,
  )
  try {
    await using reader = await openTestStore({
      url: await addressOf(role),
      schema: world.schema,
      admin: await testServerUrl(),
    })
    const found = await finding(reader, "grants")
    expect(found).toMatchObject({ status: "warn" })
    expect(found.message).toMatch(/(insert|update|delete) on table \w+/)
  } finally {
    await world.client.query(`drop owned by ${role} cascade; drop role ${role}`)
  }
})

test("a clock that differs from the server's is told of, with its side", async () => {
  const clock = new ManualClock(systemClock.now())
  await using world = await openTestStore({ clock })
  const found = await brings(
    world,
    "clock_skew",
    async () => clock.jumpWall(-3_600_000),
    // The test takes some of its own time.
    { skewMs: 60_000 },
  )
  expect(found.message).toContain("behind")
})

test("whoever waits for a lock on a table is named, with those before it", async () => {
  await using world = await openTestStore()
  const { client, schema } = world
  const [holder, waiter] = [await connectTest(), await connectTest()]
  const { rows } = await holder.query("select pg_backend_pid() as pid")
  await holder.query(`begin; lock table ${schema}.progress in access exclusive mode`)
  const waiting = waiter
    .query(`insert into ${schema}.progress (job, at, value) values (gen_random_uuid(), 1, '1')`)
    .catch(() => {})
  for (;;) {
    const { rowCount } = await client.query(
      "select 1 from pg_locks where not granted and relation = 'progress'::regclass",
    )
    if (rowCount === 1) break
  }
  const locks = await world.database.read("test", (db) => db.ask("long_lock_waits", [0]))
  expect(locks).toMatchObject([
    [expect.any(Number), "", expect.any(String), "progress", [rows[0].pid], expect.any(Number)],
  ])
  expect(await finding(world, "long_locks", { lockMs: 0 })).toMatchObject({ status: "warn" })
  await holder.query("rollback")
  await waiting
  await Promise.all([holder.end(), waiter.end()])
})

// Before version 17 the queue holds 8 GB and cannot be made smaller.
test.skipIf(major < 17)(
  "a listener that does not read is told of before the queue of notifications is full",
  async () => {
    await using server = await startPostgres({ settings: { max_notify_queue_pages: "64" } })
    await using world = await openTestStore({ url: server.url })
    const sleeper = await connectTest(server.url)
    const found = await brings(world, "notify_queue", async () => {
      await sleeper.query("listen other")
      await sleeper.query("begin")
      await sleeper.query("select 1")
      const payload = "x".repeat(7_000)
      for (let page = 0; page < 30; page++) {
        await world.client.query("select pg_notify('other', $1)", [`${payload}${page}`])
      }
    })
    expect(found).toMatchObject({ status: "warn" })
    await sleeper.end()
  },
)

test("connections that run out are told of", async () => {
  await using server = await startPostgres({ maxConnections: 20 })
  await using world = await openTestStore({ url: server.url })
  const crowd: Awaited<ReturnType<typeof connectTest>>[] = []
  const found = await brings(world, "connections", async () => {
    for (let i = 0; i < 14; i++) crowd.push(await connectTest(server.url))
  })
  expect(found).toMatchObject({ status: "warn" })
  await Promise.all(crowd.map((client) => client.end()))
})

test("jobs that wait, that nobody serves and whose cancel nobody honours are told of", async () => {
  await using world = await openTestStore()
  const { client, store } = world
  await store.enqueue([testJob({ kind: "lonely" })])
  expect(await finding(world, "unserved_kinds")).toMatchObject({ status: "warn", value: 1 })
  await client.query("update job set run_at = run_at - 3600000")
  expect((await finding(world, "oldest_waiting")).message).toContain("lonely in queue default")
  const worker = await store.registerWorker({
    workerId: "w",
    token: 1,
    leaseMs: 30_000,
    host: "h",
    pid: 1,
    info: "{}",
  })
  expect(await finding(world, "unserved_kinds")).toMatchObject({ status: "ok" })
  const claims = [{ queue: "default", kinds: ["lonely"], limit: 1 }]
  const request = { worker, settlements: [], claims, token: 5, repeat: false, solo: false }
  const { claimed } = await store.exchange(request)
  await store.act(
    "cancel",
    { ids: [claimed[0]?.jobId ?? ""] },
    { actor: "a", reason: "r", limit: 1 },
  )
  await client.query("update job set cancel_at = cancel_at - 120000")
  expect((await finding(world, "ignored_cancels")).message).toContain("(lonely)")
  await client.query("update worker set lease_until = lease_until - 120000")
  expect(await finding(world, "stuck_leases")).toMatchObject({ status: "warn", value: 1 })
})
