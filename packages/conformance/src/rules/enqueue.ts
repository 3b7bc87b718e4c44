import { expect } from "vitest"
import type { ClaimedJob, JobRow, NewJob } from "drover/store"
import type { Rules } from "../rules.ts"
import { hour, minute, second } from "../world.ts"

/** Taking jobs: nothing twice, nothing half, and what was given is what comes back. */
export const enqueueRules: Rules = {
  "a job without delay is available and due now": async (world) => {
    const before = await world.store.now()
    const outcome = await world.enqueue()
    expect(outcome).toMatchObject({ status: "enqueued", state: "available" })
    const row = await world.get(outcome.id)
    expect(row.enqueuedAt).toBeGreaterThanOrEqual(before)
    expect(row.enqueuedAt).toBeLessThanOrEqual(await world.store.now())
    expect(row.runAt).toBe(row.enqueuedAt)
    expect(row).toMatchObject({ state: "available", attempt: 0, startedAt: null, finishedAt: null })
  },

  "everything that was given comes back": async (world) => {
    const job = world.job({
      kind: "image.resize",
      queue: "media",
      priority: 1000,
      input: '{"width":200,"é":[1,2.5,null,true,"x"]}',
      expireMs: hour,
      maxAttempts: 7,
      maxCrashes: 2,
      timeoutMs: 1_500,
      retry: '{"policy":"fixed"}',
      tags: ["a", "b"],
      metadata: '{"by":"ann"}',
      unique: world.unique("invoice 7"),
    })
    await world.store.enqueue([job])
    const row = await world.get(job.id, world.other)
    const { id, kind, queue, priority, input, maxAttempts, maxCrashes, timeoutMs, retry } = job
    const given = { id, kind, queue, priority, input, maxAttempts, maxCrashes, timeoutMs, retry }
    expect(row).toMatchObject({ ...given, tags: ["a", "b"], metadata: job.metadata })
    expect(row.uniqueKey).toBe("invoice 7")
    expect(row.expiresAt).toBe(row.runAt + hour)
    const worker = await world.worker()
    const claimed = await worker.claimOne({ kinds: ["image.resize"], queue: "media" })
    const { id: jobId, ...rest } = given
    expect(claimed).toMatchObject({ jobId, ...rest, metadata: job.metadata })
    expect(JSON.parse(claimed.tags ?? "[]")).toEqual(["a", "b"])
  },

  "jobs of one enqueue may differ in everything, and each is as if it had been enqueued alone":
    async (world) => {
      await world.store.setQueue("media", { agingMs: second }, "ann")
      const at = await world.store.now()
      const various = (n: number): Partial<NewJob> => ({
        kind: n % 5 === 0 ? "resize" : "mail",
        queue: n % 3 === 0 ? "media" : "default",
        priority: n % 7,
        input: JSON.stringify({ n, text: 'a,"b\\{}' }),
        delayMs: n % 4 === 0 ? minute : 0,
        runAt: n % 6 === 0 ? at + (n % 12 === 0 ? hour : -hour) : null,
        expireMs: n % 8 === 0 ? hour : null,
        maxAttempts: 1 + (n % 9),
        maxCrashes: 1 + (n % 2),
        timeoutMs: n % 10 === 0 ? false : n % 10 === 1 ? 1_500 : null,
        retry: n % 11 === 0 ? '{"base":1}' : null,
        tags: n % 13 === 0 ? ["a", `t.${n}`] : [],
        metadata: n % 14 === 0 ? '{"by":"{ann}, \\"bob\\""}' : null,
      })
      const alone: JobRow[] = []
      for (let n = 0; n < 60; n++) {
        const { id, state } = await world.enqueue(various(n), world.other)
        const row = await world.get(id)
        expect(row.state).toBe(state)
        alone.push(row)
      }
      // More than go into one row of any trail.
      const jobs = Array.from({ length: 2_500 }, (_, n) => world.job(various(n % 60)))
      const outcomes = await world.store.enqueue(jobs)
      expect(outcomes.map(({ id }) => id)).toEqual(jobs.map(({ id }) => id))
      for (const n of [...alone.keys(), 1_023, 1_024, 1_025, 2_047, 2_048, 2_499]) {
        const row = await world.get(jobs[n]!.id, world.other)
        expect(row).toEqual({ ...alone[n % 60], id: row.id })
        expect(outcomes[n]).toMatchObject({ status: "enqueued", state: row.state })
        const trail = await world.other.trail(row.id)
        expect(trail).toMatchObject([
          { jobId: row.id, from: null, to: row.state, at: row.enqueuedAt },
        ])
      }
      const [again] = await world.unchanged(() => world.store.enqueue([jobs[7]!, jobs[8]!]))
      expect(again).toMatchObject({ id: jobs[7]!.id, status: "repeated" })
      // The queue ages, so what is due an hour later comes behind all others, whatever its priority.
      await world.advance(2 * hour)
      const worker = await world.worker()
      const claimed: ClaimedJob[] = []
      const wish = { kinds: ["mail", "resize"], queue: "media", limit: 100 }
      for (let claims = 0; claims < 5; claims++) claimed.push(...(await worker.claim(wish)))
      const places = claimed.map(({ priority, runAt }) => priority * second + Math.max(runAt, at))
      expect(places).toEqual(places.toSorted((a, b) => a - b))
      expect(claimed).toHaveLength(500)
    },

  "a timeout of false and one of null are told apart": async (world) => {
    const never = await world.enqueue({ timeoutMs: false })
    const kindsOwn = await world.enqueue({ timeoutMs: null })
    expect((await world.get(never.id)).timeoutMs).toBe(false)
    expect((await world.get(kindsOwn.id)).timeoutMs).toBeNull()
    const claimed = await (await world.worker()).claim()
    expect(claimed.map(({ timeoutMs }) => timeoutMs)).toEqual([false, null])
  },

  "a delayed job is scheduled and due after its delay": async (world) => {
    const { id, state } = await world.enqueue({ delayMs: minute })
    expect(state).toBe("scheduled")
    const row = await world.get(id)
    expect(row.runAt).toBe(row.enqueuedAt + minute)
  },

  "a due time in the future is kept, and wins over a delay": async (world) => {
    const runAt = (await world.store.now()) + hour
    const { id, state } = await world.enqueue({ runAt, delayMs: second })
    expect(state).toBe("scheduled")
    expect((await world.get(id)).runAt).toBe(runAt)
  },

  "a due time in the past is available at once": async (world) => {
    const { id, state } = await world.enqueue({ runAt: (await world.store.now()) - hour })
    expect(state).toBe("available")
    expect((await (await world.worker()).claimOne()).jobId).toBe(id)
  },

  "the same enqueue sent twice is one job": async (world) => {
    const job = world.job({ input: "1" })
    await world.store.enqueue([job])
    const again = await world.unchanged(() => world.other.enqueue([{ ...job, input: "2" }]))
    expect(again).toEqual([{ id: job.id, status: "repeated", state: "available" }])
  },

  "an enqueue repeated after its job ran tells how it ended": async (world) => {
    const { id, worker, attempt } = await world.running()
    const job = world.job({ id })
    const whileRunning = await world.unchanged(() => world.store.enqueue([job]))
    expect(whileRunning).toEqual([{ id, status: "repeated", state: "running" }])
    await worker.settle(attempt, { to: "completed", result: null })
    const after = await world.unchanged(() => world.store.enqueue([job]))
    expect(after).toEqual([{ id, status: "repeated", state: "completed" }])
  },

  "the same id twice in one batch is one job": async (world) => {
    const job = world.job()
    const outcomes = await world.store.enqueue([job, world.job(), job])
    expect(outcomes.map(({ status }) => status)).toEqual(["enqueued", "enqueued", "repeated"])
    expect(await world.allJobs()).toHaveLength(2)
  },

  "outcomes come in the order of the batch, however large": async (world) => {
    const jobs = world.jobs(2_500)
    const outcomes = await world.store.enqueue(jobs)
    expect(outcomes.map(({ id }) => id)).toEqual(jobs.map(({ id }) => id))
    expect(await world.store.count({}, 10_000)).toBe(2_500)
    expect((await world.allJobs()).map(({ id }) => id)).toEqual(jobs.map(({ id }) => id))
  },

  "no jobs are no work": async (world) => {
    expect(await world.unchanged(() => world.store.enqueue([]))).toEqual([])
  },

  "two stores that enqueue the same batch at once write it once": async (world) => {
    const jobs = world.jobs(50)
    const [mine, theirs] = await Promise.all([
      world.store.enqueue(jobs),
      world.other.enqueue(jobs.toReversed()),
    ])
    const written = [...mine, ...theirs].filter(({ status }) => status === "enqueued")
    expect(new Set(written.map(({ id }) => id)).size).toBe(50)
    expect(written).toHaveLength(50)
    expect(await world.store.count({}, 1_000)).toBe(50)
  },

  "many enqueues in one turn are each answered on their own": async (world) => {
    const jobs = world.jobs(200)
    const outcomes = await Promise.all(jobs.map((job) => world.store.enqueue([job])))
    expect(outcomes.flat().map(({ id, status }) => `${id} ${status}`)).toEqual(
      jobs.map(({ id }) => `${id} enqueued`),
    )
  },

  "a large input comes back whole, to readers and to claims": async (world) => {
    const input = JSON.stringify({ text: "é€😀x".repeat(50_000) })
    const { id } = await world.enqueue({ input })
    expect((await world.get(id)).input).toBe(input)
    expect((await (await world.worker()).claimOne()).input).toBe(input)
  },
}
