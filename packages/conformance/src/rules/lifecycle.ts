import { expect } from "vitest"
import type { Rules } from "../rules.ts"
import { hour, leaseMs, minute } from "../world.ts"

const closed = { code: "DROVER_CLOSED" }

/** Opening, migrating, closing, and a clock that never goes back. */
export const lifecycleRules: Rules = {
  "before open and after close every call says that the store is closed": async (world) => {
    const store = world.harness.connect()
    await expect(store.enqueue([world.job()])).rejects.toMatchObject(closed)
    await expect(store.get(world.id())).rejects.toMatchObject(closed)
    await store.open({ migrate: true })
    expect(await store.count({}, 10)).toBe(0)
    await store.close()
    await store.close()
    await expect(store.enqueue([world.job()])).rejects.toMatchObject(closed)
    await expect(store.count({}, 10)).rejects.toMatchObject(closed)
    await expect(store.now()).rejects.toMatchObject(closed)
    await expect(
      store.rescue({ term: { term: 1, token: 1 }, deadWorkers: [], expiredLeases: true, limit: 1 }),
    ).rejects.toMatchObject(closed)
  },

  "close waits for what is under way": async (world) => {
    const store = world.harness.connect()
    await store.open({ migrate: false })
    const outcome = store.enqueue([world.job()])
    await store.close()
    expect((await outcome)[0]?.status).toBe("enqueued")
    expect(await world.store.count({}, 10)).toBe(1)
  },

  "every migration is applied, once, under its number": async (world) => {
    const migrations = await world.store.migrations()
    expect(migrations.length).toBeGreaterThan(0)
    expect(migrations.map(({ number }) => number)).toEqual(migrations.map((_, index) => index + 1))
    for (const { appliedAt } of migrations) expect(appliedAt).not.toBeNull()
    const again = await world.unchanged(() => world.other.migrate({ dryRun: false }))
    expect(await world.store.migrations()).toEqual(migrations)
    for (const { appliedAt } of again) expect(appliedAt).not.toBeNull()
  },

  "what one process enqueues outlives it": async (world) => {
    const store = world.harness.connect()
    await store.open({ migrate: false })
    const job = world.job()
    await store.enqueue([job])
    await store.close()
    expect((await (await world.worker()).claimOne()).jobId).toBe(job.id)
  },

  "a process that watches hears of another's write": async (world) => {
    let calls = 0
    const stop = world.store.watch(() => calls++)
    await world.advance(100)
    const before = calls
    await world.enqueue({}, world.other)
    await world.advance(1_000)
    expect(calls).toBeGreaterThan(before)
    stop()
    stop()
    const after = calls
    await world.enqueue({}, world.other)
    await world.advance(1_000)
    expect(calls).toBe(after)
  },

  "a wall clock that is set back neither moves time back nor stops it": async (world) => {
    const before = await world.store.now()
    const { id } = await world.enqueue({ delayMs: minute })
    world.process(0).jumpWall(-hour)
    world.process(1).jumpWall(-hour)
    expect(await world.store.now()).toBeGreaterThanOrEqual(before)
    await world.advance(minute)
    expect(await world.store.now()).toBeGreaterThanOrEqual(before + minute)
    expect((await (await world.worker(world.other)).claimOne()).jobId).toBe(id)
  },

  "a wall clock that is set back neither shortens nor stretches a lease": async (world) => {
    await world.running()
    world.process(1).jumpWall(-hour)
    await world.advance(leaseMs - 1)
    expect(await world.rescue({ deadWorkers: [], expiredLeases: true, limit: 10 })).toEqual([])
    await world.advance(2)
    expect(await world.rescue({ deadWorkers: [], expiredLeases: true, limit: 10 })).toHaveLength(1)
  },

  "a wall clock that is set forward ends no lease before its time": async (world) => {
    await world.running()
    await world.other.now()
    world.process(1).jumpWall(hour)
    const expired = { deadWorkers: [], expiredLeases: true, limit: 10 }
    expect(await world.rescue(expired)).toEqual([])
    await world.advance(leaseMs - 1)
    expect(await world.rescue(expired)).toEqual([])
    await world.advance(2)
    expect(await world.rescue(expired)).toHaveLength(1)
  },

  "the slow clock of one process makes no job late and no lease long": async (world) => {
    world.process(1).jumpWall(-hour)
    const { id } = await world.enqueue({ delayMs: minute }, world.other)
    await world.advance(minute)
    const claimed = await (await world.worker()).claimOne()
    expect(claimed.jobId).toBe(id)
  },

  "two processes with different clocks write a trail whose time never goes back": async (world) => {
    world.process(1).jumpWall(hour)
    for (let round = 0; round < 5; round++) {
      await world.enqueue({}, world.store)
      await world.enqueue({}, world.other)
      await world.advance(10)
      world.process(round % 2).jumpWall(round % 3 === 0 ? -minute : minute)
    }
    const { entries } = await world.store.trailAfter(0, 100)
    expect(entries).toHaveLength(10)
  },
}
