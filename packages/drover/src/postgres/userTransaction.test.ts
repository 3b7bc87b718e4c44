import pg from "pg"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { Events } from "../events/index.ts"
import { systemClock, systemRng } from "../time/index.ts"
import { failure } from "./fixtures/failure.ts"
import { isSuperuser, testServerUrl } from "./fixtures/testServer.ts"
import { postgres } from "./index.ts"
import {
  asPostgresTransaction,
  isPostgresTransaction,
  proveOpen,
  sqlStateOf,
} from "./userTransaction.ts"

const environment = { clock: systemClock, rng: systemRng, events: new Events() }
const mayBeOthers = await isSuperuser()
let pool: pg.Pool
beforeAll(async () => {
  pool = new pg.Pool({ connectionString: await testServerUrl(), max: 3 })
})
afterAll(async () => {
  await pool.end()
})

const through = (client: pg.Pool | pg.PoolClient): ReturnType<typeof asPostgresTransaction> =>
  asPostgresTransaction((text, values) => client.query(text, [...values]))

describe("the proof that a transaction is open", () => {
  test("finds out a pool, and a connection before and after its transaction", async () => {
    const none = { code: "DROVER_TRANSACTION", message: expect.stringContaining("on the test") }
    expect(await failure(proveOpen(through(pool), "the test"))).toMatchObject(none)
    const client = await pool.connect()
    expect(await failure(proveOpen(through(client), "the test"))).toMatchObject(none)
    await client.query("begin")
    await proveOpen(through(client), "the test")
    await client.query("commit")
    expect(await failure(proveOpen(through(client), "the test"))).toMatchObject(none)
    client.release()
  })

  test("takes no transaction id and no lock that others wait for", async () => {
    const client = await pool.connect()
    await client.query("begin")
    await proveOpen(through(client), "the test")
    const { rows } = await client.query(
      "select mode, granted, (select pg_current_xact_id_if_assigned()::text) as id from pg_locks where pid = pg_backend_pid() and locktype = 'relation' and relation = 'pg_am'::regclass",
    )
    expect(rows).toEqual([{ mode: "AccessShareLock", granted: true, id: null }])
    await client.query("rollback")
    client.release()
  })

  test.runIf(mayBeOthers)("needs no privilege, and no right to write", async () => {
    const client = await pool.connect()
    await client.query("begin read only")
    await client.query("set local role pg_monitor")
    await expect(proveOpen(through(client), "the test")).resolves.toBeUndefined()
    await client.query("rollback")
    client.release()
  })

  test("lets the error of a transaction that has failed through", async () => {
    const client = await pool.connect()
    await client.query("begin")
    await failure(client.query("select 1/0"))
    expect(await failure(proveOpen(through(client), "the test"))).toMatchObject({ code: "25P02" })
    await client.query("rollback")
    client.release()
  })
})

test.each([
  ["pg and postgres.js", { code: "40001" }, "40001"],
  ["Drizzle", new Error("Failed query", { cause: { code: "23505" } }), "23505"],
  ["TypeORM", { driverError: { code: "22P02" }, code: "22P02" }, "22P02"],
  [
    "Prisma",
    { code: "P2010", meta: { driverAdapterError: { cause: { originalCode: "25P01" } } } },
    "25P01",
  ],
  ["Prisma without a reason", { code: "P2028", meta: {} }, undefined],
  ["PL/pgSQL", { code: "P0001" }, "P0001"],
  ["the network", { code: "EPIPE" }, undefined],
  ["a text", "40001", undefined],
  ["nothing", null, undefined],
])("the SQLSTATE of an error of %s", (_, error, state) => {
  expect(sqlStateOf(error)).toBe(state)
})

test("what an adapter made is known by its mark, and nothing else is", () => {
  expect(isPostgresTransaction(through(pool))).toBe(true)
  for (const other of [null, undefined, 7, "x", {}, pool]) {
    expect(isPostgresTransaction(other)).toBe(false)
  }
})

test("a pool in the place of its client is refused with how to take one", async () => {
  const store = postgres({ pool }).connect(environment)
  expect(() => store.adopt(pool)).toThrow(
    expect.objectContaining({
      code: "DROVER_TRANSACTION",
      message: expect.stringMatching(/take a client with pool\.connect\(\), begin on it/),
    }),
  )
})
