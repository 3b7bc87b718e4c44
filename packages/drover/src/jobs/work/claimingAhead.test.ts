import { describe, expect, test, vi } from "vitest"
import type { ExchangeRequest } from "../../store/index.ts"
import { defineJob } from "../define/jobDefinition.ts"
import type { JobDefinition } from "../define/jobDefinition.ts"
import { asLeader } from "../../store/asLeader.fixture.ts"
import { faultyStore } from "./fixtures/faultyStore.ts"
import type { FaultyStore } from "./fixtures/faultyStore.ts"
import { createWorld } from "./fixtures/world.ts"
import type { Worker, WorkerParts } from "./worker.ts"
import type { World } from "./fixtures/world.ts"

const SLOTS = 2
// Among the jobs of one claim that was larger than the slots.
const QUICK = 15
const queues = { default: { slots: SLOTS } }
// Long enough that no poll explains what happens.
const options = { poll: "1h" } as const

/** The most jobs that one claim asked for, after so many calls. */
function mostAsked({ calls }: FaultyStore, after = 0): number {
  const claims = calls
    .slice(after)
    .filter(({ operation }) => operation === "exchange")
    .flatMap(({ args }) => (args[0] as ExchangeRequest).claims)
  return Math.max(...claims.map(({ limit, ahead = 0 }) => limit + ahead))
}

/** A kind whose first handlers end at once; all later ones wait for the gate. */
class Kind {
  readonly started: string[] = []
  readonly #quick: number
  readonly #gate: PromiseWithResolvers<void> = Promise.withResolvers()
  most = 0
  #running = 0

  constructor(quick: number) {
    this.#quick = quick
  }

