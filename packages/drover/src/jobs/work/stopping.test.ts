import { describe, expect, test } from "vitest"
import type { AbortReason } from "../../errors/index.ts"
import type { ExchangeRequest } from "../../store/index.ts"
import { defineJob } from "../define/jobDefinition.ts"
import { faultyStore } from "./fixtures/faultyStore.ts"
import { createWorld } from "./fixtures/world.ts"
import type { World } from "./fixtures/world.ts"
import type { Worker } from "./worker.ts"

/** Handlers that end when their gate opens, or with the signal's reason if they listen to it. */
function gated(listens: boolean): {
  readonly job: ReturnType<typeof defineJob>
  readonly release: (() => void)[]
  readonly reasons: AbortReason[]
} {
  const release: (() => void)[] = []
  const reasons: AbortReason[] = []
  const job = defineJob("a", {
    timeout: false,
    run: (context) =>
      new Promise<string>((resolve, reject) => {
        release.push(() => resolve("done"))
        if (!listens) return
        const { signal } = context
        signal.addEventListener("abort", () => {
          reasons.push(signal.reason as AbortReason)
          reject(signal.reason as Error)
        })
      }),
  })
  return { job, release, reasons }
}

/** Stops a worker, moving time until it has. @returns how long that took, in ms. */
async function stop(
  world: World,
  worker: Worker,
  options?: Parameters<Worker["stop"]>[0],
): Promise<number> {
  const startMono = world.clock.monotonic()
  let stopped = false
  const stopping = worker.stop(options).finally(() => (stopped = true))
  await world.until("it has stopped", () => stopped, 60_000)
  await stopping
  return world.clock.monotonic() - startMono
}

async function running(world: World): Promise<number> {
  const counts = await world.store.queueCounts(1_000)
  return counts.reduce((sum, { counts: { running: count } }) => sum + count, 0)
}

