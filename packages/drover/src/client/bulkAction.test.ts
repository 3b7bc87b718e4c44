import { describe, expect, test } from "vitest"
import type { JobContext } from "../jobs/define/jobContext.ts"
import { defineJob } from "../jobs/define/jobDefinition.ts"
import type { JobFilter } from "./jobFilter.ts"
import { createTestDrover } from "../testing/index.ts"
import type { TestDrover } from "../testing/index.ts"

const count = defineJob("count", { run: ({ input }: JobContext<number>) => input })
const hold = defineJob("hold", {
  run: ({ signal }: JobContext<undefined>) =>
    new Promise<void>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason as Error))
    }),
})

async function worldWith(jobs: number): Promise<TestDrover> {
  const world = createTestDrover({ jobs: [count] })
  await world.drover.enqueueMany(
    count,
    Array.from({ length: jobs }, (_, input) => ({ input })),
  )
  return world
}

describe("acting on jobs", () => {
  test("a filter reaches all that match, in many steps", async () => {
    await using world = await worldWith(1_234)
    const report = await world.drover.cancel({ kinds: ["count"] }, { reason: "wrong list" })
    expect(report).toMatchObject({ matched: 1_234, limited: false })
    expect(new Set(report.changed).size).toBe(1_234)
    expect(await world.drover.count({ states: ["cancelled"] })).toBe(1_234)
    expect(await world.drover.get(report.changed[0]!)).toMatchObject({ reason: "wrong list" })
  })

  test("finished jobs do not use up the steps of an action that cannot reach them", async () => {
    await using world = await worldWith(700)
    await world.drain()
    await world.drover.enqueueMany(count, [{ input: -1 }, { input: -2 }])
    const report = await world.drover.cancel({ kinds: ["count"] })
    expect(report).toMatchObject({ matched: 2, refused: [] })
  })

  test("a limit bounds what is reached, oldest first", async () => {
    await using world = await worldWith(20)
    const { changed, limited } = await world.drover.delete({ kinds: ["count"] }, { limit: 5 })
    expect(changed).toHaveLength(5)
    expect(limited, "there is more").toBe(true)
    const { jobs } = await world.drover.list({ kinds: ["count"] })
    expect(jobs.map(({ input }) => input).toReversed()).toEqual(
      Array.from({ length: 15 }, (_, i) => i + 5),
    )
  })

  test("a dry run counts and changes nothing", async () => {
    await using world = await worldWith(30)
    const dry = await world.drover.discard({ queues: ["default"] }, { dryRun: true })
    const nothing = { changed: [], requested: [], refused: [] }
    expect(dry).toEqual({ matched: 30, limited: false, ...nothing })
    const few = await world.drover.discard({ queues: ["default"] }, { dryRun: true, limit: 29 })
    expect(few).toEqual({ matched: 29, limited: true, ...nothing })
    expect(await world.drover.count({ states: ["available"] })).toBe(30)
  })

  test("what is retried is not retried again by the same call", async () => {
    await using world = await worldWith(600)
    await world.drain()
    const report = await world.drover.retry({ kinds: ["count"] })
    expect(report.changed).toHaveLength(600)
    expect(await world.drain()).toMatchObject({ completed: 600 })
  })

  test("jobs that cannot be retried do not hide those behind them, and are reported once", async () => {
    const fails = defineJob("fails", {
      retry: { maxAttempts: 1 },
      run: () => {
        throw new Error("no")
      },
    })
    await using world = createTestDrover({ jobs: [fails] })
    const keyed = Array.from({ length: 1_100 }, (_, i) => ({
      input: i,
      options: { unique: `key ${i}` },
    }))
    const handles = await world.drover.enqueueMany(fails, keyed)
    await world.drain()
    const { id } = await world.drover.enqueue(fails, -1)
    await world.drain()
    // Their keys are taken by now, so they must not come back.
    await world.drover.enqueueMany(fails, keyed)
    const report = await world.drover.retry({ states: ["discarded"] })
    expect(report.changed).toEqual([id])
    expect(report.refused.toSorted()).toEqual(handles.map((handle) => handle.id).toSorted())
  })

  test("jobs that are named are reported one by one", async () => {
    await using world = await worldWith(0)
    const done = await world.drover.enqueue(count, 1)
    await world.drain()
    const waiting = await world.drover.enqueue(count, 2)
    const missing = world.drover.newId()
    const report = await world.drover.discard([done.id, waiting.id, missing])
    expect(report).toMatchObject({ changed: [waiting.id], refused: [done.id], requested: [] })
  })

  test("running jobs are asked to stop, waiting ones end at once", async () => {
    await using world = createTestDrover({ jobs: [hold], queues: { default: { slots: 1 } } })
    const worker = await world.drover.work()
    const running = await world.drover.enqueue(hold)
    await world.probe.next("job.started")
    const waiting = await world.drover.enqueue(hold, undefined, { runIn: "1h" })
    const report = await world.drover.cancel({ kinds: ["hold"] })
    expect(report).toMatchObject({ changed: [waiting.id], requested: [running.id] })
    const ended = world.probe.next("job.cancelled", { jobId: running.id })
    await world.clock.advance(2_000)
    await ended
    expect(await running.state()).toBe("cancelled")
    const stopped = worker.stop({ grace: 0 })
    await world.clock.advance(1_000)
    await stopped
  })

  test.each<[string, JobFilter]>([
    ["fields that are undefined", { kinds: undefined, states: undefined } as unknown as JobFilter],
    ["an empty list of tags, which every job carries", { tags: [] }],
  ])("a filter of nothing but %s is as empty as {}, and is refused", async (_, filter) => {
    await using world = await worldWith(3)
    await expect(world.drover.delete(filter)).rejects.toThrow(/would reach every job/)
    expect(await world.drover.count(filter)).toBe(3)
  })

  test("an empty filter, an unknown field or a state that does not exist is refused", async () => {
    await using world = await worldWith(3)
    await expect(world.drover.delete({})).rejects.toThrow(/would reach every job/)
    await expect(world.drover.delete({ kind: ["count"] } as never)).rejects.toThrow(
      /did you mean "kinds"/,
    )
    await expect(world.drover.delete({ states: ["done"] as never })).rejects.toThrow(
      /no state "done"/,
    )
    expect(await world.drover.count()).toBe(3)
  })
})
