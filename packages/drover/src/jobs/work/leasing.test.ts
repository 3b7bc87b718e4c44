import { describe, expect, test } from "vitest"
import { defineJob } from "../define/jobDefinition.ts"
import { faultyStore } from "./fixtures/faultyStore.ts"
import { listening } from "./fixtures/listening.ts"
import { createWorld } from "./fixtures/world.ts"
import { asLeader } from "../../store/asLeader.fixture.ts"

describe("a worker on a machine that wakes up", () => {
  test("beats at once, keeps what it runs, and is given jobs again", async () => {
    await using world = await createWorld()
    const { job, reasons, release } = listening()
    await world.worker([job])
    await world.enqueue("a")
    await world.until("it runs", () => release.length === 1)
    // Right after a beat: the next one is ten seconds away.
    await world.clock.advance(10_500)
    world.clock.jumpWall(3_600_000)
    await world.enqueue("a")
    await world.until("the next one runs", () => release.length === 2, 3_000)
    expect(reasons).toEqual([])
    expect(world.count("job.rescued")).toBe(0)
  })
})

describe("a worker that cannot beat", () => {
  test("stops trusting its lease before the store does, aborts what it runs, and comes back with a new row", async () => {
    await using world = await createWorld()
    const { job, reasons, release } = listening()
    const faulty = faultyStore(world.store)
    const worker = await world.worker([job], { store: faulty.store })
    const id = await world.enqueue("a")
    await world.until("it runs", () => release.length === 1)
    const first = worker.id
    // Long enough for beats, which prolong the trust as the registration began it.
    await world.clock.advance(25_000)
    faulty.fault(() => "before")
    await world.until("the lease is lost", () => world.count("worker.lease_lost") === 1, 30_000)
    const leaseUntil = (await world.store.workers())[0]!.leaseUntil
    expect(world.clock.now()).toBeLessThan(leaseUntil)
    await world.clock.settle()
    expect(reasons.map(({ code }) => code)).toEqual(["DROVER_LEASE_LOST"])
    expect(world.count("job.failed")).toBe(0)
    faulty.fault(() => undefined)
    await world.until(
      "the lease is regained",
      () => world.count("worker.lease_regained") === 1,
      20_000,
    )
    expect(worker.id).not.toBe(first)
    // Its own old jobs come back to it at once: it retired the old row itself.
    await world.until("it runs again", () => release.length === 2, 2_000)
    release[1]!()
    expect(await world.finished(id)).toMatchObject({
      state: "completed",
      attempt: 2,
      failures: 0,
      crashes: 0,
      interruptions: 1,
    })
  })

  test("still records what ended before its lease did", async () => {
    await using world = await createWorld()
    const { job, release } = listening()
    const faulty = faultyStore(world.store)
    await world.worker([job], { store: faulty.store })
    const id = await world.enqueue("a")
    await world.until("it runs", () => release.length === 1)
    faulty.fault(() => "before")
    release[0]!()
    await world.until("the lease is lost", () => world.count("worker.lease_lost") === 1, 30_000)
    faulty.fault(() => undefined)
    expect(await world.finished(id)).toMatchObject({ state: "completed", attempt: 1 })
    expect(release).toHaveLength(1)
  })

  test("claims nothing until it has a row again", async () => {
    await using world = await createWorld()
    const { job, release } = listening()
    const faulty = faultyStore(world.store)
    await world.worker([job], { store: faulty.store })
    await world.clock.settle()
    faulty.fault((operation) =>
      operation === "beat" || operation === "registerWorker" ? "before" : undefined,
    )
    await world.until("the lease is lost", () => world.count("worker.lease_lost") === 1, 30_000)
    const before = faulty.calls.length
    const id = await world.enqueue("a")
    await world.clock.advance(20_000)
    expect(await world.row(id)).toMatchObject({ state: "available", attempt: 0 })
    // It does not even ask: that the store would refuse is the second line.
    const exchanges = faulty.calls.slice(before).filter(({ operation }) => operation === "exchange")
    expect(exchanges).toEqual([])
    faulty.fault(() => undefined)
    await world.until("it runs", () => release.length === 1, 20_000)
  })
})

test("claims whose reply is still lost when the lease is are handed back, and their slots are free again", async () => {
  await using world = await createWorld()
  const { job, release } = listening()
  const faulty = faultyStore(world.store)
  await world.worker([job], { store: faulty.store, queues: { default: { slots: 2 } } })
  await world.clock.settle()
  faulty.fault((operation) => (operation === "exchange" ? "after" : "before"))
  const ids = await world.enqueueMany("a", 2)
  await world.until("the lease is lost", () => world.count("worker.lease_lost") === 1, 30_000)
  expect(release).toHaveLength(0)
  faulty.fault(() => undefined)
  await world.until("both run", () => release.length === 2, 20_000)
  for (const id of ids)
    expect(await world.row(id)).toMatchObject({
      state: "running",
      attempt: 2,
      crashes: 0,
      interruptions: 1,
    })
})

describe("a worker that was taken for dead", () => {
  test("learns it from the store, aborts, and what its handler does later changes nothing", async () => {
    await using world = await createWorld()
    const zombie: (() => void)[] = []
    let runs = 0
    const job = defineJob("a", {
      timeout: false,
      run: () => {
        runs++
        // Deaf to its signal, as a handler that wakes up late is.
        return runs === 1
          ? new Promise<string>((resolve) => zombie.push(() => resolve("late")))
          : "in time"
      },
    })
    const worker = await world.worker([job])
    const id = await world.enqueue("a")
    await world.until("it runs", () => zombie.length === 1)
    const rescued = await (
      await asLeader(world.store)
    ).rescue({
      deadWorkers: [worker.id!],
      expiredLeases: false,
      limit: 10,
    })
    expect(rescued).toMatchObject([{ jobId: id, crashes: 1 }])
    await world.until("it knows", () => world.count("worker.lease_lost") === 1, 15_000)
    zombie[0]!()
    expect(await world.finished(id)).toMatchObject({
      state: "completed",
      attempt: 2,
      result: '"in time"',
    })
    const trail = await world.store.trail(id)
    expect(trail.map(({ to }) => to)).toEqual([
      "available",
      "running",
      "available",
      "running",
      "completed",
    ])
  })

  test("is told by its own late settlement, which is fenced", async () => {
    await using world = await createWorld()
    const { job, release } = listening()
    const faulty = faultyStore(world.store)
    const worker = await world.worker([job], { store: faulty.store })
    const id = await world.enqueue("a")
    await world.until("it runs", () => release.length === 1)
    faulty.fault((operation) =>
      operation === "exchange" || operation === "peek" ? "before" : undefined,
    )
    release[0]!()
    await world.clock.settle()
    await (
      await asLeader(world.store)
    ).rescue({ deadWorkers: [worker.id!], expiredLeases: false, limit: 10 })
    faulty.fault(() => undefined)
    await world.until("it is fenced", () => world.count("job.fenced") === 1, 10_000)
    expect(world.count("job.completed")).toBe(0)
    expect((await world.row(id)).crashes).toBe(1)
  })
})
