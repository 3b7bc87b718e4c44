import { expect, test } from "vitest"
import { openTestStore, testJob } from "./fixtures/openTestStore.ts"
import { testServerUrl } from "./fixtures/testServer.ts"
import { TransactionPooler } from "./fixtures/transactionPooler.ts"

test("behind a pooler that swaps connections everything works, found by polling, and doctor says so", async () => {
  const admin = await testServerUrl()
  await using pooler = await TransactionPooler.before(admin, 6)
  await using world = await openTestStore({ url: pooler.url, admin })
  const { store, events, database } = world
  const deaf = events.next("store.deaf")
  const hint = Promise.withResolvers<void>()
  const stop = store.watch(() => hint.resolve())
  expect((await deaf).reason).toContain("pooler")
  await hint.promise
  stop()
  const jobs = Array.from({ length: 30 }, () => testJob())
  for (const job of jobs) await store.enqueue([job])
  await Promise.all(jobs.map(({ id }) => store.edit(id, { priority: 2 }, "ann")))
  expect(await store.count({}, 100)).toBe(30)
  const worker = await store.registerWorker({
    workerId: "w",
    token: 7,
    leaseMs: 30_000,
    host: "h",
    pid: 1,
    info: "{}",
  })
  expect(await store.beat(worker, 30_000)).toBe("held")
  expect(database.connections("test").isPooled).toBe(true)
  const stopAgain = store.watch(() => {})
  await events.next("store.deaf")
  const check = (await store.doctor()).find(({ check }) => check === "pooler")
  expect(check).toMatchObject({ status: "warn", value: "polling" })
  stopAgain()
})

test("nothing of a session is set where a pooler would hand it to strangers", async () => {
  const admin = await testServerUrl()
  await using pooler = await TransactionPooler.before(admin, 1)
  await using world = await openTestStore({ url: pooler.url, admin })
  await world.store.enqueue([testJob()])
  const [row] = await world.database.read("test", (db) =>
    db.text("select current_setting('statement_timeout'), current_setting('jit')"),
  )
  expect(row).toEqual(["0", "on"])
  const [inside] = await world.database.write("test", (db) =>
    db.text("select current_setting('statement_timeout')"),
  )
  expect(inside).toEqual(["10s"])
})

test("statements that a pooler loses are sent again, and no longer prepared", async () => {
  const admin = await testServerUrl()
  await using pooler = await TransactionPooler.before(admin, 2)
  await using world = await openTestStore({ url: pooler.url, admin })
  const found = world.events.next("store.pooler_found")
  for (let i = 0; i < 6; i++) await world.store.now()
  expect((await found).reason).toContain("prepared statement")
  expect(await world.store.now()).toBeGreaterThan(0)
})

test("a process hears of another's change over a connection to the server itself", async () => {
  await using first = await openTestStore()
  await using second = await openTestStore({ schema: first.schema })
  let hints = 0
  const stop = first.store.watch(() => hints++)
  // The first one may not listen yet, and hints are no promises: the other one changes something again.
  for (let changes = 0; hints === 0 && changes < 1_000; changes++) {
    await second.store.setQueue("default", { paused: changes % 2 === 0 }, "ann")
    await first.store.now()
  }
  expect(hints).toBeGreaterThan(0)
  stop()
})

test("a lost connection of the listener is made anew, and what was missed is looked for", async () => {
  await using world = await openTestStore()
  const { events, store, client } = world
  let hints = 0
  const stop = store.watch(() => hints++)
  const pids = async (): Promise<number[]> => {
    const { rows } = await client.query(
      "select pid from pg_stat_activity where application_name = $1 and query like 'listen%' or (application_name = $1 and query like '%pg_notify%')",
      [`drover:signal:${process.pid}`],
    )
    return rows.map(({ pid }: { pid: number }) => pid)
  }
  while ((await pids()).length === 0) await store.now()
  await store.now()
  const deaf = events.next("store.deaf")
  const listening = events.next("store.listening")
  const killing = (async () => {
    for (const pid of await pids()) await client.query("select pg_terminate_backend($1)", [pid])
  })()
  await killing
  await deaf
  await listening
  expect(hints).toBeGreaterThan(0)
  stop()
})

test("a listener that is lost before it heard its first notification is not taken for a pooler", async () => {
  await using world = await openTestStore({ max: 1 })
  const { database, events, store, client } = world
  // The notification that tries the listening connection needs another one, and that is in use.
  const release = Promise.withResolvers<void>()
  const held = Promise.withResolvers<void>()
  const holding = database.hold("test", async () => {
    held.resolve()
    await release.promise
  })
  await held.promise
  const deaf = events.next("store.deaf")
  const listening = events.next("store.listening")
  const stop = store.watch(() => undefined)
  const kill = `select pg_terminate_backend(pid) from pg_stat_activity
    where application_name = $1 and query like 'listen%' and state = 'idle'`
  while ((await client.query(kill, [`drover:signal:${process.pid}`])).rowCount === 0);
  release.resolve()
  await holding
  expect((await deaf).reason).not.toContain("pooler")
  await listening
  stop()
})
