import { spawn } from "node:child_process"
import { once } from "node:events"
import { expect, test } from "vitest"
import { Events } from "../events/index.ts"
import { SeededRng, systemClock } from "../time/index.ts"
import { openTestStore, testJob } from "./fixtures/openTestStore.ts"
import type { TestStore } from "./fixtures/openTestStore.ts"
import { connectTest, testServerUrl } from "./fixtures/testServer.ts"
import { postgres } from "./index.ts"
import { knownMigrations, migrate, refuseUnfit } from "./migrate.ts"
import type { Migrating, Migration } from "./migrate.ts"

/** The migrations of this version and what a later one would add. */
function later(...sqls: readonly (string | Omit<Migration, "number">)[]): readonly Migration[] {
  return [
    ...knownMigrations,
    ...sqls.map((given, index) => {
      const number = knownMigrations.length + 1 + index
      return typeof given === "string"
        ? { number, name: `later_${index + 1}`, sql: given }
        : { ...given, number }
    }),
  ]
}

/** A migrator of another version, on connections of this store. */
function migrating({ database, schema }: TestStore, migrations: readonly Migration[]): Migrating {
  return {
    label: "test",
    schema,
    clock: systemClock,
    rng: new SeededRng("migrator"),
    migrations,
    use: (deadlineMs, body) => database.connections("test").use("work", deadlineMs, body),
  }
}

test("many that migrate a fresh schema at once leave each migration applied once", async () => {
  await using world = await openTestStore()
  await world.client.query(`drop schema ${world.schema} cascade`)
  const { store } = world
  // Also on a store that is not open, several at once.
  const source = postgres({ url: await testServerUrl(), schema: world.schema })
  const rng = new SeededRng("second")
  const unopened = source.connect({ clock: systemClock, rng, events: new Events() })
  const replies = await Promise.all(
    [store, unopened, store, unopened].map((one) => one.migrate({ dryRun: false })),
  )
  await unopened.close()
  for (const reply of replies) {
    for (const { appliedAt } of reply) expect(appliedAt).not.toBeNull()
  }
  const { rows } = await world.client.query(
    `select number from ${world.schema}.migration order by 1`,
  )
  expect(rows.map(({ number }) => number)).toEqual(knownMigrations.map(({ number }) => number))
})

test("a dry run says what is pending and touches nothing", async () => {
  await using world = await openTestStore()
  await world.client.query(`drop schema ${world.schema} cascade`)
  const pending = await world.store.migrate({ dryRun: true })
  expect(pending.map(({ name }) => name)).toEqual(knownMigrations.map(({ name }) => name))
  const { rowCount } = await world.client.query(
    "select 1 from information_schema.schemata where schema_name = $1",
    [world.schema],
  )
  expect(rowCount).toBe(0)
})

test("a migration that fails leaves nothing of itself, and those before it stay", async () => {
  await using world = await openTestStore()
  const bad = later(
    "create table {schema}.good (a int)",
    "create table {schema}.bad (a int); select nonsense",
  )
  const failing = migrate(migrating(world, bad), { dryRun: false })
  await expect(failing).rejects.toThrow(/nonsense/)
  const { rows } = await world.client.query(
    "select table_name from information_schema.tables where table_schema = $1 and table_name in ('good', 'bad')",
    [world.schema],
  )
  expect(rows).toEqual([{ table_name: "good" }])
})

test("a worker goes on with a newer schema, unless that schema says that it cannot", async () => {
  await using world = await openTestStore()
  const newer = later("alter table {schema}.queue add column later int")
  await migrate(migrating(world, newer), { dryRun: false })
  await using older = await openTestStore({ schema: world.schema })
  await older.store.enqueue([testJob()])
  expect(await older.store.count({}, 10)).toBe(1)
  const minWorker = knownMigrations.length + 2
  const contracting = later("select 1", { name: "contract", sql: "select 1", minWorker })
  await migrate(migrating(world, contracting), { dryRun: false })
  const open = openTestStore({ schema: world.schema })
  await expect(open).rejects.toMatchObject({
    code: "DROVER_STORE_MIGRATION",
    message: expect.stringContaining("Install the newer Drover here"),
  })
  await world.database.read("test", (connection) => refuseUnfit(connection, "test", contracting))
})

test("a schema with pending migrations is refused by who may not migrate", async () => {
  await using world = await openTestStore()
  const check = world.database.read("test", (connection) =>
    refuseUnfit(connection, "test", later("select 1")),
  )
  await expect(check).rejects.toMatchObject({ code: "DROVER_STORE_MIGRATION" })
})

test("indexes are built beside the work that goes on, and a half-built one is replaced", async () => {
  await using world = await openTestStore()
  const { client, schema } = world
  await world.store.enqueue([testJob(), testJob()])
  // What a migrator that was killed while it built leaves behind.
  const cut = `create unique index concurrently later_priority on ${schema}.job (priority)`
  await expect(client.query(cut)).rejects.toThrow(/could not create unique index/)
  const sql =
    "create index concurrently if not exists later_priority on {schema}.job (priority);\ncreate index concurrently if not exists later_reason on {schema}.job (reason)"
  await migrate(migrating(world, later(sql)), { dryRun: false })
  const { rows } = await client.query(
    "select indexrelid::regclass::text as name, indisvalid from pg_index where indexrelid::regclass::text like '%later_%' order by 1",
  )
  expect(rows).toEqual([
    { name: "later_priority", indisvalid: true },
    { name: "later_reason", indisvalid: true },
  ])
})

