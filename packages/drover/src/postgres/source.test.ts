import { inspect } from "node:util"
import pg from "pg"
import { describe, expect, test } from "vitest"
import { isDroverError } from "../errors/index.ts"
import { Events } from "../events/index.ts"
import { ManualClock, systemClock, systemRng } from "../time/index.ts"
import { channelOf } from "./changeSignal.ts"
import { loadDriver } from "./driver.ts"
import { postgres } from "./index.ts"
import { testServerUrl } from "./fixtures/testServer.ts"
import type { PostgresOptions } from "./source.ts"
import { rowTypes } from "./values.ts"

const secret = "hunter2"
const environment = { clock: systemClock, rng: systemRng, events: new Events() }

test.each([
  [
    `postgres://ann:${secret}@db.internal:5433/app?sslmode=disable`,
    "postgres://db.internal:5433/app",
  ],
  [`postgresql://ann:${secret}@[::1]/app`, "postgres://[::1]/app"],
  [{ url: `postgres://ann:${secret}@h/app`, schema: "jobs" }, "postgres://h/app (schema jobs)"],
  ["socket:/var/run/postgresql?db=app", "postgres (socket)"],
] as const)("a label says where and never how to log in: %j", (given, label) => {
  expect(postgres(given).label).toBe(label)
})

describe("what cannot work is refused at once, and without the password", () => {
  const url = `postgres://ann:${secret}@h/app`
  test.each([
    ["", /`url` is an address/],
    ["mysql://h/app", /`url` is an address/],
    [`postgres://ann:${secret}@h:port/app`, /cannot be read/],
    [{}, /either `url` or `pool`/],
    [{ url, pool: new pg.Pool() }, /either `url` or `pool`/],
    [{ pool: {} }, /a Pool of pg/],
    [{ pool: new pg.Pool(), max: 3 }, /`max` belongs to `url`/],
    [{ url, max: 0 }, /`max` is a whole number/],
    [{ url, max: 1.5 }, /`max` is a whole number/],
    [{ url, prepare: "yes" }, /`prepare` is true or false/],
    [{ url, schema: "Drover" }, /no name for a schema/],
    [{ url, schema: 'x"; drop table job; --' }, /no name for a schema/],
    [{ url, schema: "pg_jobs" }, /no name for a schema/],
    [{ url, schema: "a".repeat(64) }, /no name for a schema/],
    [{ url, shema: "x" }, /did you mean "schema"/],
  ])("%j", (given, message) => {
    let refusal: unknown
    try {
      postgres(given as PostgresOptions)
    } catch (error) {
      refusal = error
    }
    expect(isDroverError(refusal, "DROVER_CONFIG")).toBe(true)
    expect(String(refusal)).toMatch(message)
    expect(inspect(refusal, { depth: 10 })).not.toContain(secret)
  })
})

test("a server that is not there is told of with its place, and without the password", async () => {
  const clock = new ManualClock()
  const store = postgres(`postgres://ann:${secret}@127.0.0.1:1/app`).connect({
    ...environment,
    clock,
  })
  let isOver = false
  const opening = store.open({ migrate: false }).finally(() => (isOver = true))
  const failing = opening.catch((error: unknown) => error)
  // It may be restarting just now, so it is waited for.
  while (!isOver) {
    await clock.advance(100)
    await systemClock.sleep(1)
  }
  const failure = await failing
  expect(isDroverError(failure, "DROVER_STORE_UNREACHABLE")).toBe(true)
  expect(String(failure)).toContain("postgres://127.0.0.1:1/app")
  expect(inspect(failure, { depth: 10 })).not.toContain(secret)
  await store.close()
})

test("a database that does not exist on a server that runs is to be created, and nothing else to be looked for", async () => {
  const url = new URL(await testServerUrl())
  url.pathname = "/no_such_database"
  const store = postgres(url.href).connect(environment)
  await expect(store.open({ migrate: true })).rejects.toMatchObject({
    code: "DROVER_STORE_UNREACHABLE",
    message: expect.stringMatching(/does not exist .*; create it, or correct its name/),
  })
})

test("a pool that is too small for two connections of our own is refused when it is opened", async () => {
  const pool = new pg.Pool({ max: 3 })
  const open = postgres({ pool }).connect(environment).open({ migrate: false })
  await expect(open).rejects.toThrow(/give it 4 or more/)
  await pool.end()
})

test("a program without pg is told to install it", async () => {
  const missing = Object.assign(new Error("Cannot find package 'pg' imported from here"), {
    code: "ERR_MODULE_NOT_FOUND",
  })
  const loading = loadDriver(() => Promise.reject(missing))
  await expect(loading).rejects.toMatchObject({
    code: "DROVER_CONFIG",
    message: expect.stringContaining("npm install pg"),
  })
})

test("whole numbers are numbers where that is exact, and JSON is the text it is", () => {
  const read = (oid: number, text: string): unknown => rowTypes(pg.types).getTypeParser(oid)(text)
  expect(read(20, "9007199254740991")).toBe(Number.MAX_SAFE_INTEGER)
  expect(read(20, "-5")).toBe(-5)
  // One more cannot be told from the next.
  expect(read(20, "9007199254740993")).toBe("9007199254740993")
  expect(read(1016, "{1,NULL,9007199254740993}")).toEqual([1, null, "9007199254740993"])
  expect(read(1016, "{}")).toEqual([])
  expect(read(114, '{"a":1e400}')).toBe('{"a":1e400}')
  expect(read(16, "t")).toBe(true)
})

test("each schema has a channel of its own, also where its name is as long as a name may be", () => {
  const long = "a".repeat(63)
  const names = ["drover", "jobs", long, `${long.slice(1)}b`].map(channelOf)
  expect(new Set(names).size).toBe(4)
  for (const name of names) expect(name.length).toBeLessThanOrEqual(63)
})
