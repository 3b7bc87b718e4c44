import { describe, expect, test } from "vitest"
import type { ExchangeRequest } from "../../store/index.ts"
import { defineJob } from "../define/jobDefinition.ts"
import { deafStore } from "./fixtures/deafStore.ts"
import { faultyStore } from "./fixtures/faultyStore.ts"
import { createWorld } from "./fixtures/world.ts"
import type { World } from "./fixtures/world.ts"

/** A kind whose handlers wait for a gate. */
function gated(kind = "a"): {
  readonly job: ReturnType<typeof defineJob>
  readonly running: Map<string, () => void>
  most: number
} {
  const state = {
    running: new Map<string, () => void>(),
    most: 0,
    job: defineJob(kind, {
      run: ({ job }) =>
        new Promise<void>((resolve) => {
          state.running.set(job.id, () => {
            state.running.delete(job.id)
            resolve()
          })
          state.most = Math.max(state.most, state.running.size)
        }),
    }),
  }
  return state
}

function open(gate: { readonly running: Map<string, () => void> }, count = 1): void {
  for (const release of [...gate.running.values()].slice(0, count)) release()
}

// Long enough that only hints and freed slots can explain a claim.
const rarely = { poll: "1h" } as const

function exchanges(calls: ReturnType<typeof faultyStore>["calls"]): readonly ExchangeRequest[] {
  return calls
    .filter(({ operation }) => operation === "exchange")
    .map(({ args }) => args[0] as ExchangeRequest)
}

async function states(world: World, ids: readonly string[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const id of ids) {
    const { state } = await world.row(id)
    counts[state] = (counts[state] ?? 0) + 1
  }
  return counts
}

describe("slots", () => {
  test("a worker that starts knows what an operator left a queue before its first claim", async () => {
    await using world = await createWorld()
    const gate = gated()
    await world.store.setQueue("default", { slots: 1 }, "ann")
    await world.enqueueMany("a", 5)
    // Its first look is not answered for now: it is only a hint.
    const { store, fault } = faultyStore(world.store)
    const answered = Promise.withResolvers<void>()
    fault((operation) => (operation === "peek" ? answered.promise : undefined))
    await world.worker([gate.job], { store, queues: { default: { slots: 4 } }, options: rarely })
    await world.clock.settle()
    expect(gate.running.size).toBe(1)
    answered.resolve()
    open(gate)
    await world.clock.settle()
    expect(gate.most).toBe(1)
  })

  test("no more jobs run than there are slots, and each freed slot takes the next job at once", async () => {
    await using world = await createWorld()
    const gate = gated()
    await world.worker([gate.job], { queues: { default: { slots: 3 } }, options: rarely })
    await world.enqueueMany("a", 20)
    await world.clock.settle()
    for (let done = 0; done < 20; done++) {
      expect(gate.running.size).toBe(Math.min(3, 20 - done))
      open(gate)
      // No time passes: the claim needs no poll.
      for (let turn = 0; turn < 4; turn++) await world.clock.settle()
    }
    expect(gate.most).toBe(3)
    expect(world.clock.monotonic()).toBe(0)
  })

  test("a claim asks for exactly the free slots, and a late hint with a full pool asks for nothing", async () => {
    await using world = await createWorld()
    const gate = gated()
    const faulty = faultyStore(world.store)
    const worker = await world.worker([gate.job], {
      store: faulty.store,
      queues: { default: { slots: 4 } },
      options: rarely,
    })
    await world.clock.settle()
    await world.enqueueMany("a", 10)
    await world.until("four run", () => gate.running.size === 4)
    const before = exchanges(faulty.calls).length
    for (let i = 0; i < 50; i++) worker.hint()
    await world.clock.settle()
    expect(exchanges(faulty.calls)).toHaveLength(before)
    open(gate, 2)
    await world.until("four run again", () => gate.running.size === 4)
    expect(exchanges(faulty.calls)[before]!.claims).toMatchObject([{ queue: "default", limit: 2 }])
  })

  test("raising the slots claims at once, lowering them ends nothing, none is a pause", async () => {
    await using world = await createWorld()
    const gate = gated()
    const worker = await world.worker([gate.job], {
      queues: { default: { slots: 0 } },
      options: rarely,
    })
    await world.enqueueMany("a", 10)
    await world.clock.settle()
    expect(gate.running.size).toBe(0)
    worker.resize("default", 4)
    await world.until("four run", () => gate.running.size === 4, 0)
    worker.resize("default", 1)
    await world.clock.settle()
    expect(gate.running.size).toBe(4)
    open(gate, 3)
    await world.clock.advance(100)
    expect(gate.running.size).toBe(1)
    expect(() => worker.resize("elsewhere", 1)).toThrow(/does not work on queue "elsewhere"/)
  })

  test("an empty queue is claimed from once, then left alone until something hints at work", async () => {
    await using world = await createWorld()
    const faulty = faultyStore(world.store)
    await world.worker([defineJob("a", { run: () => {} })], {
      store: faulty.store,
    })
    await world.clock.advance(60_000)
    expect(exchanges(faulty.calls).length).toBeLessThanOrEqual(2)
    const peeks = faulty.calls.filter(({ operation }) => operation === "peek").length
    expect(peeks).toBeGreaterThan(40)
    expect(peeks).toBeLessThan(90)
  })
})

