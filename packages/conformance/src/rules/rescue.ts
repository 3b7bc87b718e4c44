import { expect } from "vitest"
import type { Rules } from "../rules.ts"
import { hour, leaseMs, second, settlementKinds, settlements } from "../world.ts"
import type { World } from "../world.ts"

/** Whether the next end of a lease is so far away, give or take what the calls themselves take. */
async function endsWithin(world: World, ms: number): Promise<boolean> {
  const inMs = await world.other.nextLeaseEndMs()
  return inMs !== null && inMs <= ms && inMs > ms - second
}

/** Taking back what a dead worker held: once, only that, and never what was settled. */
export const rescueRules: Rules = {
  "nobody is rescued before the lease ended": async (world) => {
    const { worker } = await world.running()
    await world.advance(leaseMs - 1)
    expect(await world.rescue({ deadWorkers: [], expiredLeases: true, limit: 10 })).toEqual([])
    expect(await worker.beat()).toBe("held")
    await world.advance(leaseMs - 1)
    expect(await world.rescue({ deadWorkers: [], expiredLeases: true, limit: 10 })).toEqual([])
  },

  "a job of a worker whose lease ended waits again, counts a crash and runs alone": async (
    world,
  ) => {
    const { id, worker } = await world.running()
    await world.advance(leaseMs + 1)
    const rescued = await world.rescue({ deadWorkers: [], expiredLeases: true, limit: 10 })
    const job = { jobId: id, kind: "mail", queue: "default", attempt: 1, crashes: 1 }
    expect(rescued).toEqual([{ ...job, state: "available", workerId: worker.id }])
    expect(await world.get(id)).toMatchObject({ state: "available", crashes: 1, failures: 0 })
    const successor = await world.worker(world.other)
    expect(await successor.claim()).toEqual([])
    expect(await successor.claimOne({ solo: true })).toMatchObject({ jobId: id, attempt: 2 })
  },

  "a worker proved dead is rescued at once, and only that one": async (world) => {
    const dead = await world.running({ kind: "a" })
    const alive = await world.running({ kind: "b" })
    const rescued = await world.rescue({
      deadWorkers: [dead.worker.id],
      expiredLeases: true,
      limit: 10,
    })
    expect(rescued.map(({ jobId }) => jobId)).toEqual([dead.id])
    expect(await world.state(alive.id)).toBe("running")
    expect(await alive.worker.beat()).toBe("held")
    expect(await dead.worker.beat()).toBe("lost")
  },

  "the next end of a lease is the first of those that last, and beats put it off": async (
    world,
  ) => {
    expect(await world.store.nextLeaseEndMs()).toBeNull()
    const first = await world.worker()
    await world.advance(10 * second)
    const later = await world.worker()
    expect(await endsWithin(world, leaseMs - 10 * second)).toBe(true)
    await first.beat()
    expect(await endsWithin(world, leaseMs)).toBe(true)
    await world.advance(10 * second)
    await first.beat()
    expect(await endsWithin(world, leaseMs - 10 * second)).toBe(true)
    await later.retire()
    expect(await endsWithin(world, leaseMs)).toBe(true)
    await world.advance(leaseMs + 1)
    // One that has ended is the rescue's.
    expect(await world.unchanged(() => world.store.nextLeaseEndMs())).toBeNull()
  },

  "without expiredLeases nobody's silence counts as death": async (world) => {
    const silent = await world.running({ kind: "a" })
    const dead = await world.running({ kind: "b" })
    await world.advance(10 * leaseMs)
    const silence = { deadWorkers: [], expiredLeases: false, limit: 10 }
    expect(await world.unchanged(() => world.rescue(silence))).toEqual([])
    const proved = { ...silence, deadWorkers: [dead.worker.id] }
    const rescued = await world.rescue(proved)
    expect(rescued.map(({ jobId }) => jobId)).toEqual([dead.id])
    expect(await silent.worker.beat()).toBe("held")
  },

  "a name that is no worker's rescues nobody": async (world) => {
    await world.running()
    const rescue = (): Promise<unknown> =>
      world.rescue({ deadWorkers: ["nobody", ""], expiredLeases: true, limit: 10 })
    expect(await world.unchanged(rescue)).toEqual([])
  },

  "a settled job is never touched by a rescue": async (world) => {
    const worker = await world.worker()
    for (const kind of settlementKinds) {
      await world.enqueue({ kind })
      await worker.settle(await worker.claimOne({ kinds: [kind] }), settlements[kind])
    }
    await world.advance(leaseMs + 1)
    const rescue = (): Promise<unknown> =>
      world.rescue({ deadWorkers: [worker.id], expiredLeases: true, limit: 100 })
    expect(await world.unchanged(rescue)).toEqual([])
  },

  "two rescuers at once take a job back once": async (world) => {
    const { id } = await world.running()
    await world.advance(leaseMs + 1)
    const replies = await Promise.all([
      world.rescue({ deadWorkers: [], expiredLeases: true, limit: 10 }, world.store),
      world.rescue({ deadWorkers: [], expiredLeases: true, limit: 10 }),
    ])
    expect(replies.flat().map(({ jobId }) => jobId)).toEqual([id])
    expect((await world.get(id)).crashes).toBe(1)
  },

  "a rescue and a settlement at once: one of them, never both": async (world) => {
    for (let round = 0; round < 20; round++) {
      const { id, worker, attempt } = await world.running({ kind: `k${round}` })
      await world.advance(leaseMs + 1)
      const settle = (): Promise<unknown> => worker.settle(attempt, settlements.completed)
      const rescue = (): Promise<unknown> =>
        world.rescue({ deadWorkers: [], expiredLeases: true, limit: 10 })
      await Promise.all(round % 2 === 0 ? [settle(), rescue()] : [rescue(), settle()])
      const row = await world.get(id)
      expect([row.state, row.crashes]).toEqual(
        row.state === "completed" ? ["completed", 0] : ["available", 1],
      )
    }
  },

  "a rescue is bounded and goes on where it stopped": async (world) => {
    await world.store.enqueue(world.jobs(25))
    const worker = await world.worker()
    expect(await worker.claim()).toHaveLength(25)
    await world.advance(leaseMs + 1)
    const seen: string[] = []
    for (let round = 0; round < 3; round++) {
      const batch = await world.rescue({ deadWorkers: [], expiredLeases: true, limit: 10 })
      expect(batch).toHaveLength(round < 2 ? 10 : 5)
      seen.push(...batch.map(({ jobId }) => jobId))
    }
    expect(new Set(seen).size).toBe(25)
    expect(await worker.beat()).toBe("lost")
    expect(await world.rescue({ deadWorkers: [], expiredLeases: true, limit: 10 })).toEqual([])
  },

  "the crash budget ends a job at its last crash": async (world) => {
    const { id } = await world.enqueue({ maxCrashes: 3 })
    const states: string[] = []
    for (let crash = 1; crash <= 3; crash++) {
      const worker = await world.worker()
      await worker.claimOne({ solo: crash > 1 })
      const [rescued] = await world.rescue({
        deadWorkers: [worker.id],
        expiredLeases: true,
        limit: 10,
      })
      expect(rescued).toMatchObject({ jobId: id, crashes: crash })
      states.push(rescued?.state ?? "none")
    }
    expect(states).toEqual(["available", "available", "discarded"])
    const row = await world.get(id)
    expect(row).toMatchObject({ state: "discarded", attempt: 3, crashes: 3 })
    expect(row.reason).toMatch(/crash/)
  },

  "a job whose cancel was requested ends cancelled at its rescue": async (world) => {
    const { id, worker } = await world.running()
    await world.act("cancel", [id])
    const [rescued] = await world.rescue({
      deadWorkers: [worker.id],
      expiredLeases: true,
      limit: 10,
    })
    expect(rescued).toMatchObject({ jobId: id, state: "cancelled" })
    expect(await world.state(id)).toBe("cancelled")
  },

  "a worker without jobs loses its row when its lease ended": async (world) => {
    const idle = await world.worker()
    await world.advance(leaseMs + second)
    await world.rescue({ deadWorkers: [], expiredLeases: true, limit: 10 })
    expect(await idle.beat()).toBe("lost")
    expect(await world.store.workers()).toEqual([])
  },

  "a worker that came back under the same name is not the dead one": async (world) => {
    const { worker } = await world.running()
    await world.rescue({ deadWorkers: [worker.id], expiredLeases: true, limit: 10 })
    const { workerId } = worker.ref
    const identity = { workerId, token: 99, leaseMs, host: "testhost", pid: 1, info: "{}" }
    const ref = await world.store.registerWorker(identity)
    expect(await world.store.beat(ref, leaseMs)).toBe("held")
    expect(await worker.beat()).toBe("lost")
  },

  "an outage of hours rescues each job once": async (world) => {
    await world.store.enqueue(world.jobs(10))
    const workers = [await world.worker(), await world.worker(world.other)]
    for (const worker of workers) await worker.claim({ limit: 5 })
    await world.advance(5 * hour)
    const rescued = await world.rescue(
      { deadWorkers: [], expiredLeases: true, limit: 100 },
      world.store,
    )
    expect(rescued).toHaveLength(10)
    expect(await world.rescue({ deadWorkers: [], expiredLeases: true, limit: 100 })).toEqual([])
  },
}
