import { expect } from "vitest"
import type { ExchangeReply, NewJob } from "drover/store"
import type { Rules } from "../rules.ts"
import { freshToken, type TestWorker } from "../testWorker.ts"
import { leaseMs, minute, settlements, type World } from "../world.ts"
import { key, kindSlots, most, set, tenantSlots } from "./limitWords.ts"

const claims = [{ queue: "default", kinds: ["mail"], limit: 5 }]
const one = [{ queue: "default", kinds: ["mail"], limit: 1 }]

/** Exchanges that enqueue: a new job may start with the commit that makes it, as if it had been claimed right after. */
export const enqueueWithClaimRules: Rules = {
  "a new job that is due starts with its enqueue, and is claimed like any other": async (world) => {
    const worker = await world.worker()
    const job = world.job({
      ...{ input: '{"to":"ann"}', priority: 7, maxAttempts: 2, maxCrashes: 4, timeoutMs: minute },
      ...{ retry: '{"base":5}', tags: ["a", "b"], metadata: '{"m":1}', expireMs: minute },
    })
    const token = freshToken()
    const reply = await exchange(worker, job, token)
    expect(reply.enqueued).toMatchObject([{ id: job.id, status: "enqueued" }])
    const [attempt] = reply.claimed
    expect(attempt).toMatchObject({ jobId: job.id, attempt: 1, token, input: job.input })
    // Just what a claim says of the same job.
    const twin = { ...job, id: world.id() }
    await world.store.enqueue([twin])
    const claimed = await worker.claimOne()
    const own = { jobId: "", ref: 0, token: 0, mark: 0, enqueuedAt: 0, runAt: 0, startedAt: 0 }
    expect({ ...attempt, ...own }).toEqual({ ...claimed, ...own })
    const row = await world.get(job.id, world.other)
    const held = {
      state: "running",
      attempt: 1,
      workerId: worker.id,
      startedAt: attempt?.startedAt,
    }
    expect(row).toMatchObject({ ...held, tags: ["a", "b"], priority: 7 })
    const trail = await world.store.trail(job.id)
    expect(trail.map(({ from, to }) => [from, to])).toEqual([
      [null, "available"],
      ["available", "running"],
    ])
    expect(await worker.settle(attempt!, settlements.completed)).toBe("settled")
    expect((await world.store.trail(job.id)).at(-1)).toMatchObject({ to: "completed", attempt: 1 })
  },

  "what it leaves behind is fenced, retried and rescued like any attempt": async (world) => {
    const worker = await world.worker()
    const failing = world.job()
    const { claimed } = await exchange(worker, failing)
    expect(await worker.settle(claimed[0]!, settlements.retryable)).toBe("settled")
    await world.advance(settlements.retryable.delayMs)
    const second = await worker.claimOne()
    expect(second).toMatchObject({ jobId: failing.id, attempt: 2, failures: 1 })
    const lost = world.job()
    const [attempt] = (await exchange(worker, lost)).claimed
    await world.advance(2 * leaseMs)
    const rescued = await world.rescue({ deadWorkers: [], expiredLeases: true, limit: 10 })
    expect(rescued.map(({ jobId }) => jobId).toSorted()).toEqual([failing.id, lost.id].toSorted())
    expect(await worker.settle(attempt!, settlements.completed)).toBe("fenced")
  },

  "the job that has waited longer comes first": async (world) => {
    const { id } = await world.enqueue()
    const worker = await world.worker()
    const job = world.job()
    const { claimed } = await exchange(worker, job, freshToken(), one)
    expect(claimed.map(({ jobId }) => jobId)).toEqual([id])
    expect(await world.state(job.id)).toBe("available")
  },

  "a job of another kind that has waited longer comes first, and so does one that is due by now":
    async (world) => {
      const kinds = ["mail", "sms"]
      const delayed = await world.enqueue({ delayMs: minute })
      const other = await world.enqueue({ kind: "sms" })
      await world.advance(2 * minute)
      const worker = await world.worker()
      const two = [{ queue: "default", kinds, limit: 2 }]
      const { claimed } = await exchange(worker, world.job(), freshToken(), two)
      const first = [delayed.id, other.id].toSorted()
      expect(claimed.map(({ jobId }) => jobId).toSorted()).toEqual(first)
    },

  "a job that has come due in the meantime comes first": async (world) => {
    const worker = await world.worker(world.store, 2 * minute)
    const { id } = await world.enqueue({ delayMs: minute })
    await world.advance(minute)
    const { claimed } = await exchange(worker, world.job(), freshToken(), one)
    expect(claimed.map(({ jobId }) => jobId)).toEqual([id])
  },

  "a job with keys that waits comes first, though its limit is gone": (world) =>
    afterKeyed(world, 0),

  "a job with keys that came due comes first, though its limit is gone": (world) =>
    afterKeyed(world, minute),

  "a job for later, of another queue or of another kind is written and waits": async (world) => {
    const worker = await world.worker()
    const jobs = [
      world.job({ delayMs: minute }),
      world.job({ queue: "other" }),
      world.job({ kind: "sms" }),
    ]
    const states = ["scheduled", "available", "available"]
    for (const [index, job] of jobs.entries()) {
      const reply = await exchange(worker, job)
      expect(reply.claimed).toEqual([])
      expect(reply.enqueued).toMatchObject([{ id: job.id, status: "enqueued" }])
      expect(await world.state(job.id)).toBe(states[index])
    }
  },

  "in a paused queue it is written and waits": async (world) => {
    const worker = await world.worker()
    await world.store.setQueue("default", { paused: true }, "ann")
    const job = world.job()
    expect((await exchange(worker, job)).claimed).toEqual([])
    expect(await world.state(job.id)).toBe("available")
    await world.store.setQueue("default", { paused: false }, "ann")
    expect((await worker.claimOne()).jobId).toBe(job.id)
  },

  "under a lease that has ended, and by a worker that is gone, it is written and waits": async (
    world,
  ) => {
    const worker = await world.worker()
    await world.advance(leaseMs)
    const job = world.job()
    expect(await exchange(worker, job)).toMatchObject({ claimed: [], workerLost: false })
    await worker.retire()
    const next = world.job()
    expect(await exchange(worker, next)).toMatchObject({ claimed: [], workerLost: true })
    expect(await world.state(job.id)).toBe("available")
    expect(await world.state(next.id)).toBe("available")
  },

  "limits and keys hold for it": async (world) => {
    await set(world, kindSlots, most(1))
    const worker = await world.worker()
    const [first, second] = [world.job(), world.job()]
    expect((await exchange(worker, first)).claimed.map(({ jobId }) => jobId)).toEqual([first.id])
    expect((await exchange(worker, second)).claimed).toEqual([])
    await set(world, kindSlots, null)
    await set(world, tenantSlots, most(1))
    const keys = key(tenantSlots, "a")
    const [third, fourth] = [world.job({ keys }), world.job({ keys })]
    const more = [
      ...(await exchange(worker, third)).claimed,
      ...(await exchange(worker, fourth)).claimed,
    ]
    expect(more.map(({ jobId }) => jobId).toSorted()).toEqual([second.id, third.id].toSorted())
    expect(await world.state(fourth.id)).toBe("available")
  },

  "sent again after a lost reply it is one job, held by the claim of the first time": async (
    world,
  ) => {
    const worker = await world.worker()
    const [job, token] = [world.job(), freshToken()]
    const lost = await exchange(worker, job, token)
    const request = { claims, token, enqueues: [job] }
    const again = await world.unchanged(() => worker.exchange({ ...request, repeat: true }))
    expect(again.enqueued).toMatchObject([{ id: job.id, status: "repeated" }])
    expect(again.claimed).toEqual(lost.claimed)
  },

  "an id or a unique key that is there already makes no second job": async (world) => {
    const worker = await world.worker()
    const unique = world.unique("one")
    const [job, twin] = [world.job({ unique }), world.job({ unique })]
    const first = await exchange(worker, job)
    expect(first.claimed.map(({ jobId }) => jobId)).toEqual([job.id])
    expect((await exchange(worker, twin)).enqueued).toMatchObject([
      { id: job.id, status: "duplicate" },
    ])
    const plain = world.job()
    await exchange(worker, plain)
    const repeated = await exchange(worker, plain)
    expect(repeated.enqueued).toMatchObject([{ id: plain.id, status: "repeated" }])
    expect(repeated.claimed).toEqual([])
    expect(await world.allJobs()).toHaveLength(2)
  },

  "several jobs are written, and claimed as far as there is room": async (world) => {
    const worker = await world.worker()
    const jobs = world.jobs(7)
    const { claimed, enqueued } = await worker.exchange({ claims, enqueues: jobs })
    expect(enqueued?.map(({ id }) => id)).toEqual(jobs.map(({ id }) => id))
    expect(claimed.map(({ jobId }) => jobId)).toEqual(jobs.slice(0, 5).map(({ id }) => id))
  },
}

async function exchange(
  worker: TestWorker,
  job: ReturnType<World["job"]>,
  token = freshToken(),
  wanted = claims,
): Promise<ExchangeReply> {
  const enqueues: readonly NewJob[] = [job]
  return worker.exchange({ claims: wanted, enqueues, token })
}

async function afterKeyed(world: World, delayMs: number): Promise<void> {
  await set(world, tenantSlots, most(1))
  const { id } = await world.enqueue({ keys: key(tenantSlots, "a"), delayMs })
  await set(world, tenantSlots, null)
  const worker = await world.worker(world.store, 5 * minute)
  await world.advance(2 * minute)
  const job = world.job()
  const { claimed } = await exchange(worker, job, freshToken(), one)
  expect(claimed.map(({ jobId }) => jobId)).toEqual([id])
  expect((await worker.claimOne()).jobId).toBe(job.id)
}
