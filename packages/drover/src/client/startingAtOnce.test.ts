import { AsyncLocalStorage } from "node:async_hooks"
import { expect, test } from "vitest"
import type { JobContext } from "../jobs/define/jobContext.ts"
import { defineJob } from "../jobs/define/jobDefinition.ts"
import type { JobDefinition } from "../jobs/define/jobDefinition.ts"
import type { JobHandle } from "../jobs/define/jobHandle.ts"
import { faultyStore } from "../jobs/work/fixtures/faultyStore.ts"
import type { FaultyStore } from "../jobs/work/fixtures/faultyStore.ts"
import type { Worker } from "../jobs/work/worker.ts"
import { sqlite } from "../sqlite/index.ts"
import { asLeader } from "../store/asLeader.fixture.ts"
import type { ExchangeRequest, Store, StoreSource } from "../store/index.ts"
import { createTestDrover } from "../testing/index.ts"
import type { TestDrover, TestDroverOptions } from "../testing/index.ts"

interface Watched extends TestDrover {
  /** The calls that wrote jobs or looked for some, each with the number of jobs that it wrote, since the last look. */
  calls(): readonly string[]
  readonly faulty: FaultyStore
}

/** A client in a world of its own, whose store writes down what it is asked for. */
function watched(options: TestDroverOptions): Watched {
  const inner = sqlite(":memory:")
  let faulty: FaultyStore | undefined
  const store: StoreSource = {
    label: inner.label,
    connect(environment): Store {
      faulty = faultyStore(inner.connect(environment))
      return faulty.store
    },
  }
  const world = createTestDrover({ ...options, store })
  let from = 0
  const calls = (): readonly string[] => {
    const all = faulty?.calls ?? []
    const fresh = all.slice(from)
    from = all.length
    return fresh.flatMap(({ operation, args }) => {
      if (operation === "enqueue") return [`enqueue ${(args[0] as unknown[]).length}`]
      if (operation !== "exchange") return []
      const [{ enqueues, settlements }] = args as [ExchangeRequest]
      return [`exchange ${enqueues?.length ?? 0}${settlements.length > 0 ? " settles" : ""}`]
    })
  }
  return {
    ...world,
    [Symbol.asyncDispose]: world[Symbol.asyncDispose],
    calls,
    get faulty() {
      return faulty!
    },
  }
}

/** Moves time until a job has ended. */
async function ended({ clock }: TestDrover, handle: JobHandle): ReturnType<JobHandle["get"]> {
  for (let waitedMs = 0; waitedMs < 60_000; waitedMs += 10) {
    await clock.settle()
    const job = await handle.get()
    if (job?.finishedAt !== null) return job
    await clock.advance(10)
  }
  throw new Error("the job did not end within a minute")
}

/** A worker that has nothing to do; what it asked for until then does not count. */
async function idleWorker({ drover, clock, calls }: Watched): Promise<Worker> {
  const worker = await drover.work()
  await clock.settle()
  calls()
  return worker
}

function noting(started: unknown[]): JobDefinition<{ n: number }, void> {
  return defineJob("a", {
    run({ input }: JobContext<{ n: number }>) {
      started.push(input.n)
    },
  })
}

test("a job that an idle worker's own program enqueues is written and started by one transaction", async () => {
  const started: unknown[] = []
  const job = noting(started)
  await using world = watched({ jobs: [job] })
  await using _worker = await idleWorker(world)
  const handle = await world.drover.enqueue(job, { n: 1 })
  // Whoever enqueues goes on before its handler is called, as with any other enqueue.
  expect(started).toEqual([])
  expect(handle.status).toBe("enqueued")
  expect(world.calls()).toEqual(["exchange 1"])
  expect(await ended(world, handle)).toMatchObject({ state: "completed", attempt: 1 })
  expect(started).toEqual([1])
  const names = world.probe.all.map(({ name }) => name)
  expect(names.indexOf("job.enqueued")).toBeLessThan(names.indexOf("job.started"))
  expect(names.filter((name) => name === "job.enqueued")).toHaveLength(1)
  // The settlement alone: nothing looks for more where nothing waits.
  expect(world.calls().filter((call) => !call.endsWith("settles"))).toEqual([])
})

test("the attempt that enqueues is not the owner of what it starts", async () => {
  const inside = new AsyncLocalStorage<string>()
  const seen: unknown[] = []
  const child = defineJob("child", {
    run() {
      seen.push(inside.getStore())
      return Promise.reject(new Error("the child's own"))
    },
    retry: { maxAttempts: 1 },
  })
  const parent = defineJob("parent", {
    async run(): Promise<string> {
      await inside.run("parent", () => world.drover.enqueue(child))
      return "well"
    },
  })
  await using world = watched({ jobs: [child, parent] })
  await using _worker = await world.drover.work()
  await world.clock.settle()
  const handle = await world.drover.enqueue(parent)
  expect(await ended(world, handle)).toMatchObject({ state: "completed" })
  expect(seen).toEqual([undefined])
})

