import { execFile, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { describe, expect, expectTypeOf, test } from "vitest"
import { z } from "zod"
import type { JobContext } from "../jobs/define/jobContext.ts"
import { defineJob } from "../jobs/define/jobDefinition.ts"
import type { JobHandle } from "../jobs/define/jobHandle.ts"
import { sqlite } from "../sqlite/index.ts"
import { createTestDrover } from "../testing/index.ts"
import { Drover } from "./drover.ts"

const add = defineJob("add", {
  input: z.object({ a: z.number(), b: z.number() }),
  run: ({ input }) => ({ sum: input.a + input.b }),
})
const slow = defineJob("slow", {
  run: ({ signal }: JobContext<undefined>) =>
    new Promise<void>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason as Error))
    }),
})

describe("enqueueing through a client", () => {
  test("the handle knows the job, and its types flow from the definition", async () => {
    await using world = createTestDrover({ jobs: [add] })
    const handle = await world.drover.enqueue(add, { a: 1, b: 2 })
    expectTypeOf(handle).toEqualTypeOf<JobHandle<{ sum: number }>>()
    expect(handle).toMatchObject({ kind: "add", status: "enqueued" })
    expect(await handle.get()).toMatchObject({
      state: "available",
      input: { a: 1, b: 2 },
      attempt: 0,
    })
    // @ts-expect-error -- the input is typed by the schema
    await expect(world.drover.enqueue(add, { a: 1 })).rejects.toMatchObject({
      code: "DROVER_INPUT_INVALID",
    })
    // @ts-expect-error -- the input is required
    await expect(world.drover.enqueue(add)).rejects.toMatchObject({ code: "DROVER_INPUT_INVALID" })
  })

  test("every mistake is a rejection, never a throw", async () => {
    await using world = createTestDrover({ jobs: [add] })
    const attempt = world.drover.enqueue(add, { a: 1, b: 2 }, { runin: "5m" } as never)
    await expect(attempt).rejects.toThrow(/did you mean "runIn"/)
  })

  test("a list of many that is none, or holds inputs without their wrapping, stores nothing", async () => {
    await using world = createTestDrover({ jobs: [add] })
    const { drover } = world
    await expect(drover.enqueueMany(add, 5 as never)).rejects.toMatchObject({
      code: "DROVER_CONFIG",
    })
    await expect(drover.enqueueMany(slow, [1, 2] as never)).rejects.toThrow(/expected an object/)
    await expect(drover.enqueueMany(slow, [{ inptu: 1 }] as never)).rejects.toThrow(
      /did you mean "input"/,
    )
    expect(await drover.count()).toBe(0)
  })

  test("calls that cannot work say so instead of waiting for ever", async () => {
    await using world = createTestDrover({ jobs: [add] })
    const { drover } = world
    expect(() => drover.on("job.complete" as never, () => {})).toThrow(
      /did you mean "job.completed"/,
    )
    expect(() => drover.on("failed" as never, () => {})).toThrow(/did you mean "job.failed"/)
    expect(() => drover.on("job.completed", undefined as never)).toThrow(/function, not undefined/)
    await expect(drover.work(null as never)).rejects.toThrow(/expected an object/)
    await expect(drover.work({ lease: { ttl: 1 } })).rejects.toThrow(/lease\.ttl/)
    await expect(drover.transaction("x" as never)).rejects.toThrow(/takes a function/)
    await expect(drover.cancel([drover.newId()], { reason: 5 as never })).rejects.toThrow(/reason/)
    const handle = await drover.enqueue(add, { a: 1, b: 2 })
    await expect(handle.result({ timeoutt: 5 } as never)).rejects.toThrow(/did you mean "timeout"/)
    await expect(handle.result({ timeout: "soon" })).rejects.toThrow(/not a duration/)
  })

  test("a name where a definition belongs is refused with what to do", async () => {
    await using world = createTestDrover({ jobs: [add] })
    await expect(world.drover.enqueue("add" as never, {} as never)).rejects.toThrow(/enqueueKind/)
    await expect(world.drover.enqueueMany({} as never, [])).rejects.toThrow(/defineJob/)
  })

  test("the same id twice is one job", async () => {
    await using world = createTestDrover({ jobs: [add] })
    const id = world.drover.newId()
    const first = await world.drover.enqueue(add, { a: 1, b: 2 }, { id })
    const second = await world.drover.enqueue(add, { a: 1, b: 2 }, { id })
    expect([first.status, second.status]).toEqual(["enqueued", "repeated"])
    expect(await world.drover.count()).toBe(1)
  })

  test("many at once are checked before the first is written", async () => {
    await using world = createTestDrover({ jobs: [add] })
    const good = Array.from({ length: 2_100 }, (_, a) => ({ input: { a, b: 0 } }))
    const bad = [...good, { input: { a: 1, b: Number.NaN } }]
    await expect(world.drover.enqueueMany(add, bad)).rejects.toMatchObject({
      code: "DROVER_INPUT_INVALID",
      message: expect.stringMatching(/^enqueueMany, item 2100: add input does not/),
      details: { index: 2_100 },
    })
    expect(await world.drover.count()).toBe(0)
    const handles = await world.drover.enqueueMany(add, good)
    expect(new Set(handles.map(({ id }) => id)).size).toBe(2_100)
    expect(await handles[2_050]?.get()).toMatchObject({ input: { a: 2_050 } })
  })

  test("a long list does not keep the event loop from others", async () => {
    await using world = createTestDrover({ jobs: [add] })
    await world.drover.count()
    let turns = 0
    let checked = 0
    let counting = true
    const count = (): void => {
      turns++
      if (counting) world.clock.defer(count)
    }
    const items = function* (): Generator<{ input: { a: number; b: number } }> {
      for (; checked < 20_000; checked++) yield { input: { a: checked, b: 0 } }
      // The last one is taken before anything is written.
      counting = false
    }
    world.clock.defer(count)
    await world.drover.enqueueMany(add, items())
    expect(turns).toBeGreaterThanOrEqual(19)
  })

  test("a unique key within one batch makes one job, and both handles lead to it", async () => {
    await using world = createTestDrover({ jobs: [add] })
    const item = { input: { a: 1, b: 2 }, options: { unique: "k" } }
    const [one, two] = await world.drover.enqueueMany(add, [item, item])
    expect([one?.status, two?.status]).toEqual(["enqueued", "duplicate"])
    expect(two?.id).toBe(one?.id)
  })

  test("by name: a known kind is validated, an unknown one is taken as it is", async () => {
    await using world = createTestDrover({ jobs: [add] })
    await expect(world.drover.enqueueKind("add", { a: "x" })).rejects.toMatchObject({
      code: "DROVER_INPUT_INVALID",
    })
    const foreign = await world.drover.enqueueKind(
      "billing.charge",
      { cents: 5 },
      { queue: "money" },
    )
    expect(await foreign.get()).toMatchObject({
      kind: "billing.charge",
      queue: "money",
      input: { cents: 5 },
    })
  })

  test("events tell what was committed and what was folded into another job", async () => {
    await using world = createTestDrover({ jobs: [add] })
    const { id } = await world.drover.enqueue(add, { a: 1, b: 2 }, { unique: "k" })
    await world.drover.enqueue(add, { a: 1, b: 2 }, { unique: "k" })
    expect(world.probe.of("job.enqueued")).toEqual([{ jobId: id, kind: "add", queue: "default" }])
    expect(world.probe.of("job.deduplicated")).toMatchObject([{ jobId: id, key: "k" }])
  })
})

