import { expect, test } from "vitest"
import { ManualClock } from "../time/index.ts"
import { channelOf } from "./changeSignal.ts"
import { openTestStore, testJob } from "./fixtures/openTestStore.ts"

test("a process tells of ten changes in a row at once, and of those after them every 10 ms", async () => {
  const clock = new ManualClock()
  await using ground = await openTestStore({ clock })
  const { store, database, schema, client } = ground
  const channel = channelOf(schema)
  let told = 0
  let end = Promise.withResolvers<void>()
  client.on("notification", ({ payload = "" }) => {
    if (payload === "") told++
    else end.resolve()
  })
  await client.query(`listen "${channel}"`)
  /** How many have arrived, once all that was sent until now has. */
  const arrived = async (): Promise<number> => {
    await clock.settle()
    const { signal } = database.connections("test")
    end = Promise.withResolvers()
    // On the connection that tells, so after all that was told.
    await signal.use(5_000, (connection) => connection.query("tell_change", [channel, "end"]))
    await end.promise
    return told
  }

  for (let n = 0; n < 30; n++) await store.enqueue([testJob()])
  expect(await arrived()).toBe(10)
  await clock.advance(10)
  expect(await arrived(), "one for all that came meanwhile").toBe(11)
  await clock.advance(1_000)
  expect(await arrived(), "nothing is left to tell").toBe(11)
  await store.enqueue([testJob()])
  expect(await arrived(), "after a rest it tells at once").toBe(12)
})

test("who enqueues and closes at once has told of it", async () => {
  await using ground = await openTestStore()
  const { schema, client } = ground
  const heard = Promise.withResolvers<string>()
  client.on("notification", ({ payload = "" }) => heard.resolve(payload))
  await client.query(`listen "${channelOf(schema)}"`)
  await using producer = await openTestStore({ schema })
  await producer.store.enqueue([testJob()])
  await producer.store.close()
  expect(await heard.promise).toBe("")
})

test("a watch that ends while it begins to listen does not make the next one deaf", async () => {
  const clock = new ManualClock()
  await using ground = await openTestStore({ clock })
  const { store, database, events, client, schema } = ground
  const channel = channelOf(schema)
  const probed = Promise.withResolvers<void>()
  client.on("notification", ({ payload = "" }) => payload.startsWith("probe") && probed.resolve())
  await client.query(`listen "${channel}"`)
  let deaf = 0
  let hints = 0
  events.on("store.deaf", () => deaf++)
  for (let n = 0; n < 5; n++) store.watch(() => {})()
  const end = store.watch(() => hints++)
  await probed.promise
  // What was told before the answer to this comes before it.
  const { signal } = database.connections("test")
  const roundTrip = (): Promise<unknown> =>
    signal.use(5_000, (connection) => connection.ask("store_time"))
  await roundTrip()
  // Whoever still waits for its probe gives up.
  await clock.advance(2_000)
  expect(deaf).toBe(0)
  await client.query("select pg_notify($1, '')", [channel])
  await roundTrip()
  expect(hints).toBe(1)
  end()
})
