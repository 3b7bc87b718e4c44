import { describe, expect, test } from "vitest"
import { defineJob } from "../jobs/define/jobDefinition.ts"
import { faultyStore } from "../jobs/work/fixtures/faultyStore.ts"
import { createLeadingWorld } from "./fixtures/leadingWorld.ts"

describe("the jobs of a dead worker", () => {
  test("run again when its lease has ended, and the crash is counted", async () => {
    await using world = await createLeadingWorld()
    const dead = await world.connect()
    const ref = await dead.registerWorker({
      workerId: "dead",
      token: 7,
      leaseMs: 30_000,
      host: "elsewhere",
      pid: 1,
      info: "{}",
    })
    const id = await world.enqueue("a")
    const claims = [{ queue: "default", kinds: ["a"], limit: 1 }]
    await dead.exchange({
      worker: ref,
      settlements: [],
      claims,
      token: 8,
      repeat: false,
      solo: false,
    })
    expect(await world.row(id)).toMatchObject({ state: "running", workerId: "dead" })
    const startMono = world.clock.monotonic()
    await world.worker([defineJob("a", { run: () => "again" })])
    const row = await world.finished(id)
    expect(row).toMatchObject({ state: "completed", attempt: 2, crashes: 1, failures: 0 })
    // It looks when the lease ends and it has itself seen the store for as long, and does not wait for a sweep.
    expect(world.clock.monotonic() - startMono).toBeLessThanOrEqual(31_000)
    expect(world.seen.find(({ name }) => name === "job.rescued")?.data).toMatchObject({
      jobId: id,
      worker: "dead",
    })
  })

  test("are rescued as soon when another part of the upkeep always fails, and that is told", async () => {
    await using world = await createLeadingWorld()
    const faulty = faultyStore(world.store)
    faulty.fault((operation) => (operation === "prune" ? "refuse" : undefined))
    await world.worker([defineJob("a", { run: () => "again" })], { store: faulty.store })
    await world.clock.advance(300_000)
    // Every five seconds as always: failures in a row must not make the pause longer.
    const looks = faulty.calls.filter(({ operation }) => operation === "deadWorkers").length
    expect(looks).toBeGreaterThanOrEqual(45)
    const dead = await world.connect()
    const identity = { workerId: "dead", token: 7, leaseMs: 30_000 }
    const worker = await dead.registerWorker({ ...identity, host: "elsewhere", pid: 1, info: "{}" })
    const claims = [{ queue: "other", kinds: ["a"], limit: 1 }]
    const id = await world.enqueue("a", null, { queue: "other" })
    await dead.exchange({ worker, settlements: [], claims, token: 8, repeat: false, solo: false })
    await world.until("it is rescued", () => world.count("job.rescued") === 1, 31_000)
    expect(await world.row(id)).toMatchObject({ state: "available", crashes: 1 })
    const told = world.seen.filter(({ name }) => name === "service.round_failed")
    expect(told.length).toBeGreaterThan(10)
    expect(told[0]!.data).toMatchObject({ service: "pruner" })
  })

  test("that end with it, because of their budget or a cancel, are told like every other end", async () => {
    await using world = await createLeadingWorld()
    const dead = await world.connect()
    const identity = { workerId: "dead", token: 7, leaseMs: 30_000 }
    const worker = await dead.registerWorker({ ...identity, host: "elsewhere", pid: 1, info: "{}" })
    const spent = await world.enqueue("a", null, { maxCrashes: 1 })
    const unwanted = await world.enqueue("a")
    const claims = [{ queue: "default", kinds: ["a"], limit: 2 }]
    await dead.exchange({ worker, settlements: [], claims, token: 8, repeat: false, solo: false })
    await dead.act("cancel", { ids: [unwanted] }, { actor: "test", reason: "no", limit: 1 })
    await world.worker([defineJob("a", { run: () => "again" })])
    expect(await world.finished(spent)).toMatchObject({ state: "discarded", reason: "crashed" })
    expect(await world.finished(unwanted)).toMatchObject({ state: "cancelled" })
    const told = world.seen.filter(
      ({ name }) => name === "job.discarded" || name === "job.cancelled",
    )
    expect(told.map(({ name, data }) => ({ name, ...data }))).toEqual([
      { name: "job.discarded", ...identityOf(spent), reason: "crashed" },
      { name: "job.cancelled", ...identityOf(unwanted) },
    ])
  })

  test("are not touched before the store has been reachable for a full lease", async () => {
    await using world = await createLeadingWorld()
    const silent = await world.connect()
    const ref = await silent.registerWorker({
      workerId: "silent",
      token: 7,
      leaseMs: 1_000,
      host: "elsewhere",
      pid: 1,
      info: "{}",
    })
    const id = await world.enqueue("a")
    const claims = [{ queue: "default", kinds: ["a"], limit: 1 }]
    await silent.exchange({
      worker: ref,
      settlements: [],
      claims,
      token: 8,
      repeat: false,
      solo: false,
    })
    await world.worker([defineJob("a", { run: () => "again" })])
    await world.clock.advance(28_000)
    expect(await world.row(id)).toMatchObject({ state: "running", workerId: "silent" })
    expect(await silent.beat(ref, 30_000)).toBe("held")
    await world.clock.advance(15_000)
    expect(await world.row(id)).toMatchObject({ state: "running", workerId: "silent" })
  })
})

describe("upkeep", () => {
  test("a job that was not started in time is discarded, and finished jobs are pruned by age", async () => {
    const retention = { completed: "2m", discarded: "4m" } as const
    await using world = await createLeadingWorld({ retention })
    await world.worker([defineJob("a", { run: () => {} })])
    const late = await world.enqueue("unknown", null, { expireMs: 10_000 })
    const done = await world.enqueue("a")
    await world.clock.advance(20_000)
    expect(await world.row(late)).toMatchObject({ state: "discarded" })
    expect(world.count("job.expired")).toBe(1)
    await world.clock.advance(130_000)
    expect(await world.store.get(done)).toBeNull()
    expect(await world.store.get(late)).not.toBeNull()
    await world.clock.advance(130_000)
    expect(await world.store.get(late)).toBeNull()
    expect(world.count("service.round_failed")).toBe(0)
  })
})

function identityOf(jobId: string): object {
  return { jobId, kind: "a", queue: "default", attempt: 1 }
}
