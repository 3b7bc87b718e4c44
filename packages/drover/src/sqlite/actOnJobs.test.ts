import { createHash } from "node:crypto"
import { DatabaseSync } from "node:sqlite"
import { beforeEach, expect, test } from "vitest"
import { Events } from "../events/index.ts"
import type { JobSelection, NewJob, Settlement, Store } from "../store/index.ts"
import { ManualClock, SeededRng } from "../time/index.ts"
import { sqliteShared } from "./index.ts"

let store: Store
let clock: ManualClock
let ids: number

beforeEach(async () => {
  clock = new ManualClock()
  ids = 0
  const environment = { clock, rng: new SeededRng("act"), events: new Events() }
  store = sqliteShared(new DatabaseSync(":memory:")).connect(environment)
  await store.open({ migrate: true })
})

function job(over: Partial<NewJob> = {}): NewJob {
  const id = `019b0000-0000-7000-8000-${String(++ids).padStart(12, "0")}`
  return {
    ...{ id, kind: "mail", queue: "default", priority: 1, input: "{}", delayMs: 0, runAt: null },
    ...{ expireMs: null, maxAttempts: 5, maxCrashes: 3, timeoutMs: null, retry: null, tags: [] },
    ...{ metadata: null, unique: null },
    ...over,
  }
}

function keyed(key: string): NewJob {
  const hash = createHash("sha256").update(key).digest()
  const states = ["scheduled", "available", "running", "retryable"] as const
  const how = { mode: "skip", states, forMs: null, maxWaitMs: null } as const
  return job({ unique: { hash, label: key, ...how } })
}

async function run(settlement: Settlement, solo = false): Promise<void> {
  const identity = {
    workerId: `w${++ids}`,
    token: 1,
    leaseMs: 30_000,
    host: "h",
    pid: 1,
    info: "{}",
  }
  const worker = await store.registerWorker(identity)
  const claims = [{ queue: "default", kinds: ["mail"], limit: 10 }]
  const request = { worker, settlements: [], claims, token: 3, repeat: false, solo }
  const { claimed } = await store.exchange(request)
  const settlements = claimed.map((attempt) => ({ attempt, settlement }))
  await store.exchange({ ...request, settlements, claims: [] })
}

async function enqueueOne(job: NewJob): Promise<{ readonly id: string }> {
  await store.enqueue([job])
  return job
}

const options = { actor: "ann", reason: "because", limit: 10_000 }

test("an action over more jobs than one transaction takes reaches all that match, oldest first", async () => {
  const jobs = Array.from({ length: 7_000 }, (_, at) => job({ tags: at % 5 === 4 ? ["x"] : [] }))
  await store.enqueue(jobs)
  const marked = jobs.filter(({ tags }) => tags.length > 0).map(({ id }) => id)
  const first = await store.act("discard", { tags: ["x"] }, { ...options, limit: 1_100 })
  expect(first.changed).toEqual(marked.slice(0, 1_100))
  const rest = await store.act("discard", { tags: ["x"] }, options)
  expect(rest.changed).toEqual(marked.slice(1_100))
  expect(await store.count({ states: ["available"] }, 10_000)).toBe(5_600)
})

test("jobs that the action cannot reach do not stand in the way of those it can", async () => {
  await store.enqueue([job(), job()])
  await run({ to: "completed", result: null })
  await store.enqueue([job()])
  const reply = await store.act("cancel", { queues: ["default"] }, { ...options, limit: 1 })
  expect(reply.changed).toHaveLength(1)
  expect(reply.refused).toEqual([])
})

test("states that are named are taken at their word", async () => {
  await store.enqueue([job()])
  await run({ to: "completed", result: null })
  const selection: JobSelection = { states: ["completed"] }
  const reply = await store.act("cancel", selection, options)
  expect(reply.refused).toHaveLength(1)
})

test("a finished job is not retried while another holds its unique key", async () => {
  const [former] = await store.enqueue([keyed("k")])
  await run({ to: "discarded", reason: "no", failed: true, error: null })
  const [latter] = await store.enqueue([keyed("k")])
  const ids = [former?.id ?? ""]
  expect(await store.act("retry", { ids }, options)).toMatchObject({ changed: [], refused: ids })
  await store.act("delete", { ids: [latter?.id ?? ""] }, options)
  expect(await store.act("retry", { ids }, options)).toMatchObject({ changed: ids })
  expect((await store.enqueue([keyed("k")]))[0]).toMatchObject({ status: "duplicate", id: ids[0] })
})

test("a job that crashed still runs alone after a retry by hand", async () => {
  await store.enqueue([job({ maxCrashes: 1 })])
  await run({ to: "crashed", reason: "died", error: null })
  await store.act("retry", {}, options)
  await run({ to: "completed", result: "1" })
  expect(await store.count({ states: ["completed"] }, 10)).toBe(0)
  await run({ to: "completed", result: "1" }, true)
  expect(await store.count({ states: ["completed"] }, 10)).toBe(1)
})

test("an edit moves a large input out of the row and a small one back", async () => {
  const { id } = await enqueueOne(job())
  const large = JSON.stringify("x".repeat(10_000))
  for (const input of [large, "1", large, "2"]) {
    expect(await store.edit(id, { input }, "ann")).toBe("edited")
    expect((await store.get(id))?.input).toBe(input)
  }
})

test("an expiry moves with the due time that it counts from", async () => {
  const { id } = await enqueueOne(job({ expireMs: 1_000 }))
  const before = (await store.get(id))?.expiresAt ?? 0
  await store.edit(id, { delayMs: 60_000 }, "ann")
  expect((await store.get(id))?.expiresAt).toBe(before + 60_000)
})

test("an edit says in the trail what was changed, and by whom", async () => {
  const { id } = await enqueueOne(job())
  await store.edit(id, { priority: 2, queue: "media" }, "ann")
  expect((await store.trail(id)).at(-1)).toMatchObject({
    from: "available",
    to: "available",
    actor: "ann",
    reason: "edited: priority, queue",
  })
})
