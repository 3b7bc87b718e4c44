import { storeSuite } from "@drover/conformance"
import type { Harness, OwnConnection, StoreProcess } from "@drover/conformance"
import type pg from "pg"
import { afterAll } from "vitest"
import { Events } from "../events/index.ts"
import type { Store } from "../store/index.ts"
import { ManualClock, SeededRng, systemClock } from "../time/index.ts"
import type { Clock } from "../time/index.ts"
import { fakeTime } from "./fixtures/fakeTime.ts"
import type { FakeTime } from "./fixtures/fakeTime.ts"
import { resetOf } from "./fixtures/schemaReset.ts"
import { connectTest, freshSchema, testServerUrl } from "./fixtures/testServer.ts"
import { PostgresDatabase } from "./database.ts"
import { PostgresStore } from "./postgresStore.ts"
import { resolveOptions } from "./source.ts"

const LONGEST_BACKOFF_MS = 500

/**
 * A process's clock, moved by hand, but for the short waits of the store itself: a retry after a conflict between two
 * connections happens in real time, while the test's time stands still.
 */
class ProcessClock extends ManualClock {
  override sleep(...[delayMs, options]: Parameters<Clock["sleep"]>): Promise<void> {
    return delayMs <= LONGEST_BACKOFF_MS
      ? systemClock.sleep(delayMs, options)
      : super.sleep(delayMs, options)
  }
}

interface SimulatedProcess extends StoreProcess {
  readonly clock: ManualClock
  readonly database: PostgresDatabase
}

/** A schema and its time, empty whenever no rule has them. */
interface Ground {
  readonly schema: string
  readonly time: FakeTime
  readonly reset: string
}

// One connection for all that the tests themselves do, and the grounds that rules gave back.
let admin: Promise<pg.Client> | undefined
const free: Ground[] = []

afterAll(async () => {
  const client = await admin
  for (const { schema } of free) {
    await client?.query(`drop schema ${schema} cascade; drop schema ${schema}_time cascade`)
  }
  await client?.end()
})

async function makeGround(client: pg.Client): Promise<Ground> {
  const schema = freshSchema()
  const time = await fakeTime(client, await testServerUrl(), `${schema}_time`)
  await client.query(`create table ${schema}_time.note (n serial, text text)`)
  const [store] = connect(time.url, schema, systemClock, "ground")
  await store.migrate({ dryRun: false })
  await store.close()
  const reset = await resetOf(client, schema)
  return { schema, time, reset: `${reset}; delete from ${schema}_time.note` }
}

function connect(
  url: string,
  schema: string,
  clock: Clock,
  seed: string,
): [Store, PostgresDatabase] {
  const { label, options } = resolveOptions({ url, schema })
  const environment = { clock, rng: new SeededRng(seed), events: new Events() }
  const database = new PostgresDatabase(label, options, environment)
  return [new PostgresStore(database), database]
}

async function openProcess(url: string, schema: string, seed: string): Promise<SimulatedProcess> {
  const clock = new ProcessClock()
  const [store, database] = connect(url, schema, clock, seed)
  await store.open({ migrate: true })
  return { store, clock, database, jumpWall: (byMs) => clock.jumpWall(byMs) }
}

/** Several processes over one schema, with a clock of its own in the server. */
async function openHarness(): Promise<Harness> {
  admin ??= connectTest()
  const client = await admin
  const ground = free.pop() ?? (await makeGround(client))
  const { schema, time, reset } = ground
  let at = new ManualClock().now()
  await time.set(at)
  const processes = [
    await openProcess(time.url, schema, "first"),
    await openProcess(time.url, schema, "second"),
  ] as const
  const write = async (on: pg.ClientBase, text: string): Promise<void> => {
    await on.query(`insert into ${schema}_time.note (text) values ($1)`, [text])
  }
  return {
    processes,
    async advance(ms) {
      at += ms
      await time.set(at)
      await deliver(processes)
      for (const { clock } of processes) await clock.advance(ms)
    },
    connect: () => connect(time.url, schema, processes[0].clock, "third")[0],
    writeIn: (connection, text) => write(connection as pg.ClientBase, text),
    async written() {
      const { rows } = await client.query(`select text from ${schema}_time.note order by n`)
      return rows.map(({ text }: { text: string }) => text)
    },
    ownConnection: () => openOwn(time.url, write),
    async close() {
      for (const { store } of processes) await store.close()
      await client.query(reset)
      free.push(ground)
    },
  }
}

/** What one process told is heard by the others: each notification is there before the answer to a later question. */
async function deliver(processes: readonly SimulatedProcess[]): Promise<void> {
  for (const _ of [1, 2]) {
    for (const { database } of processes) {
      const { signal } = database.connections("test")
      // Whoever watches or tells has asked for the connection before this question.
      if (signal.isUsed) await signal.use(5_000, (connection) => connection.text("select 1"))
    }
  }
}

async function openOwn(
  url: string,
  write: (on: pg.ClientBase, text: string) => Promise<void>,
): Promise<OwnConnection> {
  const client = await connectTest(url)
  return {
    connection: client,
    begin: async () => void (await client.query("begin")),
    commit: async () => void (await client.query("commit")),
    rollback: async () => void (await client.query("rollback")),
    write: (text) => write(client, text),
    close: () => client.end(),
  }
}

storeSuite({ name: "Postgres", open: openHarness })
