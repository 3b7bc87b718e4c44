import { DatabaseSync, StatementSync } from "node:sqlite"
import { expect, test, vi } from "vitest"
import { Events } from "../events/index.ts"
import type { ClaimedJob, NewJob, Store } from "../store/index.ts"
import { ManualClock, SeededRng } from "../time/index.ts"
import { sqliteShared } from "./index.ts"

const db = new DatabaseSync(":memory:")
let ids = 0

async function open(): Promise<{ readonly store: Store; readonly clock: ManualClock }> {
  const clock = new ManualClock()
  const environment = { clock, rng: new SeededRng("hot"), events: new Events() }
  const store = sqliteShared(db).connect(environment)
  await store.open({ migrate: true })
  return { store, clock }
}

function job(over: Partial<NewJob> = {}): NewJob {
  const id = `019b0000-0000-7000-8000-${String(++ids).padStart(12, "0")}`
  return {
    ...{ id, kind: "a", queue: "q", priority: 1, input: "{}", delayMs: 0, runAt: null },
    ...{ expireMs: null, maxAttempts: 5, maxCrashes: 3, timeoutMs: null, retry: null, tags: [] },
    ...{ metadata: null, unique: null },
    ...over,
  }
}

function uniqueJob(mode: "skip" | "replace" | "debounce" | "throttle"): NewJob {
  const states = ["scheduled", "available", "running", "retryable"] as const
  const hash = new Uint8Array(32).fill(mode.length)
  return job({ unique: { hash, label: mode, mode, states, forMs: 1_000, maxWaitMs: 5_000 } })
}

/** Every statement that a function makes the database run. */
async function statementsOf(body: () => Promise<unknown>): Promise<string[]> {
  const prepare = vi.spyOn(DatabaseSync.prototype, "prepare")
  try {
    await body()
    return [...new Set(prepare.mock.calls.map(([sql]) => sql))]
  } finally {
    prepare.mockRestore()
  }
}

function planOf(sql: string): string[] {
  const rows = db.prepare(`explain query plan ${sql}`).all() as { detail: string }[]
  return rows.map(({ detail }) => detail)
}

test("no statement of enqueue, exchange, peek, beat or finished walks or sorts a table", async () => {
  const statements = await statementsOf(async () => {
    const { store, clock } = await open()
    const identity = { workerId: "w", token: 1, leaseMs: 900_000, host: "h", pid: 1, info: "{}" }
    const worker = await store.registerWorker(identity)
    const queues = [
      { queue: "q", kinds: ["a"] },
      { queue: "q2", kinds: ["a", "b", "c"] },
    ]
    const claims = queues.map((queue) => ({ ...queue, limit: 100 }))
    const request = { worker, claims, token: 3, repeat: false, solo: false }
    const kinds = ["a", "b", "c"].map((kind) => job({ kind, queue: "q2" }))
    await store.enqueue([...kinds, job({ delayMs: 10 }), job({ input: `"${"x".repeat(3_000)}"` })])
    for (const mode of ["skip", "replace", "debounce", "throttle"] as const) {
      await store.enqueue([uniqueJob(mode)])
      await store.enqueue([uniqueJob(mode)])
    }
    await clock.advance(100)
    await store.peek({ worker, queues })
    const { claimed } = await store.exchange({ ...request, settlements: [] })
    expect(claimed.length).toBeGreaterThan(5)
    const ends = [
      "completed",
      "crashed",
      "interrupted",
      "retryable",
      "snoozed",
      "cancelled",
    ] as const
    const error = { name: "E", message: "m" }
    const settlements = claimed.map((attempt, index) => {
      const rest = { result: null, reason: "r", error, delayMs: 5 }
      const settlement = { to: ends[index % ends.length] ?? "completed", ...rest }
      return { attempt, settlement: settlement as never }
    })
    await store.exchange({ ...request, settlements })
    await store.exchange({ ...request, settlements, repeat: true, solo: true })
    await store.beat(worker, 1_000)
    await store.finished(claimed.map(({ jobId }) => jobId))
    await store.close()
  })
  expect(statements.length).toBeGreaterThan(25)
  const costly = statements
    .filter((sql) => /^(select|insert|update|delete|with)/.test(sql) && /drover_/.test(sql))
    .map((sql) => [sql, planOf(sql).filter((step) => /SCAN (drover_|j\b)|TEMP B-TREE/.test(step))])
    .filter(([, steps]) => steps?.length !== 0)
    // As many rows as queues that an operator has touched; and what one worker runs, once after a lost reply.
    .filter(
      ([sql]) =>
        !/from drover_(queue order by name|limit order by id|keyed_lane)|and token = \? order by rank|from drover_migration$/.test(
          String(sql),
        ),
    )
  expect(costly).toEqual([])
})

test("a claim numbers the trail of jobs that lie apart without holes that grow with the distance", async () => {
  const { store } = await open()
  const identity = { workerId: "far", token: 1, leaseMs: 900_000, host: "h", pid: 1, info: "{}" }
  const worker = await store.registerWorker(identity)
  const claim = async (kind: string): Promise<readonly ClaimedJob[]> => {
    const claims = [{ queue: "far", kinds: [kind], limit: 100 }]
    const request = { worker, settlements: [], claims, token: 9, repeat: false, solo: false }
    return (await store.exchange(request)).claimed
  }
  const jobs = Array.from({ length: 3_000 }, (_, index) =>
    job({ queue: "far", kind: index % 500 === 0 ? "rare" : "common" }),
  )
  await store.enqueue(jobs)
  const before = (await store.trailAfter(null, 0)).seq
  expect((await claim("rare")).length).toBe(6)
  expect((await store.trailAfter(null, 0)).seq - before).toBeLessThan(500)
  const common = await claim("common")
  expect(common.length).toBe(100)
  for (const { jobId } of common) {
    const entries = await store.trail(jobId)
    expect(entries.map(({ from, to, attempt }) => [from, to, attempt])).toEqual([
      [null, "available", 0],
      ["available", "running", 1],
    ])
  }
  await store.close()
})

