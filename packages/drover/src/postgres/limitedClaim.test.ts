import { expect, test } from "vitest"
import type { ClaimedJob, LimitSetting, NewUnique, WorkerRef } from "../store/index.ts"
import { channelOf } from "./changeSignal.ts"
import { lockWait } from "./fixtures/lockWait.ts"
import { openTestStore, testJob } from "./fixtures/openTestStore.ts"
import type { TestStore } from "./fixtures/openTestStore.ts"
import { connectTest } from "./fixtures/testServer.ts"

let tokens = 0
const facts = { leaseMs: 60_000, host: "h", pid: 1, info: "{}" }
const mailSlots = { scope: "kind", target: "mail", type: "concurrency", by: null } as const
const mailRate = { ...mailSlots, type: "rate" } as const
const tenantSlots = { ...mailSlots, by: "tenant" } as const
const most = (max: number, perMs: number | null = null): LimitSetting => ({
  ...{ max, perMs, weights: null },
})

async function exchange(
  { store }: TestStore,
  worker: WorkerRef,
  { done = [], limit = 0 }: { readonly done?: readonly ClaimedJob[]; readonly limit?: number },
): Promise<readonly ClaimedJob[]> {
  const settlement = { to: "completed", result: "1" } as const
  const settlements = done.map((attempt) => ({ attempt, settlement }))
  const claims = limit === 0 ? [] : [{ queue: "default", kinds: ["mail"], limit }]
  const token = ++tokens
  const request = { worker, settlements, claims, token, repeat: false, solo: false }
  return (await store.exchange(request)).claimed
}

test("a job that was enqueued while a claim under a limit was looking starts no earlier than it was enqueued", async () => {
  await using ground = await openTestStore()
  const { store, schema, client } = ground
  const limit = { scope: "queue", target: "default", type: "concurrency", by: null } as const
  await store.setLimit(limit, { max: 10, perMs: null, weights: null }, "ann")
  const rate = { scope: "queue", target: "default", type: "rate", by: null } as const
  await store.setLimit(rate, { max: 10, perMs: 60_000, weights: null }, "ann")
  const worker = await store.registerWorker({ workerId: "w", token: ++tokens, ...facts })
  await store.enqueue([testJob()])
  const first = await exchange(ground, worker, { limit: 10 })
  expect(first).toHaveLength(1)
  await exchange(ground, worker, { done: first })

  // What the first use left behind is cleared away by the next claim, after it has looked at the clock.
  await using blocker = await connectTest().then((connection) => ({
    query: (sql: string) => connection.query(sql),
    [Symbol.asyncDispose]: () => connection.end(),
  }))
  await blocker.query("begin")
  const held = await blocker.query(`select from ${schema}.limit_use for update`)
  expect(held.rowCount).toBe(1)
  const claiming = exchange(ground, worker, { limit: 10 })
  await lockWait(client, schema)
  const late = testJob()
  await store.enqueue([late])
  await blocker.query("commit")
  expect((await claiming).map(({ jobId }) => jobId)).toEqual([late.id])
  const job = (await store.get(late.id))!
  expect(job.startedAt).toBeGreaterThanOrEqual(job.enqueuedAt)
  const times = (await store.trail(late.id)).map(({ at }) => at)
  expect(times).toEqual(times.toSorted((a, b) => a - b))
  const { rows } = await client.query("select max(at)::float8 as at from limit_start")
  expect((rows as { at: number }[])[0]!.at, "the window counts from the same instant").toBe(
    job.startedAt,
  )
})

test("a claim for lanes that are all full waits for nobody who has their limits locked", async () => {
  await using ground = await openTestStore()
  const { store, schema, client } = ground
  await store.setLimit(mailSlots, most(1), "ann")
  await store.enqueue([testJob(), testJob()])
  const worker = await store.registerWorker({ workerId: "w", token: ++tokens, ...facts })
  expect(await exchange(ground, worker, { limit: 5 })).toHaveLength(1)
  await client.query(`begin; select from ${schema}.limits for update`)
  expect(await exchange(ground, worker, { limit: 5 })).toEqual([])
  await client.query("commit")
})