  get job(): JobDefinition {
    return defineJob("a", {
      run: async ({ job: { id } }) => {
        this.started.push(id)
        this.most = Math.max(this.most, ++this.#running)
        await (this.started.length > this.#quick ? this.#gate.promise : null)
        this.#running--
      },
    })
  }

  open(): void {
    this.#gate.resolve()
  }
}

/** A worker that has claimed ahead and then met handlers that do not end. */
async function heldUp(
  world: World,
  definitions: readonly JobDefinition[] = [],
  more: WorkerParts["queues"] = {},
): Promise<{
  readonly kind: Kind
  readonly worker: Worker
  readonly waiting: readonly string[]
}> {
  const kind = new Kind(QUICK)
  const ids = await world.enqueueMany("a", 60)
  const worker = await world.worker([kind.job, ...definitions], {
    queues: { ...queues, ...more },
    options,
  })
  await world.until("two handlers do not end", () => kind.started.length === QUICK + SLOTS)
  const claimed = await running(world, ids)
  const waiting = claimed.filter((id) => !kind.started.includes(id))
  expect(waiting.length).toBeGreaterThan(1)
  return { kind, worker, waiting }
}

describe("a worker whose handlers end at once", () => {
  test("claims more than it has slots, and never runs more handlers than it has slots", async () => {
    await using world = await createWorld()
    const faulty = faultyStore(world.store)
    const kind = new Kind(1_000)
    const ids = await world.enqueueMany("a", 1_000)
    await world.worker([kind.job], { store: faulty.store, queues, options })
    for (const id of ids) expect(await world.finished(id)).toMatchObject({ attempt: 1 })
    expect(kind.started).toEqual(ids)
    expect(kind.most).toBe(SLOTS)
    expect(mostAsked(faulty)).toBeGreaterThan(50 * SLOTS)
  })

  test("claims no more than it has slots when it was told so", async () => {
    await using world = await createWorld()
    const faulty = faultyStore(world.store)
    const kind = new Kind(100)
    const ids = await world.enqueueMany("a", 100)
    const told = { ...options, claimAhead: false }
    await world.worker([kind.job], { store: faulty.store, queues, options: told })
    for (const id of ids) await world.finished(id)
    expect(mostAsked(faulty)).toBe(SLOTS)
  })

  test("has its seats back when there were fewer jobs than seats", async () => {
    await using world = await createWorld()
    const faulty = faultyStore(world.store)
    await world.worker([new Kind(10_000).job], { store: faulty.store, queues, options })
    for (let burst = 0; burst < 10; burst++) {
      const before = faulty.calls.length
      for (const id of await world.enqueueMany("a", 300)) await world.finished(id)
      expect(mostAsked(faulty, before)).toBeGreaterThan(10 * SLOTS)
    }
  })

  test("does not lose what it claimed ahead with a reply that was lost", async () => {
    await using world = await createWorld()
    const faulty = faultyStore(world.store)
    const kind = new Kind(300)
    let calls = 0
    faulty.fault((operation) =>
      operation === "exchange" && ++calls % 3 === 0 ? "after" : undefined,
    )
    const ids = await world.enqueueMany("a", 300)
    await world.worker([kind.job], { store: faulty.store, queues, options })
    for (const id of ids) expect(await world.finished(id)).toMatchObject({ attempt: 1 })
    expect(kind.started.toSorted()).toEqual(ids.toSorted())
    expect(mostAsked(faulty)).toBeGreaterThan(SLOTS)
  })
})

describe("jobs that were claimed ahead of a slot", () => {
  test("go back unrun when no slot becomes free within 100 ms, and cost the job nothing", async () => {
    await using world = await createWorld()
    const { kind, waiting } = await heldUp(world)
    await world.clock.advance(100)
    await world.clock.settle()
    for (const id of waiting) {
      expect(await world.row(id)).toMatchObject({
        ...{ state: "available", interruptions: 1, failures: 0, crashes: 0 },
      })
    }
    expect(kind.started).toHaveLength(QUICK + SLOTS)
    kind.open()
    for (const id of waiting) expect(await world.finished(id)).toMatchObject({ state: "completed" })
    expect(kind.most).toBe(SLOTS)
  })

  test("go back unrun when another handler blocks the process for as long", async () => {
    await using world = await createWorld()
    let blockedMs = 0
    const clock = new Proxy(world.clock, {
      get(target, name) {
        if (name === "monotonic") return () => target.monotonic() + blockedMs
        const value: unknown = Reflect.get(target, name)
        return typeof value === "function" ? (value.bind(target) as unknown) : value
      },
    })
    let calls = 0
    const run = (): void => {
      if (++calls === QUICK) blockedMs += 150
    }
    const ids = await world.enqueueMany("a", 60)
    await world.worker([defineJob("a", { run })], { clock, queues, options })
    const rows = []
    for (const id of ids) rows.push(await world.finished(id))
    expect(rows.filter(({ interruptions }) => interruptions === 1).length).toBeGreaterThan(1)
    expect(calls).toBe(60)
  })

  test("start in order as slots become free", async () => {
    await using world = await createWorld()
    const { kind, waiting } = await heldUp(world)
    kind.open()
    for (const id of waiting) expect(await world.finished(id)).toMatchObject({ attempt: 1 })
    expect(kind.started.slice(QUICK + SLOTS, QUICK + SLOTS + waiting.length)).toEqual(waiting)
  })

  test("go back at once when the worker stops", async () => {
    await using world = await createWorld()
    const { kind, worker, waiting } = await heldUp(world)
    const stopped = worker.stop()
    await world.clock.settle()
    for (const id of waiting) {
      expect(await world.row(id)).toMatchObject({ state: "available", interruptions: 1 })
    }
    kind.open()
    await stopped
    expect(kind.started).toHaveLength(QUICK + SLOTS)
  })

  test("never start when they are cancelled", async () => {
    await using world = await createWorld()
    const { kind, waiting } = await heldUp(world)
    const [unwanted] = waiting as [string]
    await world.cancel(unwanted, "by hand")
    await world.until(
      "it is cancelled",
      async () => (await world.row(unwanted)).finishedAt !== null,
    )
    expect(await world.row(unwanted)).toMatchObject({ state: "cancelled", reason: "by hand" })
    kind.open()
    for (const id of waiting.slice(1)) await world.finished(id)
    expect(kind.started).not.toContain(unwanted)
  })

  test("never start once the worker was taken for dead", async () => {
    await using world = await createWorld()
    const { kind, worker, waiting } = await heldUp(world)
    const leader = await asLeader(world.store)
    await leader.rescue({ deadWorkers: [worker.id!], expiredLeases: false, limit: 100 })
    // Makes the worker look before the jobs have waited too long.
    const [unwanted, ...others] = waiting as [string, ...string[]]
    await world.cancel(unwanted)
    await world.until("it knows", () => world.count("worker.lease_lost") === 1, 90)
    kind.open()
    for (const id of others) {
      expect(await world.finished(id)).toMatchObject({ attempt: 2, crashes: 1 })
      expect(kind.started.filter((started) => started === id)).toHaveLength(1)
    }
    // Only the two that ran: nothing is said any more about those that did not.
    expect(world.count("job.fenced")).toBeLessThanOrEqual(SLOTS)
  })

  test("keep a job waiting that must run alone, until none of them is this process's any more", async () => {
    await using world = await createWorld()
    const peek = vi.spyOn(world.store, "peek")
    const suspect = await world.enqueue("b", null, { queue: "other" })
    const rescue = await crashedUnder(world, suspect)
    const beside: string[][] = []
    const run = async (): Promise<void> => {
      beside.push(await running(world, waiting))
    }
    const { kind, worker, waiting } = await heldUp(world, [defineJob("b", { run })], {
      other: { slots: 1 },
    })
    await rescue()
    const seen = async (): Promise<boolean> => (await peek.mock.results.at(-1)!.value).solo
    await world.until("the worker has seen that one must run alone", seen, 50)
    // Both handlers end, and the jobs that wait get no slot: nothing runs, and they are this process's still.
    worker.resize("default", 0)
    kind.open()
    await world.until("no handler runs", () => worker.running().length === 0, 20)
    expect(await running(world, waiting)).toEqual(waiting)
    expect(await world.finished(suspect)).toMatchObject({ state: "completed", crashes: 1 })
    expect(beside).toEqual([[]])
  })
})

/** Which of these jobs belong to a worker now. */
async function running(world: World, ids: readonly string[]): Promise<string[]> {
  const rows = await Promise.all(ids.map((id) => world.row(id)))
  return rows.filter(({ state }) => state === "running").map(({ id }) => id)
}

/** Another process has claimed this job and died. @returns what takes the job back. */
async function crashedUnder(world: World, jobId: string): Promise<() => Promise<unknown>> {
  const { kind, queue } = await world.row(jobId)
  const dead = await world.connect()
  const identity = { workerId: "dead", token: 7, leaseMs: 30_000 }
  const worker = await dead.registerWorker({ ...identity, host: "elsewhere", pid: 1, info: "{}" })
  const claims = [{ queue, kinds: [kind], limit: 1 }]
  await dead.exchange({ worker, settlements: [], claims, token: 8, repeat: false, solo: false })
  const leader = await asLeader(dead)
  return () => leader.rescue({ deadWorkers: ["dead"], expiredLeases: false, limit: 1 })
}