test("more kinds than one statement can merge are claimed in the same order", async () => {
  const { store } = await open()
  const identity = { workerId: "many", token: 1, leaseMs: 900_000, host: "h", pid: 1, info: "{}" }
  const worker = await store.registerWorker(identity)
  const kinds = Array.from({ length: 450 }, (_, index) => `kind ${index}`)
  const jobs = kinds.map((kind, index) =>
    job({ queue: "many", kind, priority: (index * 7) % 1_000 }),
  )
  await store.enqueue(jobs)
  const claims = [{ queue: "many", kinds, limit: 450 }]
  const request = { worker, settlements: [], claims, token: 9, repeat: false, solo: false }
  const { claimed } = await store.exchange(request)
  const expected = jobs.toSorted((a, b) => a.priority - b.priority).map(({ id }) => id)
  expect(claimed.map(({ jobId }) => jobId)).toEqual(expected)
  await store.close()
})

test("a claim of many kinds takes the first jobs of all lanes, and merges no lane that gives none of them", async () => {
  const { store } = await open()
  const identity = { workerId: "wide", token: 1, leaseMs: 900_000, host: "h", pid: 1, info: "{}" }
  const worker = await store.registerWorker(identity)
  const kinds = Array.from({ length: 300 }, (_, index) => `kind ${index}`)
  const inLane = (kind: string, at: number): NewJob[] =>
    [3, 1, 2].map((n) => job({ queue: "wide", kind, priority: ((at * 7) % 300) * 3 + n * 40 }))
  const jobs = kinds.flatMap(inLane)
  await store.enqueue(jobs)
  const claims = [{ queue: "wide", kinds, limit: 3 }]
  const request = { worker, settlements: [], claims, repeat: false, solo: false }
  const ids: string[] = []
  const statements = await statementsOf(async () => {
    for (let token = 10; token < 20; token++)
      ids.push(...(await store.exchange({ ...request, token })).claimed.map(({ jobId }) => jobId))
  })
  const expected = jobs.toSorted((a, b) => a.priority - b.priority || (a.id < b.id ? -1 : 1))
  expect(ids).toEqual(expected.slice(0, 30).map(({ id }) => id))
  const arms = statements.map((sql) => sql.split(" union all ").length)
  expect(Math.max(...arms)).toBe(4)
  const [heads] = statements.filter((sql) => sql.startsWith("select l.value"))
  expect(planOf(heads!).join()).toMatch(
    /SEARCH drover_job USING COVERING INDEX drover_job_(ready|due)/,
  )
  await store.close()
})

test("a look at many kinds asks once for each queue which of them it has", async () => {
  const { store } = await open()
  const identity = { workerId: "look", token: 1, leaseMs: 900_000, host: "h", pid: 1, info: "{}" }
  const worker = await store.registerWorker(identity)
  const kinds = Array.from({ length: 300 }, (_, index) => `kind ${index}`)
  await store.enqueue([job({ queue: "sparse", kind: "kind 299" })])
  const get = vi.spyOn(StatementSync.prototype, "get")
  const queues = ["sparse", "bare"].map((queue) => ({ queue, kinds }))
  expect(await store.peek({ worker, queues })).toMatchObject({ claimable: ["sparse"] })
  const asked = get.mock.contexts.map((statement) => (statement as StatementSync).sourceSQL)
  get.mockRestore()
  expect(asked.length).toBeGreaterThan(0)
  expect(asked.filter((sql) => sql.includes("from drover_lane"))).toEqual([])
  // A lane that was made since is seen by the next one.
  await store.enqueue([job({ queue: "bare", kind: "kind 7" })])
  expect(await store.peek({ worker, queues })).toMatchObject({ claimable: ["sparse", "bare"] })
  await store.close()
})

test("batches of every size keep order, link their trail and skip what is there", async () => {
  const { store } = await open()
  for (const size of [1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 85, 149]) {
    const batch = Array.from({ length: size }, () => job({ queue: "sizes" }))
    const half = batch.filter((_, index) => index % 2 === 0)
    await store.enqueue(half)
    const outcomes = await store.enqueue(batch)
    expect(outcomes.map(({ id }) => id)).toEqual(batch.map(({ id }) => id))
    const expected = batch.map((_, index) => (index % 2 === 0 ? "repeated" : "enqueued"))
    expect(outcomes.map(({ status }) => status)).toEqual(expected)
  }
  const broken = db
    .prepare(
      "select count(*) as n from drover_job j left join drover_trail t on t.seq = j.trail where t.job is not j.seq",
    )
    .get()
  expect(broken).toEqual({ n: 0 })
  const counted = db
    .prepare(
      "select count(*) as jobs, max(seq) <= max_seq as fits from drover_job, (select job_seq as max_seq from drover_pulse)",
    )
    .get()
  expect(counted?.["fits"]).toBe(1)
  await store.close()
})
