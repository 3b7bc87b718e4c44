import { expect, test } from "vitest"
import { asLeader } from "../store/asLeader.fixture.ts"
import type { ClaimedJob, WorkerRef } from "../store/index.ts"
import { openTestStore, testJob } from "./fixtures/openTestStore.ts"
import type { TestStore } from "./fixtures/openTestStore.ts"
import { testServerMajor } from "./fixtures/testServer.ts"

// Before version 15 a collector of its own counts, and nobody can ask it to be up to date.
const isUncounted = (await testServerMajor()) < 15

// What the server counted at the ends of transactions, by all sessions that looked it up meanwhile.
const READ = `
  select coalesce(sum(s.seq_tup_read), 0)::integer + coalesce(sum(s.idx_tup_fetch), 0)::integer
    + (select coalesce(sum(i.idx_tup_read), 0)::integer from pg_stat_user_indexes i where i.schemaname = current_schema())
    as rows
  from pg_stat_user_tables s where s.schemaname = current_schema()`

/** How many rows of tables and indexes something read. The store has one connection for work, which says when it is done. */
async function rowsRead(
  { database, client }: TestStore,
  work: () => Promise<unknown>,
): Promise<number> {
  const flushed = async (): Promise<number> => {
    await database.plain("test", (db) => db.text("select pg_stat_force_next_flush()"))
    // Flushed when the connection has nothing to do.
    await database.plain("test", (db) => db.text("select 1"))
    // What a test did on its own connection does not count as work either, however late the server counts it.
    await client.query("select pg_stat_force_next_flush()")
    const { rows } = await client.query(READ)
    return (rows[0] as { rows: number }).rows
  }
  const before = await flushed()
  await work()
  return (await flushed()) - before
}

test.skipIf(isUncounted)(
  "what workers repeat reads no more rows on a full table, planned when there was no job",
  async () => {
    await using world = await openTestStore({ max: 1 })
    const { store } = world
    const facts = { workerId: "w", token: 7, leaseMs: 3_600_000, host: "h", pid: 1, info: "{}" }
    const worker: WorkerRef = await store.registerWorker(facts)
    let token = 0
    let held: readonly ClaimedJob[] = []
    const queues = [{ queue: "default", kinds: ["mail"] }]
    const steps = {
      enqueue: () => store.enqueue([testJob()]),
      look: () => store.peek({ worker, queues }),
      async claim() {
        const claims = [{ ...queues[0]!, limit: 1 }]
        const ask = { worker, settlements: [], claims, token: ++token, repeat: false, solo: false }
        held = (await store.exchange(ask)).claimed
        expect(held).toHaveLength(1)
      },
      async start() {
        const claims = [{ ...queues[0]!, limit: 1 }]
        const rest = { settlements: [], repeat: false, solo: false, enqueues: [testJob()] }
        held = (await store.exchange({ worker, claims, token: ++token, ...rest })).claimed
        expect(held).toHaveLength(1)
      },
      async settle() {
        const settlements = held.map((attempt) => ({
          attempt,
          settlement: { to: "completed", result: null } as const,
        }))
        const ask = { worker, settlements, claims: [], token: ++token, repeat: false, solo: false }
        expect((await store.exchange(ask)).settled).toEqual(["settled"])
      },
    }
    // Plans that serve any values are made now, when there is next to nothing.
    for (let round = 0; round < 8; round++) for (const step of Object.values(steps)) await step()
    for (let n = 0; n < 3; n++) await store.enqueue(Array.from({ length: 1_000 }, () => testJob()))
    for (const [name, step] of Object.entries(steps)) {
      expect(await rowsRead(world, step), name).toBeLessThan(200)
    }
  },
)

/** Makes 60 000 jobs that ended, oldest first, as rows of the trail that tell of so many each; the last 20 000 in another queue. */
async function fillHistory({ store, client }: TestStore, batch = 600): Promise<void> {
  await store.enqueue([testJob({ queue: "old" }), testJob({ queue: "new" })])
  await client.query(`
    with u as (
      select n / ${batch} + 100000 as seq, n % ${batch} as i, case when n < 40000 then 'old' else 'new' end as queue,
        ('019c0000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid as id
      from generate_series(0, 59999) n
    ), told as (
      insert into trail (seq, at, from_state, to_state, jobs, prevs, bytes)
      select u.seq, u.seq, 2, 4, array_agg(u.id order by u.i), array_agg(1::bigint), 256 * count(*) from u group by u.seq
    )
    insert into job (id, rank, run_at, enqueued_at, trail, finished_at, lane, attempt, max_attempts, max_crashes, state,
      priority, input)
    select u.id, 0, 0, 0, u.seq * 1024 + u.i, u.seq, l.id, 1, 5, 3, 4, 1, '{}'
    from u join lane l on l.queue = u.queue`)
}

const ANALYZE = "vacuum analyze job, trail, claim, lane"

