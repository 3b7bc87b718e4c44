import { createHash } from "node:crypto"
import { afterEach, beforeEach, expect, test } from "vitest"
import { Events } from "../events/index.ts"
import type { ClaimedJob, NewJob, NewUnique, Store, WorkerRef } from "../store/index.ts"
import { systemClock, systemRng } from "../time/index.ts"
import { lockWait } from "./fixtures/lockWait.ts"
import { connectTest, freshSchema, testServerUrl } from "./fixtures/testServer.ts"
import { postgres } from "./index.ts"
import { newJobsText } from "./newJobText.ts"

// What several connections do at the same instant, over and over. Each rule must hold whoever comes first.

const ROUNDS = 15
const operator = { actor: "ann", reason: "no", limit: 1_000 }

let schema: string
let stores: Store[]
let ids = 0
let tokens = 0

beforeEach(async () => {
  schema = freshSchema()
  const source = postgres({ url: await testServerUrl(), schema, max: 4 })
  stores = []
  for (let n = 0; n < 4; n++) {
    const store = source.connect({ clock: systemClock, rng: systemRng, events: new Events() })
    await store.open({ migrate: true })
    stores.push(store)
  }
})

afterEach(async () => {
  for (const store of stores) await store.close()
  const sql = await connectTest()
  await sql.query(`drop schema ${schema} cascade`)
  await sql.end()
})

function store(n = 0): Store {
  return stores[n % stores.length]!
}

function job(over: Partial<NewJob> = {}): NewJob {
  const id = `019b0000-0000-7000-8000-${(++ids).toString(16).padStart(12, "0")}`
  return {
    ...{ id, kind: "mail", queue: "default", priority: 1, input: "{}", delayMs: 0, runAt: null },
    ...{ expireMs: null, maxAttempts: 5, maxCrashes: 3, timeoutMs: null, retry: null },
    ...{ tags: [], metadata: null, unique: null },
    ...over,
  }
}

function unique(key: string, over: Partial<NewUnique> = {}): NewUnique {
  const hash = createHash("sha256").update(key).digest()
  const states = ["scheduled", "available", "running", "retryable"] as const
  return { hash, label: key, mode: "skip", states, forMs: null, maxWaitMs: null, ...over }
}

async function register(of: Store, id: string): Promise<WorkerRef> {
  const facts = { leaseMs: 60_000, host: "h", pid: 1, info: "{}" }
  return of.registerWorker({ workerId: id, token: ++tokens, ...facts })
}

async function claim(of: Store, worker: WorkerRef, limit: number): Promise<readonly ClaimedJob[]> {
  const claims = [{ queue: "default", kinds: ["mail"], limit }]
  const request = { settlements: [], claims, token: ++tokens, repeat: false, solo: false }
  return (await of.exchange({ worker, ...request })).claimed
}

async function settle(
  of: Store,
  worker: WorkerRef,
  attempts: readonly ClaimedJob[],
): Promise<readonly string[]> {
  const settlements = attempts.map((attempt) => ({
    attempt,
    settlement: { to: "completed", result: "1" } as const,
  }))
  const request = { settlements, claims: [], token: ++tokens, repeat: false, solo: false }
  return (await of.exchange({ worker, ...request })).settled
}

test("of many claims at once each job goes to one, and none is left behind", async () => {
  const workers = await Promise.all(stores.map((each, n) => register(each, `w${n}`)))
  await store().enqueue(Array.from({ length: 600 }, () => job()))
  const seen: string[] = []
  const drain = async (n: number): Promise<void> => {
    for (;;) {
      const claimed = await claim(store(n), workers[n % 4]!, 7)
      if (claimed.length === 0) return
      seen.push(...claimed.map(({ jobId }) => jobId))
    }
  }
  await Promise.all(Array.from({ length: 8 }, (_, n) => drain(n)))
  expect(new Set(seen).size).toBe(seen.length)
  expect(seen).toHaveLength(600)
})

