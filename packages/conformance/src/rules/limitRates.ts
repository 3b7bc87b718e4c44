import { expect } from "vitest"
import type { NewKey } from "drover/store"
import { limitName } from "drover/store"
import type { Rules } from "../rules.ts"
import { hour, minute, second, settlements } from "../world.ts"
import {
  kindSlots,
  tenantSlots,
  kindRate,
  tenantRate,
  fairQueue,
  most,
  per,
  fair,
  key,
  set,
  rowOf,
  declare,
} from "./limitWords.ts"

/** Rates and fair shares. */
export const rateRules: Rules = {
  "a rate starts no more than its limit in any window, and says when the next one fits": async (
    world,
  ) => {
    await set(world, kindRate, per(3, 10 * second))
    await world.store.enqueue(world.jobs(9))
    const worker = await world.worker()
    expect(await worker.claim({ limit: 1 })).toHaveLength(1)
    await world.advance(6 * second)
    expect(await worker.claim()).toHaveLength(2)
    expect(await worker.claim()).toEqual([])
    expect(await worker.peek()).toMatchObject({ claimable: [], nextDueInMs: 4 * second })
    await world.advance(4 * second - 1)
    expect(await worker.claim()).toEqual([])
    await world.advance(1)
    expect((await worker.peek()).claimable).toEqual(["default"])
    expect(await worker.claim()).toHaveLength(1)
    expect((await worker.peek()).nextDueInMs).toBe(6 * second)
    await world.advance(6 * second)
    expect(await worker.claim()).toHaveLength(2)
  },

  "each key has its own window": async (world) => {
    await set(world, tenantRate, per(1, minute))
    for (const tenant of ["a", "a", "b", "b"]) {
      await world.enqueue({ keys: key(tenantRate, tenant) })
      await world.advance(second)
    }
    const worker = await world.worker()
    expect(await worker.claim()).toHaveLength(2)
    expect(await worker.peek()).toMatchObject({ claimable: [], nextDueInMs: minute })
    expect((await rowOf(world, tenantRate)).waiting).toBe(2)
    await world.advance(minute)
    await worker.beat()
    expect((await worker.peek()).claimable).toEqual(["default"])
    expect(await worker.claim()).toHaveLength(2)
  },

  "a retry is a start like any other": async (world) => {
    await set(world, tenantRate, per(2, hour))
    const { worker, attempt } = await world.running({ keys: key(tenantRate, "a") })
    await worker.settle(attempt, { ...settlements.retryable, delayMs: 0 })
    const again = await worker.claimOne()
    await worker.settle(again, { ...settlements.retryable, delayMs: 0 })
    expect(await worker.claim()).toEqual([])
    expect((await rowOf(world, tenantRate)).starts).toBe(2)
    await world.advance(hour)
    await worker.claimOne()
  },

  "a rate of 0 starts nothing, and nobody waits for an instant": async (world) => {
    await set(world, kindRate, per(0, second))
    await set(world, { ...tenantRate, target: "sms" }, per(0, second))
    await world.enqueue()
    await world.enqueue({ kind: "sms", keys: key({ ...tenantRate, target: "sms" }, "a") })
    const worker = await world.worker()
    expect(await worker.claim({ kinds: ["mail", "sms"] })).toEqual([])
    expect(await worker.peek("default", ["mail", "sms"])).toMatchObject({
      claimable: [],
      nextDueInMs: null,
    })
    await set(world, kindRate, per(1, second))
    await set(world, { ...tenantRate, target: "sms" }, null)
    expect(await worker.claim({ kinds: ["mail", "sms"] })).toHaveLength(2)
  },

  "a lowered rate counts what started before it was lowered": async (world) => {
    await set(world, kindRate, per(5, minute))
    await world.store.enqueue(world.jobs(9))
    const worker = await world.worker()
    expect(await worker.claim({ limit: 2 })).toHaveLength(2)
    await world.advance(10 * second)
    expect(await worker.claim()).toHaveLength(3)
    await set(world, kindRate, per(3, minute))
    expect((await worker.peek()).nextDueInMs).toBe(minute)
    await world.advance(50 * second)
    expect(await worker.claim()).toEqual([])
    await world.advance(10 * second)
    expect(await worker.claim()).toHaveLength(3)
  },

  "the keys of a fair queue take turns, and within a key rank decides": async (world) => {
    await set(world, fairQueue, fair())
    const tenants = new Map<string, string>()
    const add = async (tenant: string, count: number, priority = 1): Promise<void> => {
      const jobs = world.jobs(count, { priority, keys: key(fairQueue, tenant) })
      for (const { id } of jobs) tenants.set(id, tenant)
      await world.store.enqueue(jobs)
    }
    await add("flood", 100, 0)
    await add("a", 3)
    await add("b", 3)
    const worker = await world.worker()
    const order: string[] = []
    for (const limit of [1, 2, 4, 5]) {
      const claimed = await worker.claim({ limit })
      order.push(...claimed.map(({ jobId }) => tenants.get(jobId) ?? "?"))
    }
    for (const tenant of ["flood", "a", "b"]) {
      expect(order.slice(0, 9).filter((name) => name === tenant)).toHaveLength(3)
    }
    expect(order.slice(9)).toEqual(["flood", "flood", "flood"])
  },

  "weights give a key so many turns as others have, and jobs without a key share one": async (
    world,
  ) => {
    await set(world, fairQueue, fair({ gold: 3 }))
    await world.store.enqueue(world.jobs(20, { keys: key(fairQueue, "gold") }))
    await world.store.enqueue(world.jobs(20, { keys: key(fairQueue, "tin"), kind: "sms" }))
    await world.store.enqueue(world.jobs(20))
    const worker = await world.worker()
    const claimed = await worker.claim({ kinds: ["mail", "sms"], limit: 20 })
    const sms = claimed.filter(({ kind }) => kind === "sms").length
    expect(sms).toBeGreaterThanOrEqual(3)
    expect(sms).toBeLessThanOrEqual(5)
    const left = await world.store.count({ kinds: ["mail"], states: ["available"] }, 1_000)
    expect(40 - left).toBe(20 - sms)
  },

  "nobody saves turns up: a key that comes late begins with the others": async (world) => {
    await set(world, fairQueue, fair())
    await world.store.enqueue(world.jobs(50, { keys: key(fairQueue, "a") }))
    const worker = await world.worker()
    expect(await worker.claim({ limit: 30 })).toHaveLength(30)
    const late = world.jobs(20, { keys: key(fairQueue, "late") })
    await world.store.enqueue(late)
    const claimed = await worker.claim({ limit: 10 })
    const ids = new Set(late.map(({ id }) => id))
    const ofLate = claimed.filter(({ jobId }) => ids.has(jobId)).length
    expect(ofLate).toBeGreaterThanOrEqual(4)
    expect(ofLate).toBeLessThanOrEqual(6)
  },

  "nobody saves turns up behind a limit of its kind either": async (world) => {
    await set(world, fairQueue, fair())
    await set(world, kindSlots, most(0))
    const held = world.jobs(20, { keys: key(fairQueue, "held") })
    await world.store.enqueue(held)
    await world.store.enqueue(world.jobs(50, { kind: "sms", keys: key(fairQueue, "other") }))
    const worker = await world.worker()
    const kinds = ["mail", "sms"]
    expect(await worker.claim({ kinds, limit: 30 })).toHaveLength(30)
    await set(world, kindSlots, null)
    const claimed = await worker.claim({ kinds, limit: 10 })
    const ids = new Set(held.map(({ id }) => id))
    const ofHeld = claimed.filter(({ jobId }) => ids.has(jobId)).length
    expect(ofHeld).toBeGreaterThanOrEqual(4)
    expect(ofHeld).toBeLessThanOrEqual(6)
  },

  "one slot is enough for a key that waits in two kinds, whenever it came to each": async (
    world,
  ) => {
    await set(world, fairQueue, fair())
    await world.store.enqueue(world.jobs(1, { keys: key(fairQueue, "a") }))
    await world.store.enqueue(world.jobs(3, { kind: "sms", keys: key(fairQueue, "b") }))
    const worker = await world.worker()
    // Whoever does not know the one kind moves the turns on without it.
    expect(await worker.claim({ kinds: ["sms"], limit: 3 })).toHaveLength(3)
    await world.store.enqueue(world.jobs(1, { kind: "sms", keys: key(fairQueue, "a") }))
    for (const left of [2, 1]) {
      expect(await worker.claim({ kinds: ["mail", "sms"], limit: 1 }), `${left} wait`).toHaveLength(
        1,
      )
    }
  },

  "a fair queue is idle for nobody: keys that may not start are passed over": async (world) => {
    await set(world, fairQueue, fair())
    await set(world, tenantSlots, most(1))
    const both = (tenant: string): readonly NewKey[] => [
      ...key(fairQueue, tenant),
      ...key(tenantSlots, tenant),
    ]
    await world.store.enqueue([
      ...world.jobs(5, { keys: both("a") }),
      ...world.jobs(5, { keys: key(fairQueue, "b") }),
    ])
    const worker = await world.worker()
    expect(await worker.claim()).toHaveLength(6)
  },

  "what code declares holds, an operator's word goes first and survives the next deploy": async (
    world,
  ) => {
    const declared = { ...kindSlots, ...most(5) }
    expect(await declare(world, 1, [declared])).toEqual([limitName(kindSlots)])
    expect(await declare(world, 1, [declared])).toEqual([])
    expect(await set(world, kindSlots, most(2))).toEqual(most(2))
    await declare(world, 2, [{ ...declared, max: 7 }])
    expect(await rowOf(world, kindSlots)).toMatchObject({
      declared: most(7),
      set: most(2),
      setting: most(2),
      setBy: "ann",
    })
    expect(await set(world, kindSlots, null)).toEqual(most(7))
  },

  "older code does not undo newer code, and what code no longer declares is withdrawn": async (
    world,
  ) => {
    await declare(world, 2, [{ ...kindSlots, ...most(5) }])
    expect(await declare(world, 1, [{ ...kindSlots, ...most(1) }])).toEqual([])
    expect(await declare(world, 1, [])).toEqual([])
    expect((await rowOf(world, kindSlots)).setting).toEqual(most(5))
    const elsewhere = { generation: 3, limits: [], kinds: ["sms"], queues: ["bulk"] }
    expect(await world.store.declareLimits(elsewhere)).toEqual([])
    expect(await declare(world, 3, [])).toEqual([limitName(kindSlots)])
    expect(await world.store.limits(10)).toEqual([])
  },

  "reconciling clears away what nobody counts and changes nothing else": async (world) => {
    await set(world, tenantSlots, most(1))
    await set(world, tenantRate, per(5, second))
    const { worker, attempt } = await world.running({
      keys: [...key(tenantSlots, "a"), ...key(tenantRate, "a")],
    })
    await world.enqueue({ keys: key(tenantSlots, "a") })
    expect(await worker.claim()).toEqual([])
    const term = await world.term()
    expect(await world.other.reconcileLimits({ term, limit: 100 })).toMatchObject({ cleared: 0 })
    expect(await worker.claim()).toEqual([])
    await worker.settle(attempt, settlements.discarded)
    await world.advance(minute)
    const repairs = await world.other.reconcileLimits({ term, limit: 100 })
    expect(repairs).toMatchObject({ cleared: 2, opened: 0, more: false })
    expect(await world.other.reconcileLimits({ term, limit: 100 })).toMatchObject({ cleared: 0 })
    const ended = { term: term.term, token: term.token + 1 }
    expect(await world.other.reconcileLimits({ term: ended, limit: 100 })).toBe("term_ended")
  },
}