test("a worker without slots for a queue neither asks for its jobs nor writes because of them, until it has some", async () => {
  await using world = await createWorld()
  const other = await world.connect()
  const gate = gated()
  const faulty = faultyStore(world.store)
  await other.setQueue("default", { slots: 0 }, "test")
  await world.worker([gate.job], { store: faulty.store })
  await world.enqueueMany("a", 3)
  await world.clock.advance(60_000)
  expect(gate.running.size).toBe(0)
  expect(exchanges(faulty.calls)).toEqual([])
  await other.setQueue("default", { slots: 2 }, "test")
  await world.until("two run", () => gate.running.size === 2, 1_500)
})

test("a queue that could fill every claim leaves room for the others", async () => {
  await using world = await createWorld()
  const order: string[] = []
  const job = defineJob("a", { run: ({ job: { queue } }) => void order.push(queue) })
  await world.enqueueMany("a", 3_000, { queue: "large" })
  await world.enqueueMany("a", 5, { queue: "small" })
  await world.worker([job], { queues: { large: { slots: 1_000 }, small: { slots: 5 } } })
  await world.until("all ran", () => order.length === 3_005)
  expect(order.lastIndexOf("small")).toBeLessThan(1_100)
})

describe("wake-ups", () => {
  test("a job of another process is found by the poll alone, when every hint is lost", async () => {
    await using world = await createWorld()
    await world.worker([defineJob("a", { run: () => {} })], { store: deafStore(world.store) })
    await world.clock.advance(5_000)
    const id = await world.enqueueElsewhere("a")
    expect((await world.row(id)).state).toBe("available")
    // A poll a second, give or take a quarter.
    await world.clock.advance(1_300)
    expect((await world.row(id)).state).toBe("completed")
  })

  test("a job that is due later starts at that instant, not at a poll", async () => {
    await using world = await createWorld()
    const startedAt: number[] = []
    const job = defineJob("a", { run: () => void startedAt.push(world.clock.now()) })
    await world.worker([job], { options: rarely })
    await world.clock.advance(1_000)
    const enqueuedAt = world.clock.now()
    await world.enqueue("a", null, { delayMs: 90_000 })
    await world.clock.advance(89_999)
    expect(startedAt).toEqual([])
    await world.clock.advance(25)
    expect(startedAt).toHaveLength(1)
    expect(startedAt[0]! - enqueuedAt).toBeGreaterThanOrEqual(90_000)
  })

  test("a hint that comes during a claim leads to another claim, though the first found nothing", async () => {
    await using world = await createWorld()
    const gate = gated()
    const faulty = faultyStore(world.store)
    const reply = Promise.withResolvers<void>()
    // Nothing else may notice the job.
    faulty.fault((operation) =>
      operation === "peek" ? "before" : operation === "exchange" ? reply.promise : undefined,
    )
    await world.worker([gate.job], { store: faulty.store, options: rarely })
    await world.until("a claim is in flight", () => exchanges(faulty.calls).length === 1)
    await world.clock.settle()
    await world.enqueue("a")
    reply.resolve()
    await world.clock.advance(1)
    expect(gate.running.size).toBe(1)
  })

  test("a paused queue is not claimed from, and goes on when it is resumed elsewhere", async () => {
    await using world = await createWorld()
    const other = await world.connect()
    const gate = gated()
    await world.worker([gate.job])
    await other.setQueue("default", { paused: true, slots: 2 }, "test")
    await world.clock.advance(1_500)
    await world.enqueueMany("a", 5)
    await world.clock.advance(5_000)
    expect(gate.running.size).toBe(0)
    await other.setQueue("default", { paused: false }, "test")
    await world.until("two run", () => gate.running.size === 2, 1_500)
    await world.clock.advance(5_000)
    expect(gate.running.size).toBe(2)
    expect(world.seen.map(({ name }) => name).filter((name) => name.startsWith("queue."))).toEqual(
      expect.arrayContaining(["queue.paused", "queue.resumed", "queue.resized"]),
    )
  })

  test("jobs of kinds that the worker does not know stay for others", async () => {
    await using world = await createWorld()
    await world.worker([defineJob("a", { run: () => {} })])
    const id = await world.enqueue("unknown")
    await world.clock.advance(20_000)
    expect(await world.row(id)).toMatchObject({ state: "available", attempt: 0 })
  })

  test("within a queue, priority goes first, then due time, then the order of enqueue", async () => {
    await using world = await createWorld()
    const order: unknown[] = []
    const job = defineJob("a", { run: ({ input }) => void order.push(input) })
    await world.enqueue("a", "low", { priority: 500 })
    await world.enqueue("a", "first")
    await world.enqueue("a", "second")
    await world.enqueue("a", "high", { priority: 1 })
    await world.worker([job], { queues: { default: { slots: 1 } } })
    await world.until("all ran", () => order.length === 4)
    expect(order).toEqual(["high", "first", "second", "low"])
  })
})