test("a cancel and a claim at once: the job never ran, or its worker is asked to stop", async () => {
  const worker = await register(store(), "w")
  for (let round = 0; round < ROUNDS; round++) {
    const jobs = Array.from({ length: 20 }, () => job())
    await store().enqueue(jobs)
    const chosen = { ids: jobs.map(({ id }) => id) }
    const [claimed, reply] = await Promise.all([
      claim(store(0), worker, 20),
      store(1).act("cancel", chosen, operator),
    ])
    expect(reply.refused).toEqual([])
    expect(reply.changed.length + reply.requested.length).toBe(20)
    const running = new Set(claimed.map(({ jobId }) => jobId))
    expect(reply.changed.filter((id) => running.has(id))).toEqual([])
    expect(new Set(reply.requested)).toEqual(running)
    const { cancels } = await store(0).peek({ worker, queues: [] })
    expect(new Set(cancels.map(({ jobId }) => jobId))).toEqual(running)
    await settle(store(0), worker, claimed)
  }
})

test("a settlement and a hand-back at once: one of them, never both", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const worker = await register(store(), `w${round}`)
    const jobs = Array.from({ length: 20 }, () => job())
    await store().enqueue(jobs)
    const claimed = await claim(store(), worker, 20)
    const [settled] = await Promise.all([
      settle(store(0), worker, claimed),
      store(1).retireWorker(worker),
    ])
    for (const [index, { jobId }] of claimed.entries()) {
      const { state, interruptions } = (await store(2).get(jobId))!
      const expected = settled[index] === "settled" ? ["completed", 0] : ["available", 1]
      expect([state, interruptions], settled[index]).toEqual(expected)
    }
    await store().act("delete", { ids: jobs.map(({ id }) => id) }, operator)
  }
})

test("of unique enqueues at once one job is made for each key, and all are told of it", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const keys = Array.from({ length: 5 }, (_, n) => `${round}/${n}`)
    // In all orders, so that calls would wait for each other in a ring if they locked keys as they come.
    const calls = Array.from({ length: 8 }, (_, n) => {
      const turned = [...keys.slice(n % 5), ...keys.slice(0, n % 5)]
      return store(n).enqueue(turned.map((key) => job({ unique: unique(key), tags: [key] })))
    })
    const outcomes = (await Promise.all(calls)).flat()
    expect(outcomes.filter(({ status }) => status === "enqueued")).toHaveLength(5)
    expect(new Set(outcomes.map(({ id }) => id)).size).toBe(5)
  }
})

test("batches with the same keys in opposite orders, sent twice, beside claims: one job a key, and no deadlock", async () => {
  const worker = await register(store(), "w")
  const sql = await connectTest()
  const deadlocks = "select deadlocks from pg_stat_database where datname = current_database()"
  const before = (await sql.query(deadlocks)).rows
  for (let round = 0; round < ROUNDS; round++) {
    const keys = Array.from({ length: 50 }, (_, n) => `b${round}/${n}`)
    const batches = [keys, keys.toReversed(), keys, keys.toReversed()].map((order) =>
      order.map((key) => job({ unique: unique(key) })),
    )
    // Each twice at once, as after a reply that was lost.
    const calls = [...batches, ...batches].map((batch, n) => store(n).enqueue(batch))
    const [outcomes, early] = await Promise.all([Promise.all(calls), claim(store(3), worker, 20)])
    const made = outcomes.flat().filter(({ status }) => status === "enqueued")
    expect(new Set(made.map(({ id }) => id)).size).toBe(50)
    expect(made).toHaveLength(50)
    expect(new Set(outcomes.flat().map(({ id }) => id)).size).toBe(50)
    const late = await claim(store(1), worker, 100)
    expect(new Set([...early, ...late].map(({ jobId }) => jobId)).size).toBe(50)
    await settle(store(0), worker, [...early, ...late])
  }
  await sql.query("select pg_stat_clear_snapshot()")
  expect((await sql.query(deadlocks)).rows).toEqual(before)
  await sql.end()
})