describe("a stop", () => {
  test("of an idle worker takes no time, leaves no row and no timer", async () => {
    await using world = await createWorld()
    const worker = await world.worker([gated(true).job])
    await world.clock.settle()
    expect(await stop(world, worker)).toBeLessThanOrEqual(10)
    expect(await world.store.workers()).toEqual([])
    expect(world.clock.pending).toBe(0)
    expect(world.count("worker.stopped")).toBe(1)
  })

  test("is no loss of the lease: that its row is gone while the reply is on its way is its own doing", async () => {
    await using world = await createWorld()
    const faulty = faultyStore(world.store)
    const worker = await world.worker([gated(true).job], { store: faulty.store })
    await world.clock.settle()
    const reply = Promise.withResolvers<void>()
    faulty.fault((operation) => (operation === "retireWorker" ? reply.promise : undefined))
    const calls = (name: string): number =>
      faulty.calls.filter(({ operation }) => operation === name).length
    const stopping = worker.stop()
    await world.until("it leaves", async () => (await world.store.workers()).length === 0)
    const looks = calls("peek")
    await world.enqueueElsewhere("a")
    await world.until("it looks once more", () => calls("peek") > looks)
    await world.clock.advance(100)
    reply.resolve()
    await world.clock.settle()
    await stopping
    expect(world.count("worker.lease_lost")).toBe(0)
  })

  test("waits for handlers that end within the grace, and records what they did", async () => {
    await using world = await createWorld()
    const { job, release } = gated(true)
    const worker = await world.worker([job])
    const id = await world.enqueue("a")
    await world.until("it runs", () => release.length === 1)
    const stopping = worker.stop({ grace: "30s" })
    await world.clock.advance(20_000)
    release[0]!()
    await world.clock.settle()
    await stopping
    expect(await world.row(id)).toMatchObject({ state: "completed", attempt: 1, interruptions: 0 })
  })

  test("claims nothing from the step in which it begins", async () => {
    await using world = await createWorld()
    const { job, release } = gated(true)
    const worker = await world.worker([job], { queues: { default: { slots: 2 } } })
    const ids = await world.enqueueMany("a", 5)
    await world.until("two run", () => release.length === 2)
    const stopping = worker.stop()
    release[0]!()
    worker.hint()
    await world.clock.advance(1_000)
    expect(release).toHaveLength(2)
    release[1]!()
    await world.clock.settle()
    await stopping
    const rows = await Promise.all(ids.map((id) => world.row(id)))
    expect(rows.filter(({ state }) => state === "completed")).toHaveLength(2)
    expect(
      rows.filter(({ state, attempt }) => state === "available" && attempt === 0),
    ).toHaveLength(3)
  })

  test("hands back what a claim in flight brings: its handler never starts, and it costs the job nothing", async () => {
    await using world = await createWorld()
    const { job, release } = gated(true)
    const faulty = faultyStore(world.store)
    const worker = await world.worker([job], { store: faulty.store })
    await world.clock.settle()
    const gate = Promise.withResolvers<void>()
    let held = false
    faulty.fault((operation, args) => {
      if (operation !== "exchange" || (args[0] as ExchangeRequest).claims.length === 0)
        return undefined
      held = true
      return gate.promise
    })
    const id = await world.enqueue("a")
    await world.until("the claim is in flight", () => held)
    const stopping = worker.stop()
    gate.resolve()
    await world.clock.advance(100)
    await stopping
    expect(release).toHaveLength(0)
    expect(await world.row(id)).toMatchObject({
      state: "available",
      failures: 0,
      crashes: 0,
      interruptions: 1,
    })
  })

  test("aborts with Shutdown shortly before the grace is over, and hands the job back", async () => {
    await using world = await createWorld()
    const { job, release, reasons } = gated(true)
    const worker = await world.worker([job])
    const id = await world.enqueue("a")
    await world.until("it runs", () => release.length === 1)
    const tookMs = await stop(world, worker, { grace: "10s" })
    expect(reasons.map(({ code }) => code)).toEqual(["DROVER_SHUTDOWN"])
    expect(tookMs).toBeGreaterThanOrEqual(8_000)
    expect(tookMs).toBeLessThan(10_000)
    expect(await world.row(id)).toMatchObject({
      state: "available",
      failures: 0,
      crashes: 0,
      interruptions: 1,
    })
    expect(world.count("job.interrupted")).toBe(1)
  })

  test("ends within its grace when handlers ignore their signal, and leaves nothing running in the store", async () => {
    await using world = await createWorld()
    const { job, release } = gated(false)
    const worker = await world.worker([job])
    const ids = await world.enqueueMany("a", 20)
    await world.until("all run", () => release.length === 20)
    expect(await stop(world, worker, { grace: "10s" })).toBeLessThanOrEqual(10_000)
    expect(await running(world)).toBe(0)
    for (const id of ids)
      expect(await world.row(id)).toMatchObject({ state: "available", interruptions: 1 })
    expect(world.count("job.interrupted")).toBe(20)
    // A handler that ends after all is too late, and harmless.
    for (const open of release) open()
    await world.clock.settle()
    expect(await running(world)).toBe(0)
  })

  test("that is called again with less grace hurries", async () => {
    await using world = await createWorld()
    const { job, release, reasons } = gated(true)
    const worker = await world.worker([job])
    await world.enqueue("a")
    await world.until("it runs", () => release.length === 1)
    const startMono = world.clock.monotonic()
    const stopping = worker.stop({ grace: "1h" })
    await world.clock.advance(1_000)
    expect(reasons).toEqual([])
    const now = worker.stopNow()
    await world.clock.advance(1_000)
    await Promise.all([stopping, now])
    expect(reasons).toHaveLength(1)
    expect(world.clock.monotonic() - startMono).toBe(2_000)
  })

  test("without grace, of a worker that had stopped, shortens no later stop", async () => {
    await using world = await createWorld()
    const stuck = defineJob("stuck", { timeout: "1s", run: () => new Promise(() => {}) })
    const slow = defineJob("slow", { run: () => world.clock.sleep(10_000) })
    const options = { whenStuck: "stop", stuckAfter: "1s", stopGrace: "30s" } as const
    const worker = await world.worker([stuck, slow], { options })
    await stop(world, worker)
    await stop(world, worker, { grace: 0 })
    await worker.start()
    await world.enqueue("stuck")
    const id = await world.enqueue("slow")
    // It stops by itself then.
    await world.until("one is stuck", () => world.count("job.stuck") === 1)
    expect(worker.state).toBe("stopping")
    expect(await world.finished(id)).toMatchObject({ state: "completed", interruptions: 0 })
  })

  test("ends within a bound also when the store is gone", async () => {
    await using world = await createWorld()
    const { job, release } = gated(false)
    const faulty = faultyStore(world.store)
    const worker = await world.worker([job], { store: faulty.store })
    await world.enqueue("a")
    await world.until("it runs", () => release.length === 1)
    faulty.fault(() => "before")
    expect(await stop(world, worker, { grace: "10s" })).toBeLessThanOrEqual(16_000)
    faulty.fault(() => undefined)
  })

  test("of a worker that is getting a new row after a lost lease leaves no row", async () => {
    await using world = await createWorld()
    const faulty = faultyStore(world.store)
    const worker = await world.worker([gated(true).job], { store: faulty.store })
    await world.clock.settle()
    const reply = Promise.withResolvers<void>()
    let registering = false
    faulty.fault((operation) => {
      if (operation === "beat") return "before"
      if (operation !== "registerWorker") return undefined
      registering = true
      return reply.promise
    })
    await world.until("it registers again", () => registering)
    const stopping = worker.stop()
    await world.clock.advance(1_000)
    reply.resolve()
    await world.clock.advance(1_000)
    await stopping
    expect(await world.store.workers()).toEqual([])
    expect(world.clock.pending).toBe(0)
  })

  test("waits for the result of a handler whose last lines are still being written", async () => {
    await using world = await createWorld()
    const release: (() => void)[] = []
    const job = defineJob("a", {
      run: async ({ log }) => {
        await new Promise<void>((resolve) => release.push(resolve))
        log.info("the last line")
        return "result"
      },
    })
    const faulty = faultyStore(world.store)
    const worker = await world.worker([job], { store: faulty.store })
    const id = await world.enqueue("a")
    await world.until("it runs", () => release.length === 1)
    const reply = Promise.withResolvers<void>()
    faulty.fault((operation) => (operation === "appendLog" ? reply.promise : undefined))
    const stopping = worker.stop()
    release[0]!()
    await world.clock.advance(1_000)
    reply.resolve()
    await world.clock.advance(1_000)
    await stopping
    expect(await world.row(id)).toMatchObject({
      state: "completed",
      attempt: 1,
      result: '"result"',
    })
    expect((await world.store.log(id)).lines).toMatchObject([{ message: "the last line" }])
  })

  test("under load leaves nothing running", async () => {
    await using world = await createWorld()
    let ran = 0
    const worker = await world.worker([defineJob("a", { run: async () => void ran++ })])
    for (let i = 0; i < 20; i++) await world.enqueueMany("a", 200)
    await stop(world, worker)
    expect(ran).toBeGreaterThan(0)
    expect(await running(world)).toBe(0)
  })

  test("and a new start go on with what was left", async () => {
    await using world = await createWorld()
    const { job, release } = gated(true)
    const worker = await world.worker([job])
    const id = await world.enqueue("a")
    await world.until("it runs", () => release.length === 1)
    await stop(world, worker, { grace: 0 })
    await worker.start()
    await world.until("it runs again", () => release.length === 2)
    release[1]!()
    expect(await world.finished(id)).toMatchObject({
      state: "completed",
      attempt: 2,
      failures: 0,
      interruptions: 1,
    })
  })

  test("hears a cancel while it waits", async () => {
    await using world = await createWorld()
    const { job, release, reasons } = gated(true)
    const worker = await world.worker([job])
    const id = await world.enqueue("a")
    await world.until("it runs", () => release.length === 1)
    const stopping = worker.stop({ grace: "1h" })
    await world.cancel(id, "not wanted any more")
    await world.clock.advance(1_300)
    await stopping
    expect(reasons.map(({ code }) => code)).toEqual(["DROVER_CANCELLED"])
    expect(await world.row(id)).toMatchObject({ state: "cancelled" })
  })
})

test("a worker that cannot register does not start, and may be started again", async () => {
  await using world = await createWorld()
  const faulty = faultyStore(world.store)
  faulty.fault((operation) => (operation === "registerWorker" ? "before" : undefined))
  await expect(world.worker([gated(true).job], { store: faulty.store })).rejects.toMatchObject({
    code: "DROVER_STORE_IO",
  })
  expect(world.clock.pending).toBe(0)
  expect(await world.store.workers()).toEqual([])
})
