import { expect, test, vi } from "vitest"
import type { ExchangeReply, WorkerRef } from "../store/index.ts"
import { openTestStore, testJob } from "./fixtures/openTestStore.ts"
import type { TestStore } from "./fixtures/openTestStore.ts"

const facts = { workerId: "w", token: 7, leaseMs: 3_600_000, host: "h", pid: 1, info: "{}" }
const kinds = Array.from({ length: 30 }, (_, n) => `kind ${n}`)
const queues = Array.from({ length: 10 }, (_, n) => ({ queue: `queue ${n}`, kinds }))
let tokens = 0

function claim({ store }: TestStore, worker: WorkerRef): Promise<ExchangeReply> {
  const claims = queues.map((queue) => ({ ...queue, limit: 5 }))
  const ask = { worker, settlements: [], claims, token: ++tokens, repeat: false, solo: false }
  return store.exchange(ask)
}

/** The names of the statements that something sends. */
async function statementsOf(
  { database }: TestStore,
  work: () => Promise<unknown>,
): Promise<readonly string[]> {
  const spy = vi.spyOn(database, "statement")
  await work()
  const names = spy.mock.calls.map(([, name]) => name)
  spy.mockRestore()
  return names
}

/** One finished job in each lane, so that all of them exist. */
async function makeLanes(world: TestStore): Promise<void> {
  const all = queues.flatMap(({ queue }) => kinds.map((kind) => testJob({ queue, kind })))
  await world.store.enqueue(all)
  await world.client.query("update job set state = 4, waits = null, finished_at = 1")
}

test("a claim from many queues asks once which of them have work, and claims there alone", async () => {
  await using world = await openTestStore()
  const worker = await world.store.registerWorker(facts)
  await makeLanes(world)
  await claim(world, worker)
  expect(await statementsOf(world, () => claim(world, worker))).toEqual([
    "lanes_worth_a_claim",
    "claiming_worker",
  ])
  const jobs = [2, 2, 7].map((n) => testJob({ queue: `queue ${n}`, kind: `kind ${n}` }))
  await world.store.enqueue(jobs)
  let reply: ExchangeReply | undefined
  const names = await statementsOf(world, async () => {
    reply = await claim(world, worker)
  })
  expect(reply?.claimed.map(({ jobId }) => jobId).toSorted()).toEqual(jobs.map(({ id }) => id))
  // A claim of both queues, each of which looks once more when it brought less than it had room for.
  expect(names.filter((name) => name === "exchange").length).toBeLessThanOrEqual(4)
})

test("a claim from many queues takes what came due, and what waits with keys under limits", async () => {
  await using world = await openTestStore()
  const { store, client } = world
  const worker = await store.registerWorker(facts)
  await makeLanes(world)
  const limit = { scope: "kind", target: "kind 5", type: "concurrency", by: "tenant" } as const
  await store.setLimit(limit, { max: 1, perMs: null, weights: null }, "ann")
  const due = testJob({ queue: "queue 4", kind: "kind 4", delayMs: 60_000 })
  const keys = [{ limit: "kind:kind 5#concurrency.tenant", key: "t" }]
  const keyed = [5, 5].map(() => testJob({ queue: "queue 5", kind: "kind 5", keys }))
  await store.enqueue([due, ...keyed])
  await client.query("update job set run_at = 1 where waits = 0")
  const reply = await claim(world, worker)
  const claimed = reply.claimed.map(({ jobId }) => jobId)
  expect(claimed).toContain(due.id)
  expect(claimed.filter((id) => keyed.some((job) => job.id === id))).toHaveLength(1)
  expect(reply.heldBack).toEqual(["queue 5"])
})

test("lanes that others made are met by the next look, and those that never had a job are not sent", async () => {
  await using world = await openTestStore()
  const { schema } = world
  const { store } = world
  await using others = await openTestStore({ schema })
  const worker = await store.registerWorker(facts)
  const look = () => store.peek({ worker, queues })
  expect(await look()).toMatchObject({ claimable: [] })
  for (const n of [3, 8, 3]) {
    const kind = `kind ${tokens++ % 30}`
    await others.store.enqueue([testJob({ queue: `queue ${n}`, kind })])
    const { claimed } = await claim(world, worker)
    expect(claimed).toMatchObject([{ queue: `queue ${n}`, kind }])
  }
  const spy = vi.spyOn(world.database, "statement")
  await look()
  const sent = spy.mock.calls.flatMap(([, , values]) => values ?? [])
  spy.mockRestore()
  // Queues and lanes, never the product of queues and kinds.
  const sizes = sent.flatMap((value) => (Array.isArray(value) ? [value.length] : []))
  expect(Math.max(...sizes)).toBe(queues.length)
})
