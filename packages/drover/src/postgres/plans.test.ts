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

/** Makes 60 000 jobs that ended, oldest first, as rows of the trail that tell of 600 each; the last 20 000 in another queue. */
async function fillHistory({ store, client }: TestStore): Promise<void> {
  await store.enqueue([testJob({ queue: "old" }), testJob({ queue: "new" })])
  await client.query(`
    with u as (
      select n / 600 + 100000 as seq, n % 600 as i, case when n < 40000 then 'old' else 'new' end as queue,
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
  await client.query("vacuum analyze job, trail, claim, lane")
}

test.skipIf(isUncounted)(
  "few jobs among many finished ones are counted and listed by the indexes that name them",
  async () => {
    await using world = await openTestStore({ max: 1 })
    const { store, client } = world
    // Statistics of a backlog that is worked off by now.
    for (let n = 0; n < 10; n++) await store.enqueue(Array.from({ length: 1_000 }, () => testJob()))
    await fillHistory(world)
    const ended = `state = 4, waits = null, finished_at = 1`
    await client.query(
      `update job set ${ended} where id in (select id from job where waits = 1 order by id offset 9)`,
    )
    const states = ["scheduled", "available", "running", "retryable"] as const
    const steps: Record<string, () => Promise<unknown>> = {
      count: async () => expect(await store.count({ states }, 100_000)).toBe(9),
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
    // One piece of a walk, and the entries of the backlog that nobody has removed yet.
    expect(await rowsRead(world, steps["count"]!), "count").toBeLessThan(60_000)
  },
)

test("jobs that have completed are counted from the newest end", async () => {
  await using world = await openTestStore()
  await fillHistory(world)
  const counts = await world.store.queueCounts(10_000)
  expect(counts.map(({ queue, counts: { completed } }) => [queue, completed])).toEqual([
    ["new", 10_000],
    ["old", 0],
  ])
})

test.skipIf(isUncounted)(
  "the oldest of many finished jobs are found without reading all of them",
  async () => {
    await using world = await openTestStore({ max: 1 })
    await fillHistory(world)
    const { prune } = await asLeader(world.store)
    const keep = { completedMs: 0, discardedMs: 0, cancelledMs: 0, bytes: false } as const
    const look = async () => expect(await prune(keep, 100)).toEqual({ jobs: 100, more: true })
    expect(await rowsRead(world, look)).toBeLessThan(10_000)
  },
)
