import pg from "pg"
import { expect, test } from "vitest"
import { isDroverError } from "../errors/index.ts"
import { systemClock, systemRng } from "../time/index.ts"
import { openTestStore, testJob } from "./fixtures/openTestStore.ts"
import type { TestStore } from "./fixtures/openTestStore.ts"
import { startPostgres } from "./fixtures/postgresServer.ts"
import { TcpProxy } from "./fixtures/tcpProxy.ts"
import { connectTest, testServerUrl } from "./fixtures/testServer.ts"
import { postgres } from "./index.ts"

const leaseMs = 30_000

async function registered({ store }: TestStore): ReturnType<TestStore["store"]["registerWorker"]> {
  const who = { workerId: "w", token: 7, leaseMs, host: "h", pid: 1, info: "{}" }
  return store.registerWorker(who)
}

/** What a call rejected with, as a code; a reply is "done". */
async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call
    return "done"
  } catch (error) {
    return isDroverError(error) ? error.code : `not ours: ${String(error)}`
  }
}

test("an enqueue whose reply is lost is sent again, and makes one job", async () => {
  const admin = await testServerUrl()
  await using proxy = await TcpProxy.before(admin)
  await using world = await openTestStore({ url: proxy.url, admin })
  for (let i = 0; i < 10; i++) {
    proxy.mode = { kind: "cut after", bytes: "drover_add_jobs" }
    const [outcome] = await world.store.enqueue([testJob()])
    expect(outcome?.id).toBeDefined()
  }
  expect(proxy.cuts).toBe(10)
  expect(await world.store.count({}, 100)).toBe(10)
})

test("a write whose commit was answered into the void is repeated where that is safe, and else told as unknown", async () => {
  const admin = await testServerUrl()
  await using proxy = await TcpProxy.before(admin)
  await using world = await openTestStore({ url: proxy.url, admin })
  const { database } = world
  await database.write("test", (db) =>
    db.text("create table {schema}.effect (n serial, repeated boolean)"),
  )
  const insert = (repeatable: boolean): Promise<unknown> =>
    database.write(
      "test",
      async (db, { repeated }) => {
        await db.text("insert into {schema}.effect (repeated) values ($1)", [repeated])
        proxy.mode = repeated ? { kind: "pass" } : { kind: "cut after", bytes: "commit" }
      },
      { repeatable },
    )
  expect(await codeOf(insert(false))).toBe("DROVER_STORE_UNREACHABLE")
  await insert(true)
  const rows = await database.read("test", (db) =>
    db.text("select repeated from {schema}.effect order by n"),
  )
  // The first was committed although it failed; the second twice, knowing that it may.
  expect(rows).toEqual([[false], [false], [true]])
})

test("a settle whose reply is lost is known as repeated", async () => {
  const admin = await testServerUrl()
  await using proxy = await TcpProxy.before(admin)
  await using world = await openTestStore({ url: proxy.url, admin })
  const { store } = world
  const worker = await registered(world)
  const claims = [{ queue: "default", kinds: ["mail"], limit: 1 }]
  for (let token = 1; token <= 5; token++) {
    const job = testJob()
    await store.enqueue([job])
    const request = { worker, settlements: [], claims, token, repeat: false, solo: false }
    const { claimed } = await store.exchange(request)
    const [attempt] = claimed
    if (attempt === undefined) throw new Error("nothing was claimed")
    const settlements = [{ attempt, settlement: { to: "completed", result: "1" } as const }]
    const settle = { ...request, claims: [], settlements, token: token + 100 }
    proxy.mode = { kind: "cut after", bytes: "drover_exchange" }
    const first = await codeOf(store.exchange(settle))
    if (first !== "done") {
      const again = await store.exchange({ ...settle, repeat: true })
      expect(again.settled).toEqual(["repeated"])
    }
    const trail = await store.trail(job.id)
    expect(trail.filter(({ to }) => to === "completed")).toHaveLength(1)
  }
  expect(proxy.cuts).toBe(5)
})

test("a network that was cut without a word costs a deadline, and the connection", async () => {
  const admin = await testServerUrl()
  await using proxy = await TcpProxy.before(admin)
  await using world = await openTestStore({ url: proxy.url, admin })
  const worker = await registered(world)
  proxy.mode = { kind: "blackhole" }
  // A third of this lease: half a second.
  expect(await codeOf(world.store.beat(worker, 1_500))).toBe("DROVER_STORE_TIMEOUT")
  const read = world.database.read("test", (db) => db.text("select 1"), { deadlineMs: 300 })
  expect(await codeOf(read)).toBe("DROVER_STORE_TIMEOUT")
  proxy.mode = { kind: "pass" }
  // On the old connections these would wait for ever.
  expect(await world.store.beat(worker, leaseMs)).toBe("held")
  expect(await world.store.now()).toBeGreaterThan(0)
})

