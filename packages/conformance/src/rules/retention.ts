import { expect } from "vitest"
import type { Retention } from "drover/store"
import type { Rules } from "../rules.ts"
import { hour, minute, second, settlements } from "../world.ts"
import type { World } from "../world.ts"

const keep: Retention = { completedMs: false, discardedMs: false, cancelledMs: false, bytes: false }

async function pruneAll(world: World, retention: Retention, limit = 1_000): Promise<number> {
  let pruned = 0
  for (let round = 0; round < 100; round++) {
    const { jobs, more } = await world.prune(retention, limit)
    expect(jobs).toBeLessThanOrEqual(limit)
    pruned += jobs
    if (!more) return pruned
  }
  throw new Error("prune never ends")
}

async function left(world: World): Promise<string[]> {
  return (await world.allJobs()).map(({ id }) => id)
}

/** Forgetting: by age and by size, never too early, never what is not finished; and expiry. */
export const retentionRules: Rules = {
  "false keeps for ever": async (world) => {
    for (const state of ["completed", "discarded", "cancelled"] as const) {
      await world.jobIn(state, { kind: state })
    }
    await world.advance(1_000 * 24 * hour)
    await world.unchanged(() => world.prune(keep, 100, world.store))
  },

  "false for one state keeps that state though the others go": async (world) => {
    const ids: Record<string, string> = {}
    for (const state of ["completed", "discarded", "cancelled"] as const) {
      ids[state] = await world.jobIn(state, { kind: state })
    }
    await world.advance(hour)
    const retention = { ...keep, completedMs: minute, cancelledMs: minute }
    expect(await pruneAll(world, retention)).toBe(2)
    expect(await left(world)).toEqual([ids["discarded"]])
  },

  "a finished job goes after its age, counted from its end": async (world) => {
    const { id, worker, attempt } = await world.running()
    await world.advance(hour)
    await worker.settle(attempt, settlements.completed)
    const retention = { ...keep, completedMs: minute }
    await world.advance(minute - 1)
    expect(await pruneAll(world, retention)).toBe(0)
    await world.advance(2)
    expect(await pruneAll(world, retention)).toBe(1)
    expect(await world.store.get(id)).toBeNull()
  },

  "each final state has an age of its own": async (world) => {
    const ids: string[] = []
    for (const state of ["completed", "discarded", "cancelled"] as const) {
      ids.push(await world.jobIn(state, { kind: state }))
    }
    const retention = {
      ...keep,
      completedMs: minute,
      discardedMs: 2 * minute,
      cancelledMs: 3 * minute,
    }
    for (let round = 1; round <= 3; round++) {
      await world.advance(minute + 1)
      expect(await pruneAll(world, retention)).toBe(1)
      expect(await left(world)).toEqual(ids.slice(round))
    }
  },

  "what is not finished is never pruned": async (world) => {
    for (const state of ["scheduled", "available", "running", "retryable"] as const) {
      await world.jobIn(state, { kind: state })
    }
    await world.advance(24 * hour)
    const nothing = { completedMs: 0, discardedMs: 0, cancelledMs: 0, bytes: 0 }
    await world.unchanged(() => world.prune(nothing, 100, world.store))
  },

  "a prune is bounded and says that there is more": async (world) => {
    await world.store.enqueue(world.jobs(25))
    await world.store.act("cancel", {}, { actor: "a", reason: "r", limit: 100 })
    await world.advance(hour)
    const retention = { ...keep, cancelledMs: minute }
    expect(await world.prune(retention, 10, world.store)).toEqual({ jobs: 10, more: true })
    expect(await pruneAll(world, retention, 10)).toBe(15)
    expect(await world.prune(retention, 10, world.store)).toEqual({ jobs: 0, more: false })
  },

  "beyond the bytes the oldest finished go, whatever their age": async (world) => {
    const input = JSON.stringify("x".repeat(50_000))
    const ids: string[] = []
    for (let index = 0; index < 10; index++) {
      const { id, worker, attempt } = await world.running({ input })
      await worker.settle(attempt, settlements.completed)
      ids.push(id)
      await world.advance(second)
    }
    const retention = { ...keep, bytes: 260_000 }
    const pruned = await pruneAll(world, retention)
    expect(pruned).toBeGreaterThanOrEqual(5)
    expect(pruned).toBeLessThanOrEqual(6)
    expect(await left(world)).toEqual(ids.slice(pruned))
    expect(await pruneAll(world, retention)).toBe(0)
  },

  "bytes of 0 keep nothing that is finished": async (world) => {
    await world.jobIn("completed")
    await world.jobIn("discarded", { kind: "b" })
    await world.jobIn("available", { kind: "c" })
    expect(await pruneAll(world, { ...keep, bytes: 0 })).toBe(2)
    expect((await world.allJobs()).map(({ state }) => state)).toEqual(["available"])
  },

  "the bytes of jobs that were deleted or run again no longer count": async (world) => {
    const input = JSON.stringify("x".repeat(50_000))
    const first = await world.jobIn("completed", { input })
    await world.act("delete", [first])
    const second = await world.jobIn("completed", { input })
    await world.act("retry", [second])
    await (await world.worker()).claimOne()
    const third = await world.jobIn("completed", { input, kind: "b" })
    expect(await pruneAll(world, { ...keep, bytes: 90_000 })).toBe(0)
    expect(await left(world)).toEqual([second, third])
  },

  "a pruned job takes its trail, log and progress along": async (world) => {
    const { id, worker, attempt } = await world.running()
    await worker.store.progress(attempt, "1")
    const line = { attempt: 1, at: 0, level: "info", message: "m", fields: null } as const
    await worker.store.appendLog(attempt, [line], 0)
    await worker.settle(attempt, settlements.completed)
    await world.advance(second)
    expect(await pruneAll(world, { ...keep, completedMs: 0 })).toBe(1)
    expect(await world.store.trail(id)).toEqual([])
    expect(await world.store.log(id)).toEqual({ lines: [], dropped: 0 })
  },

  "expire discards what was not started in time, and names it": async (world) => {
    const gone = await world.enqueue({ expireMs: minute, kind: "a" })
    const later = await world.enqueue({ expireMs: minute, delayMs: hour, kind: "a" })
    const never = await world.enqueue({ kind: "a" })
    await world.advance(minute - 1)
    expect(await world.unchanged(() => world.expire(10, world.store))).toEqual([])
    await world.advance(2)
    expect(await world.expire(10)).toEqual([{ jobId: gone.id, kind: "a", queue: "default" }])
    expect(await world.get(gone.id)).toMatchObject({ state: "discarded", attempt: 0 })
    expect(await world.state(later.id)).toBe("scheduled")
    expect(await world.state(never.id)).toBe("available")
    expect(await world.expire(10, world.store)).toEqual([])
  },

  "a job that was started in time does not expire while it runs": async (world) => {
    const { id, worker, attempt } = await world.running({ expireMs: minute })
    await world.advance(hour)
    expect(await world.unchanged(() => world.expire(10, world.store))).toEqual([])
    expect(await worker.settle(attempt, settlements.completed)).toBe("settled")
    expect(await world.state(id)).toBe("completed")
  },

  "expire is bounded": async (world) => {
    await world.store.enqueue(world.jobs(5, { expireMs: 1 }))
    await world.advance(minute)
    expect(await world.expire(3, world.store)).toHaveLength(3)
    expect(await world.expire(3, world.store)).toHaveLength(2)
  },
}
