import { describe, expect, test } from "vitest"
import type { JobContext } from "../jobs/define/jobContext.ts"
import { defineJob } from "../jobs/define/jobDefinition.ts"
import { snooze } from "../jobs/define/outcome.ts"
import { Drover } from "../client/index.ts"
import { dropSchemas } from "../postgres/fixtures/dropSchema.ts"
import { connectTest, freshSchema, testServerUrl } from "../postgres/fixtures/testServer.ts"
import { postgres } from "../postgres/index.ts"
import { schedule } from "../schedules/index.ts"
import { sqlite } from "../sqlite/index.ts"
import { drain } from "./drain.ts"
import { createTestDrover } from "./testDrover.ts"

const echo = defineJob("echo", { run: ({ input }: JobContext<number>) => input })

describe("draining", () => {
  test("runs what is due and what that enqueues, and leaves what is due later", async () => {
    const parent = defineJob("parent", {
      run: async () => {
        await world.drover.enqueue(echo, 1)
        await world.drover.enqueue(echo, 2, { runIn: "1h" })
      },
    })
    await using world = createTestDrover({ jobs: [parent, echo] })
    await world.drover.enqueue(parent)
    expect(await world.drain()).toMatchObject({ attempts: 2, completed: 2 })
    expect(await world.drover.count({ states: ["scheduled"] })).toBe(1)
    expect(await world.drover.workers()).toEqual([])
  })

  test("of thousands leaves none", async () => {
    await using world = createTestDrover({ jobs: [echo] })
    await world.drover.enqueueMany(
      echo,
      Array.from({ length: 2_345 }, (_, input) => ({ input })),
    )
    expect(await world.drain()).toMatchObject({ attempts: 2_345, completed: 2_345 })
  })

  test("jobs that wait for each other run together", async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const waits = defineJob("waits", { run: () => promise })
    const opens = defineJob("opens", { run: () => resolve() })
    await using world = createTestDrover({ jobs: [waits, opens] })
    await world.drover.enqueue(waits)
    await world.drover.enqueue(opens)
    expect(await world.drain()).toMatchObject({ completed: 2 })
  })

  test("with `later` it moves the clock to each due time in turn", async () => {
    const seen: number[] = []
    const nap = defineJob("nap", {
      run: ({ job }: JobContext<undefined>) => {
        seen.push(world.clock.now())
        return seen.length < 3 ? snooze("10m") : job.id
      },
    })
    await using world = createTestDrover({ jobs: [nap], startAt: 0 })
    await world.drover.enqueue(nap, undefined, { runIn: "1h" })
    expect(await world.drain({ later: true })).toMatchObject({
      attempts: 3,
      completed: 1,
      snoozed: 2,
    })
    expect(seen.map((at) => Math.round(at / 60_000))).toEqual([60, 70, 80])
  })

  test("leaves kinds that the client does not know, and paused queues", async () => {
    await using world = createTestDrover({ jobs: [echo] })
    await world.drover.enqueueKind("unknown", 1)
    await world.drover.enqueue(echo, 1)
    await world.drover.pauseQueue("default")
    expect(await world.drain()).toMatchObject({ attempts: 0 })
    await world.drover.resumeQueue("default")
    expect(await world.drain()).toMatchObject({ attempts: 1, completed: 1 })
  })

  test("under the limits that the client's code declares", async () => {
    let running = 0
    const most = { all: 0 }
    const limited = defineJob("limited", {
      concurrency: 2,
      rate: { limit: 3, per: "1m" },
      async run() {
        most.all = Math.max(most.all, ++running)
        // All that a claim brought have started by then.
        await Promise.resolve()
        running--
      },
    })
    const held = defineJob("held", { concurrency: 0, run: () => expect.unreachable("it started") })
    await using world = createTestDrover({ jobs: [limited, held] })
    await world.drover.enqueueMany(
      limited,
      Array.from({ length: 7 }, () => ({ input: undefined })),
    )
    await world.drover.enqueue(held)
    expect(await world.drain()).toMatchObject({ attempts: 3, completed: 3 })
    expect(most.all).toBe(2)
    const startedAt = world.clock.now()
    expect(await world.drain({ later: true })).toMatchObject({ attempts: 4, completed: 4 })
    expect(world.clock.now() - startedAt, "two more windows").toBeGreaterThan(60_000)
  })

  test("a job that enqueues itself for ever ends the test", async () => {
    const loop = defineJob("loop", {
      run: async (): Promise<void> => {
        await world.drover.enqueue(loop as never)
      },
    })
    await using world = createTestDrover({ jobs: [loop] })
    await world.drover.enqueue(loop)
    await expect(world.drain({ limit: 50 })).rejects.toMatchObject({ code: "DROVER_DEADLINE" })
  })

  test("the events are those of a worker", async () => {
    await using world = createTestDrover({ jobs: [echo] })
    const { id } = await world.drover.enqueue(echo, 1)
    await world.drain()
    expect(world.probe.of("job.started", { jobId: id })).toHaveLength(1)
    expect(world.probe.of("job.completed", { jobId: id })).toHaveLength(1)
  })

  test("`later` on a real clock is refused: a test must not wait", async () => {
    await using drover = new Drover({ store: sqlite(":memory:"), jobs: [echo] })
    await drover.enqueue(echo, 1, { runIn: "1h" })
    await expect(drain(drover, { later: true })).rejects.toThrow(/ManualClock/)
    await expect(drain(drover, { later: true, limt: 1 } as never)).rejects.toThrow(
      /did you mean "limit"/,
    )
  })

  test("a store with a time of its own is refused where time must move, and drains what is due", async () => {
    const schema = freshSchema()
    const client = await connectTest()
    try {
      const store = postgres({ url: await testServerUrl(), schema })
      const hourly = schedule("hourly", { every: "1h", job: echo, input: 1 })
      const options = { store, jobs: [echo], schedules: [hourly] }
      await using world = createTestDrover(options)
      await world.drover.enqueue(echo, 1)
      await world.drover.enqueue(echo, 2, { runIn: "1h" })
      expect(await world.drain()).toMatchObject({ completed: 1 })
      const refused = { code: "DROVER_CONFIG", message: expect.stringContaining("of its server") }
      await expect(world.drain({ later: true })).rejects.toMatchObject(refused)
      await expect(world.nextTick("hourly")).rejects.toMatchObject(refused)
    } finally {
      await dropSchemas(client, schema)
      await client.end()
    }
  })

  test("the same seed gives the same ids and delays", async () => {
    const fails = defineJob("fails", {
      run: (): void => {
        throw new Error("no")
      },
    })
    const story = async (): Promise<unknown> => {
      await using world = createTestDrover({ jobs: [fails], seed: 42 })
      const { id } = await world.drover.enqueue(fails)
      await world.drain()
      return [id, world.probe.of("job.failed").map(({ retryInMs }) => retryInMs)]
    }
    expect(await story()).toEqual(await story())
  })
})