describe("a store that fails", () => {
  test("claims whose reply was lost start when the request is sent again, each once", async () => {
    await using world = await createWorld()
    const gate = gated()
    const faulty = faultyStore(world.store)
    let lost = 0
    faulty.fault((operation, args) => {
      const request = args[0] as ExchangeRequest
      if (operation !== "exchange" || request.claims.length === 0 || lost >= 2) return undefined
      lost++
      return "after"
    })
    const ids = await world.enqueueMany("a", 3)
    const worker = await world.worker([gate.job], {
      store: faulty.store,
      queues: { default: { slots: 2 } },
      options: rarely,
    })
    await world.until("two run", () => gate.running.size === 2)
    expect(lost).toBe(2)
    expect(await states(world, ids)).toEqual({ running: 2, available: 1 })
    expect(worker.running()).toHaveLength(2)
    expect(gate.most).toBe(2)
    open(gate, 2)
    await world.until("the third runs", () => gate.running.size === 1)
    open(gate)
    await world.until("all are done", async () => (await states(world, ids)).completed === 3)
    for (const id of ids) expect((await world.row(id)).attempt).toBe(1)
    expect(world.count("store.failed")).toBeGreaterThan(0)
    expect(world.count("store.recovered")).toBeGreaterThan(0)
  })

  test("a settlement whose reply was lost is written once and reported once", async () => {
    await using world = await createWorld()
    const faulty = faultyStore(world.store)
    let lost = 0
    faulty.fault((operation, args) => {
      if (
        operation !== "exchange" ||
        (args[0] as ExchangeRequest).settlements.length === 0 ||
        lost >= 3
      )
        return undefined
      lost++
      return "after"
    })
    await world.worker([defineJob("a", { run: () => "x" })], { store: faulty.store })
    const id = await world.enqueue("a")
    await world.until("it is reported", () => world.count("job.completed") === 1)
    await world.clock.advance(10_000)
    expect(world.count("job.completed")).toBe(1)
    expect(world.count("job.fenced")).toBe(0)
    expect(await world.row(id)).toMatchObject({ state: "completed", attempt: 1 })
    expect((await world.store.trail(id)).map(({ to }) => to)).toEqual([
      "available",
      "running",
      "completed",
    ])
  })

  test("while the store is away nothing is claimed and nothing is lost; afterwards everything goes on", async () => {
    await using world = await createWorld()
    const gate = gated()
    const faulty = faultyStore(world.store)
    await world.worker([gate.job], { store: faulty.store, queues: { default: { slots: 2 } } })
    const ids = await world.enqueueMany("a", 4)
    await world.until("two run", () => gate.running.size === 2)
    faulty.fault(() => "before")
    open(gate, 2)
    await world.clock.advance(15_000)
    expect(gate.running.size).toBe(0)
    expect(world.count("job.completed")).toBe(0)
    const tries = exchanges(faulty.calls).length
    faulty.fault(() => undefined)
    await world.until("the other two run", () => gate.running.size === 2, 10_000)
    expect(world.count("job.completed")).toBe(2)
    // With backoff: a dead store is not hammered.
    expect(tries).toBeLessThan(40)
    open(gate, 2)
    await world.until("all are done", async () => (await states(world, ids)).completed === 4)
  })

  test("settlements are written, each as it is, although every claim is refused", async () => {
    await using world = await createWorld()
    const faulty = faultyStore(world.store)
    const release: (() => void)[] = []
    const job = defineJob("a", {
      run: ({ input }) => new Promise((resolve) => release.push(() => resolve(input))),
    })
    await world.worker([job], { store: faulty.store })
    const ids = await world.enqueueMany("a", 3)
    await world.until("all run", () => release.length === 3)
    faulty.fault((operation, args) => {
      const claims = operation === "exchange" && (args[0] as ExchangeRequest).claims.length > 0
      return claims ? "refuse" : undefined
    })
    const late = await world.enqueue("a")
    await world.clock.advance(1_000)
    for (const open of release) open()
    for (const id of ids) expect(await world.finished(id)).toMatchObject({ state: "completed" })
    faulty.fault(() => undefined)
    await world.until("the last one runs", () => release.length === 4)
    release[3]!()
    expect(await world.finished(late)).toMatchObject({ state: "completed" })
  })

  test("one settlement that the store refuses does not hold up the others", async () => {
    await using world = await createWorld()
    const gate = gated()
    const faulty = faultyStore(world.store)
    await world.worker([gate.job], { store: faulty.store })
    const ids = await world.enqueueMany("a", 5)
    await world.until("all run", () => gate.running.size === 5)
    faulty.fault((operation, args) => {
      if (operation !== "exchange") return undefined
      const bad = (args[0] as ExchangeRequest).settlements.some(
        ({ attempt, settlement }) => attempt.jobId === ids[2] && settlement.to === "completed",
      )
      return bad ? "refuse" : undefined
    })
    open(gate, 5)
    await world.until("all are finished", async () => {
      const { completed = 0, discarded = 0 } = await states(world, ids)
      return completed === 4 && discarded === 1
    })
    expect(await world.row(ids[2]!)).toMatchObject({
      state: "discarded",
      reason: "its outcome could not be stored",
    })
  })
})
