import { expect } from "vitest"
import type { Rules } from "../rules.ts"
import { hour, minute, second } from "../world.ts"

/** Claims: what may run, in which order, and never twice. */
export const claimRules: Rules = {
  "a claim marks the job as running, with attempt, worker and time": async (world) => {
    const { id, worker, attempt } = await world.running()
    expect(attempt).toMatchObject({
      jobId: id,
      attempt: 1,
      failures: 0,
      crashes: 0,
      interruptions: 0,
    })
    const row = await world.get(id, world.other)
    expect(row).toMatchObject({ state: "running", attempt: 1, workerId: worker.id })
    expect(row.startedAt).toBe(attempt.startedAt)
    expect(attempt.startedAt).toBeLessThanOrEqual(await world.store.now())
  },

  "priority first, then due time, then id": async (world) => {
    const now = await world.store.now()
    const late = await world.enqueue({ priority: 1, runAt: now + 2 * second })
    const soon = await world.enqueue({ priority: 1, runAt: now + second })
    const low = await world.enqueue({ priority: 2 })
    const first = await world.enqueue({ priority: 1 })
    const twin = await world.enqueue({ priority: 1 })
    const high = await world.enqueue({ priority: 0, runAt: now + 3 * second })
    await world.advance(4 * second)
    const claimed = await (await world.worker()).claim()
    const order = [high, first, twin, soon, late, low]
    expect(claimed.map(({ jobId }) => jobId)).toEqual(order.map(({ id }) => id))
  },

  "a due time in the past does not jump the queue": async (world) => {
    const first = await world.enqueue()
    await world.advance(second)
    const past = await world.enqueue({ runAt: (await world.store.now()) - hour })
    const claimed = await (await world.worker()).claim()
    expect(claimed.map(({ jobId }) => jobId)).toEqual([first.id, past.id])
  },

  "the order holds over several kinds and several claims": async (world) => {
    const kinds = ["a", "b", "c"]
    const jobs = Array.from({ length: 30 }, (_, index) =>
      world.job({ kind: kinds[index % 3] ?? "a", priority: (index * 7) % 4 }),
    )
    await world.store.enqueue(jobs)
    const worker = await world.worker()
    const claimed: string[] = []
    for (let round = 0; round < 10; round++) {
      const batch = await worker.claim({ kinds, limit: 4 })
      claimed.push(...batch.map(({ jobId }) => jobId))
    }
    const order = jobs.toSorted((a, b) => a.priority - b.priority || (a.id < b.id ? -1 : 1))
    expect(claimed).toEqual(order.map(({ id }) => id))
  },

  "jobs that may wait for a slot come along beyond the limit, and are claimed like the others":
    async (world) => {
      await world.store.enqueue(world.jobs(10))
      const worker = await world.worker()
      const claims = [{ queue: "default", kinds: ["mail"], limit: 2, ahead: 3 }]
      const { claimed } = await worker.exchange({ claims, token: 77 })
      expect(claimed).toHaveLength(5)
      for (const { jobId } of claimed) {
        expect(await world.get(jobId)).toMatchObject({ state: "running", attempt: 1 })
      }
      // The reply was lost: nothing more may come, however large the claim.
      const again = await worker.exchange({ claims, token: 77, repeat: true })
      expect(again.claimed.map(({ jobId }) => jobId)).toEqual(claimed.map(({ jobId }) => jobId))
      expect(await worker.claim()).toHaveLength(5)
    },

  "no more than the limit, and none for a limit of 0": async (world) => {
    await world.store.enqueue(world.jobs(5))
    const worker = await world.worker()
    expect(await worker.claim({ limit: 0 })).toEqual([])
    expect(await worker.claim({ limit: 3 })).toHaveLength(3)
    expect(await worker.claim({ limit: 3 })).toHaveLength(2)
    expect(await worker.claim({ limit: 3 })).toEqual([])
  },

  "other queues and other kinds stay where they are": async (world) => {
    const foreignKind = await world.enqueue({ kind: "unknown" })
    const foreignQueue = await world.enqueue({ queue: "other" })
    const own = await world.enqueue()
    const claimed = await (await world.worker()).claim()
    expect(claimed.map(({ jobId }) => jobId)).toEqual([own.id])
    expect(await world.state(foreignKind.id)).toBe("available")
    expect(await world.state(foreignQueue.id)).toBe("available")
  },

  "unknown kinds in front never hide a known one, and are left for others": async (world) => {
    await world.store.enqueue(world.jobs(1_500, { kind: "unknown", priority: 0 }))
    const own = await world.enqueue({ priority: 9 })
    expect((await (await world.worker()).claimOne()).jobId).toBe(own.id)
    const other = await world.worker(world.other)
    expect(await other.claim({ kinds: ["unknown"], limit: 1_500 })).toHaveLength(1_500)
  },

  "no kinds, no jobs": async (world) => {
    await world.enqueue()
    expect(await (await world.worker()).claim({ kinds: [] })).toEqual([])
  },

  "one call claims from several queues, each up to its limit": async (world) => {
    await world.store.enqueue([...world.jobs(3), ...world.jobs(3, { queue: "media" })])
    const worker = await world.worker()
    const { claimed } = await worker.exchange({
      claims: [
        { queue: "default", kinds: ["mail"], limit: 1 },
        { queue: "media", kinds: ["mail"], limit: 2 },
      ],
    })
    expect(claimed.map(({ queue }) => queue).toSorted()).toEqual(["default", "media", "media"])
  },

  "a job that is not due is not claimed a millisecond early": async (world) => {
    const { id } = await world.enqueue({ delayMs: minute })
    const worker = await world.worker(world.other)
    await world.advance(minute - 1)
    expect(await worker.claim()).toEqual([])
    await world.advance(1)
    expect((await worker.claimOne()).jobId).toBe(id)
    const trail = await world.store.trail(id)
    expect(trail.map(({ to }) => to)).toEqual(["scheduled", "available", "running"])
  },

  "many jobs that become due at once are all found, in order": async (world) => {
    const jobs = Array.from({ length: 700 }, (_, index) =>
      world.job({ delayMs: minute, priority: index % 3 }),
    )
    await world.store.enqueue(jobs)
    await world.advance(minute)
    const worker = await world.worker()
    const claimed: string[] = []
    for (let round = 0; round < 20 && claimed.length < 700; round++) {
      claimed.push(...(await worker.claim({ limit: 100 })).map(({ jobId }) => jobId))
    }
    expect(new Set(claimed).size).toBe(700)
  },

  "two stores that claim at once never get the same job": async (world) => {
    await world.store.enqueue(world.jobs(400))
    const workers = [await world.worker(), await world.worker(world.other), await world.worker()]
    const seen: string[] = []
    for (let round = 0; round < 20 && seen.length < 400; round++) {
      const batches = await Promise.all(workers.map((worker) => worker.claim({ limit: 11 })))
      seen.push(...batches.flat().map(({ jobId }) => jobId))
    }
    expect(seen).toHaveLength(400)
    expect(new Set(seen).size).toBe(400)
  },

  "an expired job is never started, swept or not": async (world) => {
    const { id } = await world.enqueue({ expireMs: minute })
    await world.advance(minute + 1)
    const worker = await world.worker()
    expect(await worker.claim()).toEqual([])
    const swept = await world.expire(10, world.store)
    const ended = await world.get(id)
    expect(ended).toMatchObject({ state: "discarded", attempt: 0 })
    expect(ended.reason).toMatch(/expired/)
    expect(swept.length).toBeLessThanOrEqual(1)
  },

  "a claim tells which jobs it ended instead, once, and takes others in their place": async (
    world,
  ) => {
    const expired = await world.enqueue({ expireMs: minute })
    // Held while it runs, not while it waits: the second one finds the key taken when it is claimed.
    const unique = world.unique("k", { states: ["running"] })
    const holder = await world.enqueue({ unique })
    const loser = await world.enqueue({ unique })
    await world.advance(minute + 1)
    const fit = await world.enqueue()
    const worker = await world.worker()
    const claims = [{ queue: "default", kinds: ["mail"], limit: 2 }]
    const { claimed, ended } = await worker.exchange({ claims })
    expect(claimed.map(({ jobId }) => jobId)).toEqual([holder.id, fit.id])
    const about = { kind: "mail", queue: "default" }
    expect(ended).toEqual([
      { ...about, jobId: expired.id, state: "discarded", reason: expect.stringMatching(/expired/) },
      { ...about, jobId: loser.id, state: "cancelled", reason: expect.stringMatching(/key/) },
    ])
    for (const { jobId, state } of ended) expect(await world.state(jobId)).toBe(state)
    expect((await worker.exchange({ claims })).ended).toEqual([])
  },

  "a job whose key another took while it waited for its time is told as ended": async (world) => {
    const unique = world.unique("k", { states: ["available", "running"] })
    const later = await world.enqueue({ unique, delayMs: minute })
    const { id } = await world.enqueue({ unique })
    await world.advance(minute)
    const worker = await world.worker()
    const claims = [{ queue: "default", kinds: ["mail"], limit: 2 }]
    const { claimed, ended } = await worker.exchange({ claims })
    expect(claimed.map(({ jobId }) => jobId)).toEqual([id])
    expect(ended).toMatchObject([{ jobId: later.id, state: "cancelled" }])
  },

  "peek says what is due, what comes next, and writes nothing": async (world) => {
    const worker = await world.worker()
    expect(await worker.peek()).toMatchObject({ claimable: [], nextDueInMs: null, solo: false })
    await world.enqueue({ delayMs: minute })
    await world.enqueue({ delayMs: second, kind: "unknown" })
    await world.advance(20 * second)
    expect(await world.unchanged(() => worker.peek())).toMatchObject({
      claimable: [],
      nextDueInMs: 40 * second,
      workerHeld: true,
    })
    await world.enqueue({}, world.other)
    expect((await worker.peek()).claimable).toEqual(["default"])
    expect((await worker.peek("default", ["else"])).claimable).toEqual([])
  },

  "peek offers nothing to a worker whose lease ended, because it could not claim it": async (
    world,
  ) => {
    const worker = await world.worker()
    await world.enqueue()
    await world.advance(30 * second)
    expect(await worker.peek()).toMatchObject({ claimable: [], solo: false, workerHeld: true })
    await worker.beat()
    expect((await worker.peek()).claimable).toEqual(["default"])
  },

  "peek finds a job that became due though nobody claimed since": async (world) => {
    const worker = await world.worker()
    await world.enqueue({ delayMs: minute })
    await world.advance(minute)
    await worker.beat()
    const peek = await worker.peek()
    expect(peek.claimable.length === 1 || peek.nextDueInMs === 0).toBe(true)
  },
}