describe("a job's life seen from its handle", () => {
  test("it runs, and its result, trail and times can be read", async () => {
    await using world = createTestDrover({ jobs: [add], startAt: 1_000_000 })
    const handle = await world.drover.enqueue(
      add,
      { a: 1, b: 2 },
      { tags: ["t"], metadata: { by: "ann" } },
    )
    await world.drain()
    expect(await handle.result()).toEqual({ sum: 3 })
    const job = await handle.get()
    expect(job).toMatchObject({
      state: "completed",
      result: { sum: 3 },
      tags: ["t"],
      metadata: { by: "ann" },
    })
    expect(job.finishedAt).toBeInstanceOf(Date)
    const trail = await world.drover.trail(handle.id)
    expect(trail.map(({ to }) => to)).toEqual(["available", "running", "completed"])
  })

  test("a waiting job is edited; the new input must satisfy the schema too", async () => {
    await using world = createTestDrover({ jobs: [add] })
    const handle = await world.drover.enqueue(add, { a: 1, b: 2 }, { runIn: "1h" })
    expect(await handle.edit({ input: { a: 5, b: 5 }, priority: 3, tags: ["x"] })).toBe("changed")
    expect(await handle.get()).toMatchObject({ input: { a: 5, b: 5 }, priority: 3, tags: ["x"] })
    await expect(handle.edit({ input: { a: "x" } })).rejects.toMatchObject({
      code: "DROVER_INPUT_INVALID",
    })
    await expect(handle.edit({ prio: 1 } as never)).rejects.toThrow(/no option "prio"/)
    const at = new Date(world.clock.now() + 7_200_000)
    expect(await handle.reschedule(at)).toBe("changed")
    expect(await handle.reprioritise(9)).toBe("changed")
    expect(await handle.get()).toMatchObject({ runAt: at, priority: 9 })
  })

  test("a finished job cannot be edited, a deleted one is not there", async () => {
    await using world = createTestDrover({ jobs: [add] })
    const handle = await world.drover.enqueue(add, { a: 1, b: 2 })
    await world.drain()
    expect(await handle.edit({ priority: 1 })).toBe("refused")
    expect(await handle.discard()).toBe("refused")
    expect(await handle.retry("again")).toBe("changed")
    expect(await handle.state()).toBe("available")
    expect(await handle.delete()).toBe("changed")
    expect(await handle.cancel()).toBe("not_found")
    await expect(handle.state()).rejects.toMatchObject({ code: "DROVER_JOB_NOT_FOUND" })
  })

  test("cancelling a waiting job ends a wait for its result at once", async () => {
    await using world = createTestDrover({ jobs: [add] })
    const handle = await world.drover.enqueue(add, { a: 1, b: 2 }, { runIn: "1h" })
    const waiting = handle.result().catch((error: unknown) => error)
    expect(await handle.cancel("not needed")).toBe("changed")
    expect(await waiting).toMatchObject({ code: "DROVER_CANCELLED", message: /not needed/ })
  })

  test("a handle made from an id is typed by the definition", async () => {
    await using world = createTestDrover({ jobs: [add] })
    const { id } = await world.drover.enqueue(add, { a: 1, b: 2 })
    await world.drain()
    const handle = world.drover.job(id, add)
    expectTypeOf(handle).toEqualTypeOf<JobHandle<{ sum: number }>>()
    expect(await handle.result()).toEqual({ sum: 3 })
    expect(() => world.drover.job("7")).toThrow(expect.objectContaining({ code: "DROVER_CONFIG" }))
    // Advice for whoever enqueues with an id of their own would lead astray here.
    expect(() => world.drover.job("7")).toThrow(/not "7"; give that of the job/)
    expect(await world.drover.get("7")).toBeNull()
  })
})

