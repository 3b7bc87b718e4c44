import { afterEach, beforeEach, expect, test } from "vitest"
import { makeOlder, newestMigration } from "../sqlite/otherFiles.fixture.ts"
import type { MoveStore, Store } from "../store/index.ts"
import { Places } from "./fixtures/places.ts"
import type { Dialect } from "./fixtures/places.ts"
import { abortMove, move } from "./move.ts"

let places: Places

const pairs: readonly (readonly [Dialect, Dialect])[] = [
  ["sqlite", "sqlite"],
  ["sqlite", "postgres"],
  ["postgres", "sqlite"],
  ["postgres", "postgres"],
]

beforeEach(() => {
  places = new Places()
})

afterEach(async () => {
  await places[Symbol.asyncDispose]()
})

/** Fails when the database is shut. */
function write(store: Store): Promise<unknown> {
  return store.setQueue("slow", { slots: 1 }, "ann")
}

test.each(pairs)("from %s to %s: what is refused makes no target", async (dialect, toDialect) => {
  const from = await places.make(dialect, "from.db")
  const before = await places.store(from)
  const worker = { workerId: "alive", token: 1, leaseMs: 60_000, host: "h", info: "{}" }
  const ref = await before.registerWorker({ ...worker, pid: process.pid })
  const source = await places.mover(from)
  const fresh = await places.make(toDialect, "fresh/fresh.db")
  const target = places.unopened(fresh)
  const refused = { code: "DROVER_MOVE_REFUSED" }
  await expect(move({ source, target }, { newId: "m", batch: 10 })).rejects.toMatchObject(refused)
  await expect(abortMove({ source, target })).rejects.toMatchObject(refused)
  expect(await places.isThere(fresh)).toBe(false)
  await before.retireWorker(ref)
  expect(await move({ source, target }, { newId: "m", batch: 10 })).toMatchObject({
    status: "moved",
  })
  expect(await places.isThere(fresh)).toBe(true)
  const other = await places.make(toDialect, "other.db")
  const again = { source, target: places.unopened(other) }
  await expect(move(again, { newId: "n", batch: 10 })).rejects.toMatchObject(refused)
  expect(await places.isThere(other)).toBe(false)
})

test.each(pairs)(
  "from %s to %s: a move is given up with both of its ends only",
  async (dialect, toDialect) => {
    const from = await places.make(dialect, "from.db")
    const before = await places.store(from)
    const source = await places.mover(from)
    const target = await places.mover(await places.make(toDialect, "to.db"))
    const other = await places.mover(await places.make(dialect, "other.db"))
    await other.open({ migrate: true })
    const stop = new AbortController()
    const cut = { signal: stop.signal, onProgress: () => stop.abort(new Error("cut")) }
    await expect(move({ source, target }, { newId: "m", batch: 10, ...cut })).rejects.toThrow("cut")
    await expect(abortMove({ source, target: other })).rejects.toMatchObject({
      code: "DROVER_MOVE_REFUSED",
      message: expect.stringContaining(`is being moved to ${target.label}, not to ${other.label}`),
    })
    await expect(abortMove({ source: other, target })).rejects.toMatchObject({
      code: "DROVER_MOVE_REFUSED",
      message: expect.stringContaining(
        `being filled from ${source.label}, not from ${other.label}`,
      ),
    })
    await expect(write(before)).rejects.toMatchObject({ code: "DROVER_STORE_MOVED" })
    expect(await target.readNote()).toMatchObject({ role: "target", state: "moving" })
    await abortMove({ source, target })
    await write(before)
  },
)

test("a move whose target cannot be made opens the source again", async () => {
  const from = await places.make("sqlite", "from.db")
  const to = await places.make("sqlite", "from.db/to.db")
  const before = await places.store(from)
  const both = { source: await places.mover(from), target: places.unopened(to) }
  await expect(move(both, { newId: "m", batch: 10 })).rejects.toMatchObject({
    code: "DROVER_STORE_IO",
  })
  await expect(write(before)).resolves.not.toThrow()
})

test("a target of an older version is refused as it is, and made the newer one when the move has begun", async () => {
  const from = await places.make("sqlite", "from.db")
  const to = await places.make("sqlite", "to.db")
  const before = await places.store(from)
  await (await places.store(to)).close()
  const newest = newestMigration(to.name)
  makeOlder(to.name)
  const both = { source: await places.mover(from), target: places.unopened(to) }
  await expect(move(both, { newId: "m", batch: 10 })).rejects.toMatchObject({
    code: "DROVER_STORE_MIGRATION",
  })
  expect(newestMigration(to.name)).toBe(newest - 1)
  await expect(write(before)).resolves.not.toThrow()
  // What a mover leaves that is killed while it makes the tables.
  const peer = both.target.label
  await both.source.shut({ id: "m", role: "source", state: "moving", peer, progress: {} })
  expect(await move(both, { newId: "ignored", batch: 10 })).toMatchObject({ status: "moved" })
  expect(newestMigration(to.name)).toBe(newest)
})

test("a move whose target is out of reach is not given up, and goes once the address leads to an empty database", async () => {
  const from = await places.make("sqlite", "from.db")
  const before = await places.store(from)
  const source = await places.mover(from)
  const target = await places.mover(await places.make("postgres", "to.db"))
  const stop = new AbortController()
  const cut = { signal: stop.signal, onProgress: () => stop.abort(new Error("cut")) }
  await expect(move({ source, target }, { newId: "m", batch: 10, ...cut })).rejects.toThrow("cut")
  const at = (tables: MoveStore["tables"]): MoveStore =>
    Object.assign(Object.create(target) as MoveStore, { label: target.label, tables })
  const away = at(() => Promise.reject(new Error("connect ECONNREFUSED")))
  await expect(abortMove({ source, target: away })).rejects.toMatchObject({
    code: "DROVER_MOVE_REFUSED",
    message: expect.stringMatching(/cannot be emptied.*ECONNREFUSED.*make an empty database/),
  })
  await expect(write(before)).rejects.toMatchObject({ code: "DROVER_STORE_MOVED" })
  await abortMove({ source, target: at(() => Promise.resolve("none")) })
  await write(before)
})
