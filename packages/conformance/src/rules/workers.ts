import { expect } from "vitest"
import type { Rules } from "../rules.ts"
import { leaseMs, second, settlements } from "../world.ts"

/** Workers: their lease, their row, and how they leave. */
export const workerRules: Rules = {
  "a registered worker is seen by every process": async (world) => {
    const now = await world.store.now()
    const ref = await world.store.registerWorker({
      workerId: "w",
      token: 7,
      leaseMs,
      host: "box",
      pid: 12,
      info: '{"version":"1"}',
    })
    expect(ref).toMatchObject({ workerId: "w", token: 7 })
    const [row] = await world.other.workers()
    expect(row).toMatchObject({ workerId: "w", host: "box", pid: 12, running: 0 })
    expect(row?.info).toBe('{"version":"1"}')
    expect(row?.startedAt).toBeGreaterThanOrEqual(now)
    expect(row?.leaseUntil).toBe((row?.beatAt ?? 0) + leaseMs)
  },

  "a beat prolongs the lease from its own instant": async (world) => {
    const worker = await world.worker()
    await world.advance(10 * second)
    expect(await worker.beat()).toBe("held")
    const [row] = await world.store.workers()
    expect(row?.beatAt).toBe(await world.store.now())
    expect(row?.leaseUntil).toBe((row?.beatAt ?? 0) + leaseMs)
  },

  "a late beat of a worker that nobody rescued keeps everything": async (world) => {
    const { id, worker, attempt } = await world.running()
    await world.advance(2 * leaseMs)
    expect(await worker.beat()).toBe("held")
    expect(await world.rescue({ deadWorkers: [], expiredLeases: true, limit: 10 })).toEqual([])
    expect(await worker.settle(attempt, settlements.completed)).toBe("settled")
    expect(await world.state(id)).toBe("completed")
  },

  "under a lease that ended nothing is claimed, until a beat renews it": async (world) => {
    const { id } = await world.enqueue()
    const worker = await world.worker()
    await world.advance(leaseMs + 1)
    const claims = [{ queue: "default", kinds: ["mail"], limit: 1 }]
    const reply = await world.unchanged(() => worker.exchange({ claims }))
    expect(reply).toEqual({ settled: [], claimed: [], workerLost: false, ended: [] })
    expect(await worker.beat()).toBe("held")
    expect((await worker.exchange({ claims })).claimed.map(({ jobId }) => jobId)).toEqual([id])
  },

  "the number of running jobs is that of the worker": async (world) => {
    await world.store.enqueue(world.jobs(5))
    const worker = await world.worker()
    const idle = await world.worker()
    const [first] = await worker.claim({ limit: 3 })
    const running = async (): Promise<unknown> =>
      Object.fromEntries((await world.other.workers()).map((row) => [row.workerId, row.running]))
    expect(await running()).toEqual({ [worker.id]: 3, [idle.id]: 0 })
    if (first !== undefined) await worker.settle(first, settlements.completed)
    expect(await running()).toEqual({ [worker.id]: 2, [idle.id]: 0 })
  },

  "retiring hands back what still runs, as interrupted, at no cost": async (world) => {
    const { id, worker } = await world.running()
    await worker.retire()
    expect(await world.get(id)).toMatchObject({
      state: "available",
      interruptions: 1,
      crashes: 0,
      failures: 0,
      workerId: null,
    })
    expect(await world.other.workers()).toEqual([])
    const next = await world.worker(world.other)
    expect(await next.claimOne()).toMatchObject({ jobId: id, attempt: 2 })
  },

  "retiring twice is retiring once": async (world) => {
    const { worker } = await world.running()
    await worker.retire()
    await world.unchanged(() => worker.retire())
    expect(await worker.beat()).toBe("lost")
  },

  "retiring leaves the jobs of others alone": async (world) => {
    const mine = await world.running({ kind: "a" })
    const theirs = await world.running({ kind: "b" })
    await mine.worker.retire()
    expect(await world.state(theirs.id)).toBe("running")
    expect(await theirs.worker.beat()).toBe("held")
  },

  "a job whose cancel was requested ends cancelled when its worker retires": async (world) => {
    const { id, worker } = await world.running()
    await world.act("cancel", [id])
    await worker.retire()
    expect(await world.state(id)).toBe("cancelled")
  },

  "registering again after a lost reply gives the same row": async (world) => {
    const identity = { workerId: "w", token: 7, leaseMs, host: "h", pid: 1, info: "{}" }
    const first = await world.store.registerWorker(identity)
    const again = await world.store.registerWorker(identity)
    expect(again).toEqual(first)
    expect(await world.store.workers()).toHaveLength(1)
  },

  "a cancel reaches the worker that runs the job, from any process": async (world) => {
    const { id, worker, attempt } = await world.running()
    expect((await worker.peek()).cancels).toEqual([])
    await world.act("cancel", [id], world.other, "not needed")
    const [cancel, ...rest] = (await worker.peek()).cancels
    expect(cancel).toMatchObject({ jobId: id, attempt: 1 })
    expect(cancel?.reason).toContain("not needed")
    expect(rest).toEqual([])
    const bystander = await world.worker()
    expect((await bystander.peek()).cancels).toEqual([])
    await worker.settle(attempt, settlements.cancelled)
    expect((await worker.peek()).cancels).toEqual([])
  },

  "peek tells a worker whose row is gone": async (world) => {
    const worker = await world.worker()
    expect((await worker.peek()).workerHeld).toBe(true)
    await worker.retire()
    expect((await worker.peek()).workerHeld).toBe(false)
  },
}