test("a store whose network was cut without a word closes all the same", async () => {
  const admin = await testServerUrl()
  await using proxy = await TcpProxy.before(admin)
  await using world = await openTestStore({ url: proxy.url, admin })
  await registered(world)
  await world.store.enqueue([testJob()])
  proxy.mode = { kind: "blackhole" }
  await expect(world.store.close()).resolves.toBeUndefined()
})

test("a slow server is no dead one: what is answered within its deadline counts", async () => {
  const admin = await testServerUrl()
  await using proxy = await TcpProxy.before(admin)
  await using world = await openTestStore({ url: proxy.url, admin })
  const worker = await registered(world)
  proxy.mode = { kind: "delay", ms: 200 }
  expect(await world.store.beat(worker, leaseMs)).toBe("held")
  await world.store.enqueue([testJob()])
  expect(await world.store.count({}, 10)).toBe(1)
})

test("backends that are killed at random cost no process, no acknowledged job and no code of another's", async () => {
  await using world = await openTestStore()
  const { store, client } = world
  const worker = await registered(world)
  const acknowledged: string[] = []
  const codes = new Set<string>()
  let isOver = false
  const producing = Promise.all(
    [1, 2, 3, 4].map(async () => {
      for (let i = 0; i < 40; i++) {
        const job = testJob()
        const code = await codeOf(store.enqueue([job]))
        if (code === "done") acknowledged.push(job.id)
        codes.add(code)
        codes.add(await codeOf(store.beat(worker, leaseMs)))
        codes.add(await codeOf(store.list({}, { limit: 5, after: null })))
        codes.add(await codeOf(store.edit(job.id, { priority: 3 }, "ann")))
        codes.add(
          await codeOf(
            store.act("retry", { ids: [job.id] }, { actor: "a", reason: "r", limit: 1 }),
          ),
        )
      }
      isOver = true
    }),
  )
  let kills = 0
  while (!isOver) {
    const { rows } = await client.query<{ pid: number }>(
      "select pid from pg_stat_activity where application_name like $1 order by random() limit 1",
      [`drover:%:${process.pid}`],
    )
    for (const { pid } of rows) await client.query("select pg_terminate_backend($1)", [pid])
    kills += rows.length
    await systemClock.sleep(20)
  }
  await producing
  expect(kills).toBeGreaterThan(5)
  expect([...codes].filter((code) => !/^done$|^DROVER_STORE_UNREACHABLE$/.test(code))).toEqual([])
  const found = await store.count({ ids: acknowledged }, 1_000)
  expect(found).toBe(acknowledged.length)
})

test("a server that crashes and comes back has all that it acknowledged, and the store goes on by itself", async () => {
  await using server = await startPostgres()
  await using world = await openTestStore({ url: server.url })
  const { store, events } = world
  const failed = events.next("store.failed")
  const recovered = events.next("store.recovered")
  const acknowledged: string[] = []
  let isOver = false
  const producing = (async () => {
    while (!isOver) {
      const job = testJob()
      if ((await codeOf(store.enqueue([job]))) === "done") acknowledged.push(job.id)
    }
  })()
  while (acknowledged.length < 50) await systemClock.sleep(5)
  await server.stop("immediate")
  // One that does not wait for the server to come back.
  const read = world.database.read("test", (db) => db.text("select 1"), { deadlineMs: 200 })
  expect(await codeOf(read)).toBe("DROVER_STORE_UNREACHABLE")
  await failed
  const before = acknowledged.length
  await server.start()
  await recovered
  while (acknowledged.length < before + 50) await systemClock.sleep(5)
  isOver = true
  await producing
  expect(await store.count({ ids: acknowledged }, 10_000)).toBe(acknowledged.length)
})

test("a server that answers and takes no writes has not recovered before it takes one", async () => {
  await using world = await openTestStore()
  const { store, client, events } = world
  await client.query(`create function no_room() returns trigger language plpgsql as
    'begin raise exception using errcode = ''53100'', message = ''no room''; end'`)
  await client.query(
    "create trigger no_room before insert on trail for each statement execute function no_room()",
  )
  const told: string[] = []
  events.on("store.failed", ({ code }) => told.push(code))
  events.on("store.recovered", () => told.push("recovered"))
  for (let call = 0; call < 3; call++) {
    expect(await codeOf(store.enqueue([testJob()]))).toBe("DROVER_STORE_FULL")
    await store.list({}, { limit: 5, after: null })
    await store.now()
    await store.workers()
  }
  expect(told).toEqual(["DROVER_STORE_FULL"])
  await client.query("drop trigger no_room on trail")
  await store.enqueue([testJob()])
  expect(told).toEqual(["DROVER_STORE_FULL", "recovered"])
})

