import { DatabaseSync } from "node:sqlite"
import { describe, expect, onTestFinished, test } from "vitest"
import { defineJob } from "../jobs/define/jobDefinition.ts"
import { sqliteShared } from "../sqlite/index.ts"
import { ManualClock, SeededRng } from "../time/index.ts"
import { Drover } from "./drover.ts"
import type { DroverOptions } from "./droverOptions.ts"
import { createLeadingWorld } from "./fixtures/leadingWorld.ts"

interface Place {
  readonly clock: ManualClock
  client(options?: Partial<DroverOptions>): Drover
  /** Moves time until a promise settles. */
  settled<T>(promise: Promise<T>): Promise<T>
}

function place(): Place {
  const clock = new ManualClock()
  const db = new DatabaseSync(":memory:")
  onTestFinished(() => db.close())
  let clients = 0
  return {
    clock,
    client: (options = {}) =>
      new Drover({
        store: sqliteShared(db),
        clock,
        rng: new SeededRng(`client ${++clients}`),
        jobs: [defineJob("a", { run: () => null })],
        ...options,
      }),
    async settled(promise) {
      let over = false
      const end = (): void => {
        over = true
      }
      promise.then(end, end)
      while (!over) await clock.advance(20)
      return promise
    },
  }
}

describe("a client", () => {
  test("leads while it has a worker, and says so", async () => {
    const { client, clock, settled } = place()
    const drover = client()
    expect(await drover.leader()).toBeNull()
    const worker = await settled(drover.work())
    await clock.advance(1_000)
    const leader = (await drover.leader())!
    expect(leader).toMatchObject({ term: 1, pid: process.pid, info: {} })
    expect(leader.untilAt.getTime() - leader.renewedAt.getTime()).toBe(15_000)
    await settled(worker.stop())
    await clock.advance(100)
    expect(await drover.leader()).toBeNull()
    await settled(drover.close())
  })

  test.each([
    ["follows from a lease that is shorter", "10s", {}, 10_000],
    ["is 3 s at least", "1s", {}, 3_000],
    ["is 15 s at most", "1m", {}, 15_000],
    ["is what it is said to be", "1s", { lead: { ttl: "9s" } }, 9_000],
  ] as const)("leads for a time that %s", async (_, ttl, options, termMs) => {
    const { client, clock, settled } = place()
    const drover = client(options)
    await settled(drover.work({ lease: { ttl } }))
    await clock.advance(1_000)
    const { renewedAt, untilAt } = (await drover.leader())!
    expect(untilAt.getTime() - renewedAt.getTime()).toBe(termMs)
    await settled(drover.close())
  })

  test("with two workers leads until the last one stops, and again with a new one", async () => {
    const { client, clock, settled } = place()
    const drover = client()
    const first = await settled(drover.work())
    const second = await settled(drover.work())
    await clock.advance(1_000)
    await settled(first.stop())
    await clock.advance(1_000)
    expect(await drover.leader()).toMatchObject({ term: 1 })
    await settled(second.stop())
    await clock.advance(1_000)
    expect(await drover.leader()).toBeNull()
    await settled(second.start())
    await clock.advance(1_000)
    expect(await drover.leader()).toMatchObject({ term: 2 })
    await settled(drover.close())
    expect(clock.pending).toBe(0)
  })

  test("that may not lead never does, however long nobody else does", async () => {
    const { client, clock, settled } = place()
    const drover = client({ lead: false })
    await settled(drover.work())
    await clock.advance("5m")
    expect(await drover.leader()).toBeNull()
    await settled(drover.close())
  })

  test("samples its queues, and shows the counts over time", async () => {
    const { client, clock, settled } = place()
    const drover = client({ maintenance: { statistics: { every: "10s", keep: "1m" } } })
    await settled(drover.work())
    const later = defineJob("later", { run: () => null })
    await settled(
      drover.enqueueMany(
        later,
        [{}, {}, {}].map(() => ({ input: undefined })),
      ),
    )
    await clock.advance("3m")
    const seen = await drover.statistics({ queue: "default" })
    expect(seen.length).toBeGreaterThanOrEqual(5)
    expect(seen.length).toBeLessThanOrEqual(8)
    expect(seen.at(-1)!.counts.available).toBe(3)
    expect(seen.at(-1)!.oldestWaitMs).toBeGreaterThan(100_000)
    await settled(drover.close())
  })

  test.each([
    ["a ttl that is too short", { lead: { ttl: 10 } }, /lead\.ttl/],
    ["a misspelt option", { lead: { tll: "15s" } }, /did you mean "ttl"/],
    ["a sweep that never rests", { maintenance: { sweep: 0 } }, /maintenance\.sweep/],
    ["a hook that is none", { onMaintenanceStart: "now" }, /onMaintenanceStart/],
    ["samples too often", { maintenance: { statistics: { every: 5 } } }, /statistics\.every/],
  ])("refuses %s", (_, options, message) => {
    expect(() => place().client(options as never)).toThrow(message)
  })

  test("refuses a user's service without a start, or under a name that is taken or none", () => {
    const drover = place().client()
    expect(() => drover.onlyOnLeader("s", {} as never)).toThrow(/start\(\)/)
    expect(() => drover.onlyOnLeader("no name", { start: () => {} })).toThrow(/is not a name/)
    drover.onlyOnLeader("s", { start: () => {} })
    expect(() => drover.onlyOnLeader("s", { start: () => {} })).toThrow(/registered already/)
  })
})

describe("nobody's silence counts as death", () => {
  async function silentWorker(
    world: Awaited<ReturnType<typeof createLeadingWorld>>,
  ): Promise<string> {
    const silent = await world.connect()
    const identity = { workerId: "silent", token: 7, leaseMs: 1_000, host: "elsewhere", pid: 1 }
    const worker = await silent.registerWorker({ ...identity, info: "{}" })
    const id = await world.enqueue("a", null, { queue: "other" })
    const claims = [{ queue: "other", kinds: ["a"], limit: 1 }]
    await silent.exchange({ worker, settlements: [], claims, token: 8, repeat: false, solo: false })
    return id
  }

  test("before the new leader has seen the store for a full lease itself", async () => {
    await using world = await createLeadingWorld()
    const id = await silentWorker(world)
    await world.worker([defineJob("a", { run: () => null })])
    await world.until("it leads and maintains", () => world.count("maintenance.started") === 1)
    await world.clock.advance(25_000)
    expect((await world.row(id)).state).toBe("running")
    await world.until("it is rescued", () => world.count("job.rescued") === 1, 15_000)
  })

  test("before a full lease has passed after the clock jumped, though it had seen the store before", async () => {
    await using world = await createLeadingWorld()
    await world.worker([defineJob("a", { run: () => null })])
    await world.clock.advance(60_000)
    world.clock.jumpWall(3_600_000)
    const id = await silentWorker(world)
    await world.clock.advance(25_000)
    expect((await world.row(id)).state).toBe("running")
    await world.until("it is rescued", () => world.count("job.rescued") === 1, 20_000)
  })
})