describe("workers of a client", () => {
  test("run what was enqueued before and after they started, and leave nothing running", async () => {
    const drover = new Drover({ store: sqlite(":memory:"), jobs: [add] })
    const before = await drover.enqueue(add, { a: 1, b: 1 })
    const worker = await drover.work()
    expect(await before.result({ timeout: "30s" })).toEqual({ sum: 2 })
    const after = await drover.enqueue(add, { a: 2, b: 2 })
    expect(await after.result({ timeout: "30s" })).toEqual({ sum: 4 })
    expect(await drover.workers()).toHaveLength(1)
    await worker.stop()
    expect(await drover.workers()).toHaveLength(0)
    await drover.close()
  })

  test("closing the client hands back what runs, and ends waits", async () => {
    const drover = new Drover({ store: sqlite(":memory:"), jobs: [slow] })
    const started = drover.events.next("job.started")
    const interrupted = drover.events.next("job.interrupted")
    const handle = await drover.enqueue(slow)
    await drover.work({ stopGrace: 0 })
    await started
    const waiting = handle.result().catch((error: unknown) => error)
    await drover.close()
    expect(await interrupted).toMatchObject({ jobId: handle.id })
    expect(await waiting).toMatchObject({ code: "DROVER_CLOSED" })
    await expect(drover.enqueue(slow)).rejects.toMatchObject({ code: "DROVER_CLOSED" })
    await drover.close()
  })

  test("a handler may enqueue while its client closes, and no worker starts any more", async () => {
    const { promise: closing, resolve: closes } = Promise.withResolvers<void>()
    const last = defineJob("last", {
      run: async () => {
        await closing
        const { id } = await drover.enqueue(add, { a: 0, b: 0 })
        await expect(drover.work()).rejects.toMatchObject({ code: "DROVER_CLOSED" })
        return id
      },
    })
    const drover = new Drover({ store: sqlite(":memory:"), jobs: [last, add] })
    const started = drover.events.next("job.started")
    const completed = drover.events.next("job.completed")
    await drover.enqueue(last)
    await drover.work()
    await started
    const closed = drover.close()
    closes()
    await closed
    expect(await completed).toMatchObject({ kind: "last" })
  })

  test("a paused queue runs nothing until it is resumed, others go on", async () => {
    const queues = { still: {} }
    await using drover = new Drover({ store: sqlite(":memory:"), jobs: [add], queues })
    await drover.pauseQueue("still")
    await using worker = await drover.work()
    const held = await drover.enqueue(add, { a: 1, b: 1 }, { queue: "still", priority: 0 })
    const other = await drover.enqueue(add, { a: 3, b: 3 })
    expect(await other.result({ timeout: "30s" })).toEqual({ sum: 6 })
    expect(await held.state()).toBe("available")
    expect(await drover.queues()).toContainEqual(
      expect.objectContaining({ queue: "still", paused: true }),
    )
    await drover.resumeQueue("still")
    expect(await held.result({ timeout: "30s" })).toEqual({ sum: 2 })
    expect(worker.state).toBe("running")
  })

  test("a misspelt worker option or queue is refused", async () => {
    await using drover = new Drover({ store: sqlite(":memory:"), jobs: [add] })
    await expect(drover.work({ stopgrace: 1 } as never)).rejects.toThrow(/did you mean "stopGrace"/)
    await expect(drover.work({ queues: ["defualt"] })).rejects.toThrow(/did you mean "default"/)
  })
})