test.skipIf(isUncounted)(
  "few jobs among many finished ones are counted and listed by the indexes that name them",
  async () => {
    await using world = await openTestStore({ max: 1 })
    const { store, client } = world
    // Statistics of a backlog that is worked off by now.
    for (let n = 0; n < 10; n++) await store.enqueue(Array.from({ length: 1_000 }, () => testJob()))
    await fillHistory(world)
    await client.query(ANALYZE)
    const ended = `state = 4, waits = null, finished_at = 1`
    await client.query(
      `update job set ${ended} where id in (select id from job where waits = 1 order by id offset 9)`,
    )
    const states = ["scheduled", "available", "running", "retryable"] as const
    const steps: Record<string, () => Promise<unknown>> = {
      count: async () => expect(await store.count({ states }, 100_000)).toBe(9),
      misspelt: async () => {
        const page = { limit: 20, after: null }
        expect(await store.list({ kinds: ["mial"] }, page)).toEqual({ jobs: [], next: null })
        expect(await store.count({ kinds: ["mail"], queues: ["mial"] }, 100_000)).toBe(0)
      },
      list: async () => {
        const { jobs, next } = await store.list({ states }, { limit: 20, after: null })
        expect([jobs.length, next]).toEqual([9, null])
        expect(jobs.map(({ id }) => id)).toEqual(
          jobs
            .map(({ id }) => id)
            .toSorted()
            .toReversed(),
        )
      },
    }
    expect(await rowsRead(world, steps["list"]!), "list").toBeLessThan(30_000)
    expect(await rowsRead(world, steps["misspelt"]!), "misspelt").toBeLessThan(100)
    // One piece of a walk, and the entries of the backlog that nobody has removed yet.
    expect(await rowsRead(world, steps["count"]!), "count").toBeLessThan(60_000)
  },
)

test("jobs that have completed are counted from the newest end", async () => {
  await using world = await openTestStore()
  await fillHistory(world)
  await world.client.query(ANALYZE)
  const counts = await world.store.queueCounts(10_000)
  expect(counts.map(({ queue, counts: { completed } }) => [queue, completed])).toEqual([
    ["new", 10_000],
    ["old", 0],
  ])
})

for (const batch of [600, 1]) {
  test.skipIf(isUncounted)(
    `the oldest of many jobs that finished ${batch} at once are found without reading all of them`,
    async () => {
      await using world = await openTestStore({ max: 1 })
      const { prune } = await asLeader(world.store)
      const keep = { completedMs: 0, discardedMs: 0, cancelledMs: 0, bytes: false } as const
      const look = async () => expect(await prune(keep, 100)).toEqual({ jobs: 100, more: true })
      // Planned for any values when there was nothing.
      await prune(keep, 100)
      await fillHistory(world, batch)
      expect(await rowsRead(world, look)).toBeLessThan(10_000)
      await world.client.query(ANALYZE)
      expect(await rowsRead(world, look), "planned anew").toBeLessThan(10_000)
    },
  )
}

test.skipIf(isUncounted)(
  "how much a long history takes is known without reading all of it, and so are its oldest jobs",
  async () => {
    await using world = await openTestStore({ max: 1 })
    const { store, client } = world
    // Before others, and with few of them on a page.
    await client.query(`
      insert into trail (seq, at, from_state, to_state, jobs, prevs, bytes, reasons)
      select 1000000 + n, 1000000 + n, 2, 4, array[gen_random_uuid()], array[1], 1000 + n % 7 * 100, array[repeat('x', 1500)]
      from generate_series(1, 40000) n`)
    await fillHistory(world, 1)
    await client.query(ANALYZE)
    const { rows } = await client.query("select sum(bytes)::float8 as bytes from trail")
    const { bytes } = (rows as { bytes: number }[])[0]!
    const { prune } = await asLeader(store)
    const keep = { completedMs: false, discardedMs: false, cancelledMs: false } as const
    const few = async () =>
      expect(await prune({ ...keep, bytes: bytes * 1.1 }, 100)).toEqual({ jobs: 0, more: false })
    expect(await rowsRead(world, few)).toBeLessThan(50_000)
    const many = async () =>
      expect(await prune({ ...keep, bytes: bytes * 0.9 }, 100)).toEqual({ jobs: 100, more: true })
    // It looks before it writes, when it does and afterwards.
    expect(await rowsRead(world, many)).toBeLessThan(3 * 50_000)
    const checks = await store.doctor()
    const taken = checks.find(({ check }) => check === "finished_bytes")
    expect(Math.abs((taken?.value as number) / bytes - 1)).toBeLessThan(0.1)
  },
)

test("the oldest finished jobs are found behind any number of rows whose jobs ran again", async () => {
  await using world = await openTestStore()
  const { store } = world
  const facts = { workerId: "w", token: 7, leaseMs: 3_600_000, host: "h", pid: 1, info: "{}" }
  const worker = await store.registerWorker(facts)
  const jobs = [testJob(), testJob(), testJob()]
  let token = 0
  const completeEach = async () => {
    for (const _ of jobs) {
      const claims = [{ queue: "default", kinds: ["mail"], limit: 1 }]
      const ask = { worker, token: ++token, repeat: false, solo: false }
      const { claimed } = await store.exchange({ ...ask, settlements: [], claims })
      const settlement = { to: "completed", result: null } as const
      const settlements = claimed.map((attempt) => ({ attempt, settlement }))
      const reply = await store.exchange({ ...ask, token: ++token, settlements, claims: [] })
      expect(reply.settled).toEqual(["settled"])
    }
  }
  await store.enqueue(jobs)
  await completeEach()
  const ids = jobs.map(({ id }) => id)
  await store.act("retry", { ids }, { actor: "test", reason: "again", limit: 10 })
  await completeEach()
  const { prune } = await asLeader(store)
  const keep = { completedMs: false, discardedMs: false, cancelledMs: false, bytes: 0 } as const
  expect(await prune(keep, 2)).toEqual({ jobs: 2, more: true })
  expect(await prune(keep, 2)).toEqual({ jobs: 1, more: false })
})