test("a connection that leads to a server which takes no writes any more is not used again", async () => {
  await using server = await startPostgres()
  await using world = await openTestStore({ url: server.url })
  const { events, schema, client } = world
  const worker = await registered(world)
  // As after a failover, when a name leads to the new standby for a while: sessions of then stay as they are.
  await client.query("alter database postgres set default_transaction_read_only = on")
  const store = postgres({ url: server.url, schema }).connect({
    ...{ clock: systemClock, rng: systemRng, events },
  })
  await store.open({ migrate: false })
  const enqueue = (): Promise<string> => codeOf(store.enqueue([testJob()]))
  const beat = (): Promise<string> => codeOf(store.beat(worker, leaseMs))
  expect([await enqueue(), await beat()]).toEqual([
    "DROVER_STORE_READONLY",
    "DROVER_STORE_READONLY",
  ])
  await client.query("alter database postgres reset default_transaction_read_only")
  expect([await enqueue(), await beat()]).toEqual(["done", "done"])
  await store.close()
})

test("a store that is opened while its server restarts, or loses its connection, is open soon after", async () => {
  await using server = await startPostgres()
  await using proxy = await TcpProxy.before(server.url)
  await using world = await openTestStore({ url: server.url })
  const open = async (url: string, migrate: boolean): Promise<string> => {
    const { events, schema } = world
    const store = postgres({ url, schema }).connect({ clock: systemClock, rng: systemRng, events })
    const code = await codeOf(store.open({ migrate }))
    await store.close()
    return code
  }
  for (const bytes of ["server_version_num", "min_worker"]) {
    proxy.mode = { kind: "cut after", bytes }
    expect(await open(proxy.url, false), bytes).toBe("done")
  }
  expect(proxy.cuts).toBe(2)
  await server.stop("fast")
  const openings = [open(server.url, false), open(server.url, true)]
  await server.start()
  expect(await Promise.all(openings)).toEqual(["done", "done"])
})

test("an application that takes every connection of its pool cannot stop the lease", async () => {
  const pool = new pg.Pool({ connectionString: await testServerUrl(), max: 4 })
  {
    await using world = await openTestStore({ pool })
    const worker = await registered(world)
    const taken = [await pool.connect(), await pool.connect(), await pool.connect()]
    expect(await world.store.beat(worker, leaseMs)).toBe("held")
    const work = world.store.enqueue([testJob()])
    for (const client of taken) client.release()
    expect(await codeOf(work)).toBe("done")
  }
  // The pool is the application's: it is left open, and as it was.
  expect((await pool.query("show statement_timeout")).rows).toEqual([{ statement_timeout: "0" }])
  await pool.end()
})

test("a server that ends idle sessions ends none of ours: what listens would be deaf each time", async () => {
  const admin = await testServerUrl()
  const url = new URL(admin)
  url.searchParams.set("options", "-c idle_session_timeout=600000")
  const shown = async (world: TestStore): Promise<unknown> => {
    const roles = ["work", "control", "signal"] as const
    const ask = (role: (typeof roles)[number]): Promise<unknown> =>
      world.database.plain("test", (db) => db.text("show idle_session_timeout"), { role })
    return Promise.all(roles.map(ask))
  }
  await using world = await openTestStore({ url: url.href, admin })
  expect(await shown(world)).toEqual([[["0"]], [["0"]], [["0"]]])
  const pool = new pg.Pool({ connectionString: url.href })
  {
    await using shared = await openTestStore({ pool, admin })
    // What it lends for a while stays as it is.
    expect(await shown(shared)).toEqual([[["10min"]], [["0"]], [["0"]]])
  }
  await pool.end()
})

test("a server without room for another connection is waited for", async () => {
  await using server = await startPostgres({ maxConnections: 12 })
  await using proxy = await TcpProxy.before(server.url)
  await using world = await openTestStore({ url: proxy.url, admin: server.url })
  const crowd: pg.Client[] = []
  for (;;) {
    const client = await connectTest(server.url).catch(() => undefined)
    if (client === undefined) break
    crowd.push(client)
  }
  // More at once than there are connections: some must wait for a place.
  const refused = proxy.answered("53300")
  const busy = [1, 2, 3, 4].map(() => world.store.enqueue([testJob()]))
  await refused
  await Promise.all(crowd.map((client) => client.end()))
  expect(await Promise.all(busy.map(codeOf))).toEqual(["done", "done", "done", "done"])
})