test("a batch with keys of which somebody adds one by another key in between is still all there, and that one once", async () => {
  const late = await connectTest()
  const [first, second] = [job({ unique: unique("x") }), job({ unique: unique("y") })]
  await store().enqueue([job({ unique: unique("z") })])
  await late.query("begin")
  // Under another key, so that the batch does not wait for it before it writes.
  const other = newJobsText([{ ...second, unique: unique("other") }])
  await late.query(`select * from ${schema}.enqueue_2($1::text::jsonb)`, [other])
  const batch = store().enqueue([first, second, job({ unique: unique("y") })])
  await lockWait(late, schema)
  await late.query("commit")
  await late.end()
  const statuses = (await batch).map(({ status }) => status)
  expect(statuses).toEqual(["enqueued", "repeated", "enqueued"])
  expect(await store(1).count({ uniqueKey: "y" }, 10)).toBe(1)
})

test("a replacement and a claim at once: the newest input is never lost", async () => {
  const worker = await register(store(), "w")
  const states = ["scheduled", "available", "retryable"] as const
  for (let round = 0; round < ROUNDS; round++) {
    const mode = { mode: "replace", states } as const
    const key = unique(`r${round}`, mode)
    await store().enqueue([job({ unique: key, input: "1" })])
    const [claimed, [outcome]] = await Promise.all([
      claim(store(0), worker, 10),
      store(1).enqueue([job({ unique: key, input: "2" })]),
    ])
    const late = await claim(store(2), worker, 10)
    const inputs = [...claimed, ...late].map(({ input }) => input)
    expect(inputs, outcome?.status).toContain("2")
    expect(inputs.length).toBe(outcome?.status === "replaced" ? 1 : 2)
    await settle(store(0), worker, [...claimed, ...late])
  }
})

test("throttles at once: one job now, one at the end of the window, whoever comes first", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const key = unique(`t${round}`, { mode: "throttle", forMs: 60_000 })
    const calls = Array.from({ length: 8 }, (_, n) => store(n).enqueue([job({ unique: key })]))
    const outcomes = (await Promise.all(calls)).flat()
    const made = outcomes.filter(({ status }) => status === "enqueued")
    expect(made.map(({ state }) => state).toSorted()).toEqual(["available", "scheduled"])
    expect(outcomes.filter(({ status }) => status === "replaced")).toHaveLength(6)
  }
})

test("a queue that is paused gives nothing to a claim that begins afterwards", async () => {
  const worker = await register(store(), "w")
  for (let round = 0; round < ROUNDS; round++) {
    await store().enqueue([job()])
    const before = claim(store(0), worker, 10)
    await store(1).setQueue("default", { paused: true }, "ann")
    const after = await claim(store(2), worker, 10)
    expect(after).toEqual([])
    await store(1).setQueue("default", { paused: false }, "ann")
    const rest = await claim(store(2), worker, 10)
    expect((await before).length + rest.length).toBe(1)
    await settle(store(0), worker, [...(await before), ...rest])
  }
})

test("a claim that commits after its worker was ended is given back by a later registration or rescue", async () => {
  const late = await connectTest()
  const first = await register(store(), "w")
  await store().enqueue([job()])
  // A claim that was under way: its rows are written, its commit comes after the end of its worker.
  await late.query("begin")
  await late.query(
    `with j as (
       update ${schema}.job set state = 2, waits = null, attempt = 1, worker = $1, token = 5, started_at = 1 returning id
     )
     insert into ${schema}.claim (worker, seq, token, at, jobs) select $1, 1000000, 5, 1, array_agg(id) from j`,
    [first.ref],
  )
  const second = await register(store(1), "w")
  await late.query("commit")
  await late.end()
  expect(second.ref).not.toBe(first.ref)
  const [running] = (await store().list({ states: ["running"] }, { limit: 10, after: null })).jobs
  expect(running?.workerId).toBe("w")
  const bid = { candidate: { id: "l", host: "h", pid: 1, info: "{}" }, token: 9, ttlMs: 60_000 }
  const won = await store().bid(bid)
  if (!won.won) throw new Error("nobody else leads here")
  const term = { term: won.term, token: 9 }
  const request = { term, deadWorkers: [], expiredLeases: true, limit: 10 }
  expect(await store().rescue(request)).toMatchObject([{ jobId: running!.id, state: "available" }])
  expect((await store().get(running!.id))?.interruptions).toBe(1)
})
