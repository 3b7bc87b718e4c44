import { expect } from "vitest"
import type { LimitId, NewKey } from "drover/store"
import type { Rules } from "../rules.ts"
import { leaseMs, minute, second, settlements } from "../world.ts"
import { kindSlots, queueSlots, tenantSlots, most, key, set, rowOf } from "./limitWords.ts"

/** Limits of concurrency and their settings. */
export const concurrencyRules: Rules = {
  "a kind with a limit never runs more, over all workers and queues": async (world) => {
    await set(world, kindSlots, most(3))
    await world.store.enqueue([...world.jobs(5), ...world.jobs(5, { queue: "bulk" })])
    const [a, b] = [await world.worker(), await world.worker(world.other)]
    const first = await a.claim({ limit: 2 })
    expect(first).toHaveLength(2)
    const second = await b.claim({ queue: "bulk" })
    expect(second).toHaveLength(1)
    expect(await a.claim()).toEqual([])
    await b.settle(second[0]!, settlements.completed)
    expect(await a.claim()).toHaveLength(1)
    expect((await rowOf(world, kindSlots)).running).toBe(3)
  },

  "a queue with a limit never runs more, over all kinds": async (world) => {
    await set(world, queueSlots, most(2))
    await world.store.enqueue([...world.jobs(2), ...world.jobs(2, { kind: "sms" })])
    const worker = await world.worker()
    expect(await worker.claim({ kinds: ["sms"], limit: 1 })).toHaveLength(1)
    expect(await worker.claim({ kinds: ["mail", "sms"] })).toHaveLength(1)
    expect(await worker.claim({ kinds: ["mail", "sms"] })).toEqual([])
    expect((await rowOf(world, queueSlots)).waiting).toBe(2)
  },

  "each key has its own room, and a full one holds nobody else up": async (world) => {
    await set(world, tenantSlots, most(2))
    await world.store.enqueue([
      ...world.jobs(5, { keys: key(tenantSlots, "a") }),
      ...world.jobs(1, { keys: key(tenantSlots, "b") }),
      ...world.jobs(1),
    ])
    const worker = await world.worker()
    const claimed = await worker.claim()
    expect(claimed).toHaveLength(4)
    const row = await rowOf(world, tenantSlots)
    expect(row).toMatchObject({ running: 3, waiting: 3 })
    expect(row.keys).toEqual([
      { key: "a", running: 2, starts: 0 },
      { key: "b", running: 1, starts: 0 },
    ])
  },

  "every way in which an attempt ends gives its place back at once": async (world) => {
    await set(world, tenantSlots, most(1))
    const keys = key(tenantSlots, "a")
    for (const settlement of Object.values(settlements)) {
      await world.store.enqueue(world.jobs(2, { keys }))
      const worker = await world.worker()
      const attempt = await worker.claimOne()
      expect(await worker.claim()).toEqual([])
      await worker.settle(attempt, settlement)
      const next = await worker.claimOne()
      expect(await worker.claim()).toEqual([])
      await worker.settle(next, settlements.completed)
      for (const { id } of await world.allJobs()) await world.act("delete", [id])
    }
  },

  "a rescued or retired worker's places come back": async (world) => {
    await set(world, tenantSlots, most(1))
    await set(world, queueSlots, most(1))
    await world.store.enqueue(world.jobs(2, { keys: key(tenantSlots, "a"), maxCrashes: 1 }))
    const [dead, other] = [await world.worker(), await world.worker(world.other)]
    await dead.claimOne()
    expect(await other.claim()).toEqual([])
    await world.rescue({ deadWorkers: [dead.id], expiredLeases: false, limit: 10 })
    await other.claimOne()
    await other.retire()
    await (await world.worker()).claimOne()
  },

  "an expired lease alone gives nothing back before the rescue": async (world) => {
    await set(world, kindSlots, most(1))
    await world.store.enqueue(world.jobs(2))
    const silent = await world.worker()
    await silent.claimOne()
    await world.advance(leaseMs + second)
    expect(await (await world.worker()).claim()).toEqual([])
    await world.rescue({ deadWorkers: [], expiredLeases: true, limit: 10 })
    const worker = await world.worker()
    const [first] = await worker.claim()
    expect(first).toBeDefined()
    expect(await worker.claim()).toEqual([])
  },

  "several limits hold at once, each with its own key": async (world) => {
    const host: LimitId = { ...tenantSlots, by: "host" }
    await set(world, tenantSlots, most(2))
    await set(world, host, most(1))
    const both = (tenant: string, name: string): readonly NewKey[] => [
      ...key(tenantSlots, tenant),
      ...key(host, name),
    ]
    await world.store.enqueue([
      world.job({ keys: both("a", "x") }),
      world.job({ keys: both("a", "x") }),
      world.job({ keys: both("a", "y") }),
      world.job({ keys: both("a", "z") }),
      world.job({ keys: both("b", "y") }),
      world.job({ keys: both("b", "z") }),
    ])
    const worker = await world.worker()
    const claimed = await worker.claim()
    expect(claimed).toHaveLength(3)
    await worker.settle(claimed[0]!, settlements.completed)
    expect(await worker.claim()).toHaveLength(1)
  },

  "a job that must run alone obeys its limits too": async (world) => {
    await set(world, tenantSlots, most(1))
    const keys = key(tenantSlots, "a")
    const { worker, attempt } = await world.running({ keys })
    await worker.settle(attempt, settlements.crashed)
    await world.enqueue({ keys })
    const ordinary = await worker.claimOne()
    expect(ordinary.jobId).not.toBe(attempt.jobId)
    const other = await world.worker(world.other)
    expect(await other.claim({ solo: true })).toEqual([])
    expect((await other.peek()).solo).toBe(false)
    await worker.settle(ordinary, settlements.completed)
    expect((await other.peek()).solo).toBe(true)
    expect((await other.claimOne({ solo: true })).jobId).toBe(attempt.jobId)
  },

  "jobs wait in the order of their ranks, whether they have keys or not": async (world) => {
    await set(world, tenantSlots, most(10))
    const jobs = Array.from({ length: 60 }, (_, index) =>
      world.job({
        priority: (index * 7) % 5,
        ...(index % 3 > 0 && { keys: key(tenantSlots, `t${index % 4}`) }),
      }),
    )
    await world.store.enqueue(jobs)
    const worker = await world.worker()
    const claimed: string[] = []
    for (let round = 0; round < 6; round++) {
      claimed.push(...(await worker.claim({ limit: 6 })).map(({ jobId }) => jobId))
    }
    const order = jobs.toSorted((a, b) => a.priority - b.priority || (a.id < b.id ? -1 : 1))
    expect(claimed).toEqual(order.slice(0, 36).map(({ id }) => id))
  },

  "keys of retried, snoozed, promoted and revived jobs are those of their enqueue": async (
    world,
  ) => {
    await set(world, tenantSlots, most(1))
    const keys = key(tenantSlots, "a")
    const held = await world.running({ keys })
    const snoozed = await world.enqueue({ keys, delayMs: minute })
    await held.worker.settle(held.attempt, settlements.retryable)
    await world.advance(2 * minute)
    const worker = await world.worker()
    const first = await worker.claimOne()
    expect([held.id, snoozed.id]).toContain(first.jobId)
    expect(await worker.claim()).toEqual([])
    await worker.settle(first, settlements.completed)
    await world.act("retry", [first.jobId])
    const second = await worker.claimOne()
    expect(await worker.claim()).toEqual([])
    await worker.settle(second, settlements.completed)
    await worker.claimOne()
  },

  "a new input brings new keys, by an edit or by a unique key that replaces": async (world) => {
    await set(world, tenantSlots, most(1))
    const running = await world.running({ keys: key(tenantSlots, "a") })
    const edited = await world.enqueue({ keys: key(tenantSlots, "a") })
    const unique = world.unique("u", {
      mode: "replace",
      states: ["scheduled", "available", "retryable"],
    })
    const replaced = await world.enqueue({ unique, keys: key(tenantSlots, "a") })
    expect(await running.worker.claim()).toEqual([])
    const patch = { input: '"b"', keys: key(tenantSlots, "b") }
    expect(await world.store.edit(edited.id, patch, "ann")).toBe("edited")
    await world.enqueue({ unique, keys: key(tenantSlots, "c") })
    const claimed = await running.worker.claim()
    expect(claimed.map(({ jobId }) => jobId)).toEqual([edited.id, replaced.id])
  },

  "a job that moves to another queue leaves that queue's keys behind": async (world) => {
    const byTenant: LimitId = { ...queueSlots, by: "tenant" }
    await set(world, byTenant, most(1))
    await world.running({ keys: key(byTenant, "a") })
    const { id } = await world.enqueue({ keys: key(byTenant, "a") })
    await world.store.edit(id, { queue: "bulk" }, "ann")
    const worker = await world.worker()
    expect((await worker.claimOne({ queue: "bulk" })).jobId).toBe(id)
  },

  "what is cancelled, discarded, expired or deleted while blocked is gone, and the others go on":
    async (world) => {
      await set(world, tenantSlots, most(1))
      const keys = key(tenantSlots, "a")
      const { worker, attempt } = await world.running({ keys })
      const ids: string[] = []
      for (let index = 0; index < 4; index++) ids.push((await world.enqueue({ keys })).id)
      const expiring = await world.enqueue({ keys, priority: 0, expireMs: second })
      expect(await worker.claim()).toEqual([])
      await world.act("cancel", [ids[0]!])
      await world.act("discard", [ids[1]!])
      await world.act("delete", [ids[2]!])
      await world.advance(2 * second)
      await worker.settle(attempt, settlements.completed)
      expect((await worker.claimOne()).jobId).toBe(ids[3])
      expect(await world.state(expiring.id)).toBe("discarded")
    },

  "nothing comes ahead of its slot where a limit decides what may start": async (world) => {
    await world.store.enqueue(world.jobs(9))
    await set(world, kindSlots, most(5))
    const worker = await world.worker()
    const claims = [{ queue: "default", kinds: ["mail"], limit: 2, ahead: 3 }]
    const first = await worker.exchange({ claims })
    expect(first.claimed).toHaveLength(2)
    const second = await worker.exchange({ claims })
    expect(second.claimed).toHaveLength(2)
    const third = await worker.exchange({ claims })
    expect(third.claimed).toHaveLength(1)
    expect((await rowOf(world, kindSlots)).running).toBe(5)
  },

  "a repeated claim under limits takes nothing more": async (world) => {
    await set(world, tenantSlots, most(2))
    await world.store.enqueue(world.jobs(6, { keys: key(tenantSlots, "a") }))
    const worker = await world.worker()
    const claims = [{ queue: "default", kinds: ["mail"], limit: 5 }]
    const first = await worker.exchange({ claims, token: 77 })
    const again = await worker.exchange({ claims, token: 77, repeat: true })
    expect(again.claimed).toEqual(first.claimed)
    expect(again.claimed).toHaveLength(2)
    await worker.settle(again.claimed[0]!, settlements.completed)
    expect(await worker.claim()).toHaveLength(1)
  },

  "changes of a limit hold from their commit: lower kills nothing, 0 starts nothing, more goes on":
    async (world) => {
      await set(world, tenantSlots, most(3))
      await world.store.enqueue(world.jobs(9, { keys: key(tenantSlots, "a") }))
      const worker = await world.worker()
      const [one, two, three] = await worker.claim()
      await set(world, tenantSlots, most(1))
      expect(await worker.claim()).toEqual([])
      await worker.settle(one!, settlements.completed)
      await worker.settle(two!, settlements.completed)
      expect(await worker.claim()).toEqual([])
      await set(world, tenantSlots, most(0))
      await worker.settle(three!, settlements.completed)
      expect(await worker.claim()).toEqual([])
      expect((await worker.peek()).claimable).toEqual([])
      await set(world, tenantSlots, most(2))
      expect((await worker.peek()).claimable).toEqual(["default"])
      expect(await worker.claim()).toHaveLength(2)
      expect(await set(world, tenantSlots, null)).toBeNull()
      expect(await worker.claim()).toHaveLength(4)
    },

  "a limit that begins counts what runs already": async (world) => {
    await world.store.enqueue(world.jobs(9, { keys: key(tenantSlots, "a") }))
    const worker = await world.worker()
    const claimed = await worker.claim({ limit: 3 })
    for (const limit of [kindSlots, queueSlots, tenantSlots]) {
      await set(world, limit, most(3))
      expect((await rowOf(world, limit)).running).toBe(3)
      expect(await worker.claim()).toEqual([])
      await set(world, limit, null)
    }
    await set(world, tenantSlots, most(3))
    await worker.settle(claimed[0]!, settlements.completed)
    expect(await worker.claim()).toHaveLength(1)
  },

  "a claim that only limits kept short says so, and a look does not promise what they hold back":
    async (world) => {
      await set(world, tenantSlots, most(1))
      await world.store.enqueue(world.jobs(3, { keys: key(tenantSlots, "a") }))
      const worker = await world.worker()
      const claims = [{ queue: "default", kinds: ["mail"], limit: 5 }]
      const reply = await worker.exchange({ claims })
      expect(reply.heldBack).toEqual(["default"])
      expect(await worker.peek()).toMatchObject({ claimable: [], nextDueInMs: null })
      const [attempt] = reply.claimed
      await worker.settle(attempt!, settlements.completed)
      expect((await worker.peek()).claimable).toEqual(["default"])
      expect((await worker.exchange({ claims })).heldBack).toEqual(["default"])
    },
}