test("of a place that its process took again others hear that an attempt ended, of one that is left that they may start something", async () => {
  await using setup = await openTestStore()
  const { schema, client } = setup
  await setup.store.setLimit(mailSlots, most(2), "ann")
  await setup.store.enqueue(Array.from({ length: 6 }, () => testJob()))
  // It has nothing to tell any more.
  await setup.store.close()
  await using ground = await openTestStore({ schema })
  const worker = await ground.store.registerWorker({ workerId: "w", token: ++tokens, ...facts })
  const [first, second] = await exchange(ground, worker, { limit: 5 })
  const payloads: string[] = []
  let heard = Promise.withResolvers<void>()
  client.on("notification", ({ payload = "" }) => {
    payloads.push(payload)
    heard.resolve()
  })
  const next = async (): Promise<string | undefined> => {
    await heard.promise
    heard = Promise.withResolvers()
    return payloads.shift()
  }
  await client.query(`listen "${channelOf(schema)}"`)
  const [third] = await exchange(ground, worker, { done: [first!], limit: 5 })
  expect(third).toBeDefined()
  expect(await next()).toBe("ends")
  const [fourth] = await exchange(ground, worker, { done: [second!, third!], limit: 1 })
  expect(fourth, "one of two places").toBeDefined()
  expect(await next()).toBe("")
  await exchange(ground, worker, { done: [fourth!] })
  expect(await next(), "asked for nothing").toBe("")
})

test("a look at a full window says over which time those who wait for it had better come", async () => {
  await using ground = await openTestStore()
  const { store } = ground
  await store.setLimit(mailRate, most(1, 60_000), "ann")
  await store.enqueue([testJob(), testJob()])
  const worker = await store.registerWorker({ workerId: "w", token: ++tokens, ...facts })
  const look = { worker, queues: [{ queue: "default", kinds: ["mail"] }] }
  expect(await store.peek(look)).not.toHaveProperty("spreadMs")
  await exchange(ground, worker, { limit: 1 })
  expect(await store.peek(look)).toMatchObject({ claimable: [], spreadMs: 50 })
})

test("a batch of jobs with and without keys stands in its tracks, whoever else enqueues the same keys", async () => {
  await using ground = await openTestStore()
  const { store, client } = ground
  await store.setLimit(tenantSlots, most(3), "ann")
  const batch = (seed: number, over = {}): ReturnType<typeof testJob>[] =>
    Array.from({ length: 1_500 }, (_, index) => {
      const tenant = (index * seed) % 50
      const keys = [{ limit: "kind:mail#concurrency.tenant", key: String(tenant) }]
      return testJob({ ...over, ...(tenant > 0 && { keys }) })
    })
  const later = batch(1, { delayMs: 3_600_000 })
  const batches = [...[1, 3, 7, 49].map((seed) => batch(seed)), later]
  const outcomes = await Promise.all(batches.map((jobs) => store.enqueue(jobs)))
  expect(outcomes.flat().map(({ id }) => id)).toEqual(batches.flat().map(({ id }) => id))
  const { rows } = await client.query(`
    select j.waits, count(*)::integer as many, bool_and(j.track is null or t.keys = j.keys) as fit
    from job j left join track t on t.id = j.track group by j.waits order by j.waits`)
  expect(rows).toEqual([
    { waits: 0, many: 30, fit: true },
    { waits: 1, many: 120, fit: true },
    { waits: 3, many: 5_880, fit: true },
    { waits: 5, many: 1_470, fit: true },
  ])
  const wrong = await client.query(`
    select from track t cross join lateral (
      select rank, id from job j where j.track = t.id order by rank, id limit 1) f
    where (t.rank, t.first) is distinct from (f.rank, f.id)`)
  expect(wrong.rowCount, "each knows its first job").toBe(0)
  const { id } = batches[3]!.at(-1)!
  expect(await store.trail(id)).toMatchObject([{ to: "available" }])
})

