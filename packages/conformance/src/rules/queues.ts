import { expect } from "vitest"
import type { Rules } from "../rules.ts"
import { minute, second, settlements } from "../world.ts"

/** What is stored about queues: pause, size and aging, durable and seen by all. */
export const queueRules: Rules = {
  "a paused queue gives no jobs to anybody, and all of them after it resumed": async (world) => {
    await world.store.enqueue(world.jobs(3))
    const worker = await world.worker()
    const settings = await world.other.setQueue("default", { paused: true }, "ann")
    expect(settings).toEqual({ queue: "default", paused: true, slots: null, agingMs: null })
    expect(await worker.claim()).toEqual([])
    expect(await worker.peek()).toMatchObject({ claimable: [], settings: [settings] })
    await world.enqueue()
    expect(await worker.claim()).toEqual([])
    await world.other.setQueue("default", { paused: false }, "ann")
    expect((await worker.peek()).claimable).toEqual(["default"])
    expect(await worker.claim()).toHaveLength(4)
  },

  "a paused queue does not give out jobs that run alone either": async (world) => {
    const { worker, attempt } = await world.running()
    await worker.settle(attempt, settlements.crashed)
    await world.store.setQueue("default", { paused: true }, "ann")
    expect(await worker.claim({ solo: true })).toEqual([])
    expect((await worker.peek()).solo).toBe(false)
    await world.store.setQueue("default", { paused: false }, "ann")
    expect(await worker.claim({ solo: true })).toHaveLength(1)
  },

  "pausing one queue leaves the others": async (world) => {
    await world.store.setQueue("default", { paused: true }, "ann")
    await world.enqueue()
    const { id } = await world.enqueue({ queue: "media" })
    const worker = await world.worker()
    const claims = ["default", "media"].map((queue) => ({ queue, kinds: ["mail"], limit: 5 }))
    const { claimed } = await worker.exchange({ claims })
    expect(claimed.map(({ jobId }) => jobId)).toEqual([id])
  },

  "what runs in a queue that was paused is settled as ever": async (world) => {
    const { id, worker, attempt } = await world.running()
    await world.store.setQueue("default", { paused: true }, "ann")
    expect(await worker.settle(attempt, settlements.completed)).toBe("settled")
    expect(await world.state(id)).toBe("completed")
  },

  "settings outlive changes of each other; absent fields stay": async (world) => {
    await world.store.setQueue("media", { slots: 3 }, "ann")
    await world.other.setQueue("media", { paused: true }, "bob")
    await world.store.setQueue("media", { agingMs: minute }, "ann")
    const all = { queue: "media", paused: true, slots: 3, agingMs: minute }
    expect(await world.other.setQueue("media", {}, "ann")).toEqual(all)
    expect((await world.store.queueSettings()).filter(({ queue }) => queue === "media")).toEqual([
      all,
    ])
    expect(await world.store.setQueue("media", { slots: null, agingMs: null }, "ann")).toEqual({
      queue: "media",
      paused: true,
      slots: null,
      agingMs: null,
    })
    const worker = await world.worker()
    const { settings } = await worker.peek("media")
    expect(settings.filter(({ queue }) => queue === "media")).toMatchObject([{ paused: true }])
  },

  "slots of 0 are a size, not an absence": async (world) => {
    expect((await world.store.setQueue("media", { slots: 0 }, "ann")).slots).toBe(0)
  },

  "strict order lets high priorities pass for ever": async (world) => {
    const low = await world.enqueue({ priority: 3 })
    const worker = await world.worker()
    for (let step = 0; step < 5; step++) {
      await world.advance(minute)
      const high = await world.enqueue({ priority: 1 })
      expect((await worker.claimOne()).jobId).toBe(high.id)
    }
    expect((await worker.claimOne()).jobId).toBe(low.id)
  },

  "with aging, each agingMs of waiting is worth one step of priority": async (world) => {
    await world.store.setQueue("default", { agingMs: 10 * second }, "ann")
    const low = await world.enqueue({ priority: 3 })
    await world.advance(19 * second)
    const high = await world.enqueue({ priority: 1 })
    await world.advance(2 * second)
    const later = await world.enqueue({ priority: 1 })
    const claimed = await (await world.worker()).claim()
    expect(claimed.map(({ jobId }) => jobId)).toEqual([high.id, low.id, later.id])
  },

  "aging that is switched on or off counts for jobs that wait already": async (world) => {
    const low = await world.enqueue({ priority: 3 })
    await world.advance(30 * second)
    const high = await world.enqueue({ priority: 1 })
    const worker = await world.worker()
    await world.other.setQueue("default", { agingMs: 10 * second }, "ann")
    expect((await worker.claimOne()).jobId).toBe(low.id)
    const lower = await world.enqueue({ priority: 3, runAt: 1 })
    await world.other.setQueue("default", { agingMs: null }, "ann")
    const rest = await worker.claim()
    expect(rest.map(({ jobId }) => jobId)).toEqual([high.id, lower.id])
  },

  "counts are by queue and state, and stop at the cap": async (world) => {
    await world.store.enqueue([...world.jobs(4), ...world.jobs(2, { delayMs: minute })])
    await world.store.enqueue(world.jobs(1, { queue: "media", kind: "z" }))
    const worker = await world.worker()
    await worker.settle(await worker.claimOne(), settlements.completed)
    await worker.claimOne()
    await world.other.setQueue("media", { paused: true, slots: 2 }, "ann")
    const counts = await world.other.queueCounts(1_000)
    const of = (name: string): unknown => counts.find(({ queue }) => queue === name)
    const none = {
      scheduled: 0,
      available: 0,
      running: 0,
      retryable: 0,
      completed: 0,
      discarded: 0,
      cancelled: 0,
    }
    expect(of("default")).toMatchObject({
      paused: false,
      counts: { ...none, scheduled: 2, available: 2, running: 1, completed: 1 },
      cap: 1_000,
    })
    expect(of("media")).toMatchObject({ paused: true, slots: 2, counts: { ...none, available: 1 } })
    const capped = (await world.store.queueCounts(3)).find(({ queue }) => queue === "default")
    expect(capped?.cap).toBe(3)
    for (const count of Object.values(capped?.counts ?? {})) expect(count).toBeLessThanOrEqual(3)
  },

  "the oldest due job of a queue is known by its due time": async (world) => {
    await world.enqueue({ delayMs: minute })
    const due = async (): Promise<unknown> =>
      (await world.store.queueCounts(10)).find(({ queue }) => queue === "default")?.oldestDueAt
    expect(await due()).toBeNull()
    await world.advance(second)
    const { id } = await world.enqueue()
    await world.advance(second)
    await world.enqueue()
    expect(await due()).toBe((await world.get(id)).runAt)
  },
}