// Works on a database until its standard input ends.
const OTHER_WORKER = `
  import { Drover } from "${import.meta.resolve("./drover.ts")}"
  import { defineJob } from "${import.meta.resolve("../jobs/define/jobDefinition.ts")}"
  import { sqlite } from "${import.meta.resolve("../sqlite/index.ts")}"
  const add = defineJob("add", { run: ({ input }) => ({ sum: input.a + input.b }) })
  const drover = new Drover({ store: sqlite(process.argv[1]), jobs: [add] })
  await drover.work()
  process.stdin.resume()
  process.stdin.once("end", () => drover.close())
`

describe("migrations", () => {
  test("are refused at opening where the client may not apply them, and applied on request", async () => {
    const folder = mkdtempSync(join(tmpdir(), "drover-client-"))
    await using drover = new Drover({ store: sqlite(join(folder, "app.db")), migrate: false })
    try {
      await expect(drover.count()).rejects.toMatchObject({ code: "DROVER_STORE_MIGRATION" })
      const planned = await drover.migrate({ dryRun: true })
      await expect(drover.count()).rejects.toMatchObject({ code: "DROVER_STORE_MIGRATION" })
      expect((await drover.migrate()).map(({ number }) => number)).toEqual(
        planned.map(({ number }) => number),
      )
      expect(planned.length).toBeGreaterThan(0)
      expect(await drover.count()).toBe(0)
    } finally {
      await drover.close()
      rmSync(folder, { recursive: true })
    }
  })
})

// Enqueues the same fifty keys as everybody else, and prints the ids that it was given.
const RACER = `
  import { Drover } from "${import.meta.resolve("./drover.ts")}"
  import { sqlite } from "${import.meta.resolve("../sqlite/index.ts")}"
  const drover = new Drover({ store: sqlite(process.argv[1]) })
  const keys = Array.from({ length: 50 }, (_, key) => "key:" + key)
  const enqueue = (unique) => drover.enqueueKind("race", {}, { unique })
  const handles = await Promise.all([...keys, ...keys.toReversed()].map(enqueue))
  await drover.close()
  console.log(JSON.stringify(handles.map(({ id }) => id)))
`

test(
  "processes that race for the same keys make one job each, and all get its id",
  { timeout: 60_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "drover-client-"))
    const file = join(folder, "app.db")
    await using drover = new Drover({ store: sqlite(file) })
    try {
      await drover.count()
      const words = ["--input-type=module", "--eval", RACER, file]
      const racers = Array.from({ length: 4 }, () => promisify(execFile)(process.execPath, words))
      const printed = await Promise.all(racers)
      const ids = printed.map(({ stdout }) => JSON.parse(stdout) as string[])
      expect(await drover.count()).toBe(50)
      const first = ids[0] ?? []
      expect(new Set(first).size).toBe(50)
      // Each went through the keys forwards and backwards.
      expect(first.toReversed()).toEqual(first)
      for (const other of ids) expect(other).toEqual(first)
    } finally {
      await drover.close()
      rmSync(folder, { recursive: true })
    }
  },
)

test("a result arrives from another process", { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "drover-client-"))
  const file = join(folder, "app.db")
  const drover = new Drover({ store: sqlite(file), jobs: [] })
  try {
    const { id } = await drover.enqueue(add, { a: 20, b: 22 })
    const child = spawn(process.execPath, ["--input-type=module", "--eval", OTHER_WORKER, file], {
      stdio: ["pipe", "inherit", "inherit"],
    })
    const exited = new Promise((resolve) => child.once("exit", resolve))
    expect(await drover.job(id, add).result({ timeout: "50s" })).toEqual({ sum: 42 })
    child.stdin.end()
    expect(await exited).toBe(0)
    expect(await drover.workers()).toEqual([])
  } finally {
    await drover.close()
    rmSync(folder, { recursive: true })
  }
})