test("jobs with keys that end together are one row of the trail, each under its fence, and let in who waits", async () => {
  await using ground = await openTestStore()
  const { store, client } = ground
  await store.setLimit(tenantSlots, most(1), "ann")
  const ofTenant = (tenant: string): ReturnType<typeof testJob> =>
    testJob({ keys: [{ limit: "kind:mail#concurrency.tenant", key: tenant }] })
  const tenants = ["a", "b", "c", "d"]
  await store.enqueue([...tenants, ...tenants].map(ofTenant))
  const worker = await store.registerWorker({ workerId: "w", token: ++tokens, ...facts })
  const first = await exchange(ground, worker, { limit: 10 })
  expect(first).toHaveLength(4)
  expect(await exchange(ground, worker, { limit: 10 }), "all keys are full").toEqual([])

  const [a, b, c, d] = first as [ClaimedJob, ClaimedJob, ClaimedJob, ClaimedJob]
  // Somebody took it over meanwhile.
  await client.query("update job set attempt = attempt + 1 where id = $1", [b.jobId])
  const settlement = { to: "completed", result: '"sent"' } as const
  const settle = async (attempts: readonly ClaimedJob[]): Promise<readonly string[]> => {
    const settlements = attempts.map((attempt) => ({ attempt, settlement }))
    const request = { worker, settlements, claims: [], token: ++tokens, repeat: false, solo: false }
    return (await store.exchange(request)).settled
  }
  expect(await settle([d, b, a, c])).toEqual(["settled", "fenced", "settled", "settled"])
  expect(await settle([a, b]), "sent again").toEqual(["repeated", "fenced"])

  const ended = await client.query("select jobs, bytes::int from trail where to_state = 4")
  expect(ended.rows).toHaveLength(1)
  const { jobs, bytes } = ended.rows[0] as { jobs: string; bytes: number }
  const written = [a, c, d].map(({ jobId }) => jobId).toSorted()
  expect([...jobs].filter((id) => (id as string | null) !== null)).toEqual(written)
  expect(bytes).toBe(3 * (256 + "{}".length + '"sent"'.length))
  for (const { jobId } of [a, c, d]) {
    expect(await store.get(jobId)).toMatchObject({ state: "completed", result: '"sent"' })
    const trail = await store.trail(jobId)
    expect(trail.map(({ to }) => to)).toEqual(["available", "running", "completed"])
  }
  const next = await exchange(ground, worker, { limit: 10 })
  expect(next, "the key of the one that was held off is still full").toHaveLength(3)
})

test("a job with a key that ends while a claim finds its key full opens the way for who waits", async () => {
  await using ground = await openTestStore()
  const { store, schema, client } = ground
  await store.setLimit(tenantSlots, most(1), "ann")
  const keys = [{ limit: "kind:mail#concurrency.tenant", key: "a" }]
  await store.enqueue([testJob({ keys }), testJob({ keys })])
  const worker = await store.registerWorker({ workerId: "w", token: ++tokens, ...facts })
  // It asks for no more, so nobody has found the key full yet.
  const first = await exchange(ground, worker, { limit: 1 })
  expect(first).toHaveLength(1)
  // What a claim does that has looked and not committed yet.
  await using claim = await connectTest().then((connection) => ({
    query: (sql: string) => connection.query(sql),
    [Symbol.asyncDispose]: () => connection.end(),
  }))
  await claim.query(`begin; select from ${schema}.limits for update`)
  const stoodAside = await claim.query(
    `update ${schema}.track set blocked_limit = (select id from ${schema}.limits), blocked_key = 'a'`,
  )
  expect(stoodAside.rowCount).toBe(1)
  const ending = exchange(ground, worker, { done: first })
  await lockWait(client, schema)
  await claim.query("commit")
  await ending
  const { rows } = await client.query("select blocked_limit from track")
  expect(rows).toEqual([{ blocked_limit: null }])
  expect(await exchange(ground, worker, { limit: 10 })).toHaveLength(1)
})

test("a job under a limit that must take its key leaves its place to the next one while somebody has the key locked", async () => {
  await using ground = await openTestStore()
  const { store, schema, client } = ground
  await store.setLimit(tenantSlots, most(2), "ann")
  const keys = [{ limit: "kind:mail#concurrency.tenant", key: "a" }]
  // Held while it runs only, so a claim takes it.
  const unique: NewUnique = {
    hash: Buffer.alloc(32, 1),
    label: "u",
    mode: "skip",
    states: ["running"],
    forMs: null,
    maxWaitMs: null,
  }
  const holder = testJob({ keys, unique })
  const [next, last] = [testJob({ keys }), testJob({ keys })]
  await store.enqueue([holder])
  await store.enqueue([next, last])
  await client.query("insert into hold (hash) values ($1) on conflict do nothing", [unique.hash])
  const worker = await store.registerWorker({ workerId: "w", token: ++tokens, ...facts })
  await client.query(`begin; select from ${schema}.hold for update`)
  const claimed = await exchange(ground, worker, { limit: 1 })
  expect(claimed.map(({ jobId }) => jobId)).toEqual([next.id])
  await client.query("commit")
  const others = await exchange(ground, worker, { limit: 5 })
  expect(
    others.map(({ jobId }) => jobId),
    "it goes first again",
  ).toEqual([holder.id])
})