test("of many at once only one goes with the worker's exchange, and each runs once", async () => {
  const started: unknown[] = []
  const job = noting(started)
  await using world = watched({ jobs: [job] })
  await using _worker = await idleWorker(world)
  const numbers = Array.from({ length: 50 }, (_, n) => n)
  const handles = await Promise.all(numbers.map((n) => world.drover.enqueue(job, { n })))
  await world.clock.settle()
  expect(started.toSorted((a, b) => Number(a) - Number(b))).toEqual(numbers)
  expect(new Set(handles.map(({ id }) => id)).size).toBe(50)
  const calls = world.calls()
  expect(calls.filter((call) => call === "exchange 1")).toHaveLength(1)
  expect(calls.filter((call) => call === "enqueue 1")).toHaveLength(49)
})

test.for([
  ["is full", { default: { slots: 0 } }, {}],
  ["is paused", undefined, { paused: true }],
  ["knows of others that wait", undefined, { backlog: true }],
] as const)("a worker that %s leaves the job to the usual way", async ([, queues, given]) => {
  const { paused = false, backlog = false } = given as { paused?: boolean; backlog?: boolean }
  const job = noting([])
  await using world = watched({ jobs: [job], ...(queues && { queues }) })
  if (backlog)
    await world.drover.enqueueMany(
      job,
      Array.from({ length: 200 }, (_, n) => ({ input: { n } })),
    )
  if (paused) await world.drover.pauseQueue("default")
  await using _worker = await world.drover.work()
  if (!backlog) await world.clock.settle()
  world.calls()
  await world.drover.enqueue(job, { n: 1 })
  expect(world.calls()).toContain("enqueue 1")
})

test("a job for later, and one of many, go the usual way", async () => {
  const job = noting([])
  await using world = watched({ jobs: [job] })
  await using _worker = await idleWorker(world)
  await world.drover.enqueue(job, { n: 1 }, { runIn: "1m" })
  await world.drover.enqueueMany(job, [{ input: { n: 2 } }])
  await world.drover.transaction((tx) => tx.enqueue(job, { n: 3 }))
  expect(world.calls().filter((call) => call.startsWith("exchange 1"))).toEqual([])
})

test.for(["before", "after"] as const)(
  "when the store fails %s it was written, the usual way makes one job of it, which runs once",
  async (fault) => {
    const started: unknown[] = []
    const job = noting(started)
    await using world = watched({ jobs: [job] })
    await using _worker = await idleWorker(world)
    let faults = 0
    world.faulty.fault((operation) =>
      operation === "exchange" && faults++ === 0 ? fault : undefined,
    )
    const handle = await world.drover.enqueue(job, { n: 1 })
    expect(world.calls().slice(0, 2)).toEqual(["exchange 1", "enqueue 1"])
    expect(await ended(world, handle)).toMatchObject({ state: "completed", attempt: 1 })
    expect(started).toEqual([1])
    expect(await world.drover.count()).toBe(1)
  },
)

test("while a job runs alone after a crash, an enqueue goes the usual way, also its own", async () => {
  const seen: unknown[] = []
  const held = Promise.withResolvers<void>()
  const other = noting(seen)
  const suspect = defineJob("suspect", {
    async run() {
      const child = await world.drover.enqueue(other, { n: 1 })
      seen.push(child.status)
      await held.promise
    },
  })
  await using world = watched({ jobs: [suspect, other] })
  const handle = await world.drover.enqueue(suspect)
  const { store } = world.faulty
  const identity = { workerId: "dead", token: 7, leaseMs: 30_000 }
  const worker = await store.registerWorker({ ...identity, host: "elsewhere", pid: 1, info: "{}" })
  const claims = [{ queue: "default", kinds: ["suspect"], limit: 1 }]
  await store.exchange({ worker, settlements: [], claims, token: 8, repeat: false, solo: false })
  await using running = await world.drover.work()
  await world.clock.settle()
  const leader = await asLeader(store)
  await leader.rescue({ deadWorkers: ["dead"], expiredLeases: false, limit: 1 })
  for (let n = 0; n < 100 && running.running().length === 0; n++) await world.clock.advance(100)
  expect(seen).toEqual(["enqueued"])
  await world.drover.enqueue(other, { n: 2 })
  held.resolve()
  expect(await ended(world, handle)).toMatchObject({ state: "completed", crashes: 1 })
  await world.clock.settle()
  expect(seen).toEqual(["enqueued", 1, 2])
})

test("a job with a unique key goes the usual way: who holds the key must not hold up the worker", async () => {
  const started: unknown[] = []
  const job = noting(started)
  await using world = watched({ jobs: [job] })
  await using _worker = await idleWorker(world)
  const handle = await world.drover.enqueue(job, { n: 1 }, { unique: { key: "k" } })
  expect(world.calls()[0]).toBe("enqueue 1")
  expect(await ended(world, handle)).toMatchObject({ state: "completed" })
})

test("a client that is closing refuses an enqueue, whatever its worker could do", async () => {
  const job = noting([])
  await using world = watched({ jobs: [job] })
  await world.drover.work()
  await world.clock.settle()
  const closing = world.drover.close()
  await closing
  await expect(world.drover.enqueue(job, { n: 1 })).rejects.toMatchObject({ code: "DROVER_CLOSED" })
})