test("what lies compressed since before arrays were kept as they are is read as ever", async () => {
  await using world = await openTestStore()
  const { client, schema, store } = world
  await client.query(`drop schema ${schema} cascade`)
  const before = knownMigrations.filter(({ number }) => number < 6)
  await migrate(migrating(world, before), { dryRun: false })
  const facts = { workerId: "w", token: 7, leaseMs: 3_600_000, host: "h", pid: 1, info: "{}" }
  const worker = await store.registerWorker(facts)
  const size = 1_000
  const ids = (await store.enqueue(Array.from({ length: size }, () => testJob()))).map(
    ({ id }) => id,
  )
  const ask = { worker, repeat: false, solo: false }
  const claims = [{ queue: "default", kinds: ["mail"], limit: size }]
  const { claimed } = await store.exchange({ ...ask, settlements: [], claims, token: 1 })
  const settle = async (attempts: typeof claimed, token: number): Promise<void> => {
    const settlement = { to: "completed", result: null } as const
    const settlements = attempts.map((attempt) => ({ attempt, settlement }))
    const { settled } = await store.exchange({ ...ask, settlements, claims: [], token })
    expect(settled).toEqual(attempts.map(() => "settled"))
  }
  await settle(claimed.slice(0, size / 2), 2)
  const { rows } = await client.query(`
    select pg_column_compression(jobs) as compression from ${schema}.trail
    union all
    select pg_column_compression(jobs) from ${schema}.claim`)
  expect(rows).toHaveLength(4)
  for (const { compression } of rows as { compression: unknown }[]) {
    expect(compression).not.toBeNull()
  }

  expect((await store.migrate({ dryRun: false })).map(({ number }) => number)).toContain(6)

  await using after = await openTestStore({ schema })
  const states = ["running"] as const
  const running = await after.store.list({ states }, { limit: size, after: null })
  const rest = claimed.slice(size / 2)
  expect(running.jobs.map(({ id }) => id).toSorted()).toEqual(
    rest.map(({ jobId }) => jobId).toSorted(),
  )
  const again = await after.store.exchange({
    ...ask,
    settlements: [],
    claims,
    token: 1,
    repeat: true,
  })
  expect(again.claimed.map(({ jobId }) => jobId).toSorted()).toEqual(
    rest.map(({ jobId }) => jobId).toSorted(),
  )
  await settle(rest, 3)
  for (const id of [ids[0]!, ids.at(-1)!]) {
    const trail = await after.store.trail(id)
    expect(trail.map(({ to }) => to)).toEqual(["available", "running", "completed"])
  }
})

test("a table that others hold is waited for in short tries, and nobody queues behind the migration for long", async () => {
  await using world = await openTestStore()
  const holder = await connectTest()
  await holder.query(`begin; lock table ${world.schema}.queue in share mode`)
  const migrated = migrate(
    migrating(world, later("alter table {schema}.queue add column later int")),
    { dryRun: false },
  )
  const waiting = "select 1 from pg_locks where not granted and relation = 'queue'::regclass"
  while ((await world.client.query(waiting)).rowCount === 0) await systemClock.sleep(20)
  // It gives way after its lock_timeout, and comes again.
  while ((await world.client.query(waiting)).rowCount !== 0) await systemClock.sleep(20)
  await holder.query("rollback")
  expect(await migrated).toHaveLength(1)
  await holder.end()
})

test("a migrator that is killed at any moment is gone on with by the next", async () => {
  await using world = await openTestStore()
  const { client, schema } = world
  const url = await testServerUrl()
  const program = `
    import { postgres } from ${JSON.stringify(new URL("index.ts", import.meta.url).href)}
    import { Events } from ${JSON.stringify(new URL("../events/index.ts", import.meta.url).href)}
    import { systemClock, systemRng } from ${JSON.stringify(new URL("../time/index.ts", import.meta.url).href)}
    const source = postgres({ url: ${JSON.stringify(url)}, schema: ${JSON.stringify(schema)} })
    const store = source.connect({ clock: systemClock, rng: systemRng, events: new Events() })
    console.log("begin")
    await store.migrate({ dryRun: false })
    await store.close()
  `
  for (const afterMs of [0, 10, 25, 50, 100]) {
    await client.query(`drop schema if exists ${schema} cascade`)
    const child = spawn(
      process.execPath,
      ["--conditions=@drover/source", "--input-type=module", "-e", program],
      { stdio: ["ignore", "pipe", "inherit"] },
    )
    // Heard from now on: on a slow day it is done before it is killed.
    const ended = once(child, "exit")
    await once(child.stdout, "data")
    await systemClock.sleep(afterMs)
    child.kill("SIGKILL")
    await ended
    const applied = await world.store.migrate({ dryRun: false })
    for (const { appliedAt } of applied) expect(appliedAt).not.toBeNull()
    expect(await world.store.migrate({ dryRun: false })).toEqual([])
  }
})
