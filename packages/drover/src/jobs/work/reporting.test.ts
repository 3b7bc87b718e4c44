import { expect, test } from "vitest"
import { Events } from "../../events/index.ts"
import type { ClaimedJob } from "../../store/index.ts"
import { ManualClock } from "../../time/index.ts"
import type { JobContext } from "../define/jobContext.ts"
import { defineJob } from "../define/jobDefinition.ts"
import { AttemptReports } from "./attemptReports.ts"
import { Deadlines } from "./deadlines.ts"
import { faultyStore } from "./fixtures/faultyStore.ts"
import { createWorld } from "./fixtures/world.ts"
import type { World } from "./fixtures/world.ts"
import { asLeader } from "../../store/asLeader.fixture.ts"

/** A job whose handler hands out its context and ends when told. */
async function running(
  world: World,
  faulty = faultyStore(world.store),
): Promise<{
  readonly id: string
  readonly context: JobContext
  readonly end: () => void
  readonly faulty: typeof faulty
}> {
  const contexts: JobContext[] = []
  const gate = Promise.withResolvers<void>()
  const job = defineJob("a", {
    run: (context: JobContext) => {
      contexts.push(context)
      return gate.promise
    },
  })
  await world.worker([job], { store: faulty.store })
  const id = await world.enqueue("a")
  await world.until("it runs", () => contexts.length === 1)
  return { id, context: contexts[0]!, end: () => gate.resolve(), faulty }
}

function count(faulty: ReturnType<typeof faultyStore>, operation: string): number {
  return faulty.calls.filter((call) => call.operation === operation).length
}

test("lines are stored with their level and fields, soon after they were written", async () => {
  await using world = await createWorld()
  const { id, context } = await running(world)
  context.log.info("plain")
  context.log.error({ part: 2 }, "with fields")
  context.log.warn({ bad: 1n }, "with fields that are not JSON")
  await world.clock.advance(300)
  expect(await world.store.log(id)).toMatchObject({
    dropped: 0,
    lines: [
      { level: "info", message: "plain", fields: null, attempt: 1 },
      { level: "error", message: "with fields", fields: '{"part":2}' },
      { level: "warn", message: "with fields that are not JSON", fields: '{"bad":"1"}' },
    ],
  })
})

test("a flood costs bounded memory and few writes; what was not kept is counted", async () => {
  await using world = await createWorld()
  const { id, context, end, faulty } = await running(world)
  for (let i = 0; i < 200_000; i++) context.log.info(`line ${i}`)
  for (let round = 0; round < 4; round++) {
    await world.clock.advance(250)
    for (let i = 0; i < 1_000; i++) context.log.info("more")
  }
  end()
  await world.finished(id)
  const log = await world.store.log(id)
  expect(log.lines).toHaveLength(1_000)
  expect(log.lines[0]).toMatchObject({ message: "line 0" })
  expect(log.dropped).toBe(203_000)
  expect(count(faulty, "appendLog")).toBeLessThan(20)
})

test("a few huge lines end the log as well", async () => {
  await using world = await createWorld()
  const { id, context, end } = await running(world)
  for (let i = 0; i < 100; i++) context.log.info("x".repeat(1_000_000))
  end()
  await world.finished(id)
  const { lines, dropped } = await world.store.log(id)
  expect(lines.reduce((sum, { message }) => sum + message.length, 0)).toBeLessThan(300_000)
  expect(lines.length + dropped).toBe(100)
})

test("progress is written at most four times a second, and its last value before the settlement", async () => {
  await using world = await createWorld()
  const { id, context, end, faulty } = await running(world)
  for (let i = 0; i < 1_000; i++) {
    context.progress(i)
    if (i % 10 === 0) await world.clock.advance(10)
  }
  expect(count(faulty, "progress")).toBeLessThanOrEqual(6)
  context.progress({ done: true })
  end()
  expect(await world.finished(id)).toMatchObject({
    state: "completed",
    progress: { value: '{"done":true}' },
  })
  expect(world.count("job.fenced")).toBe(0)
})

test("a store that does not take reports costs lines, not the job", async () => {
  await using world = await createWorld()
  const { id, context, end, faulty } = await running(world)
  faulty.fault((operation) =>
    operation === "appendLog" || operation === "progress" ? "before" : undefined,
  )
  context.log.info("lost")
  context.progress(1)
  await world.clock.advance(1_000)
  faulty.fault(() => undefined)
  context.log.info("kept")
  end()
  expect(await world.finished(id)).toMatchObject({ state: "completed", progress: { value: "1" } })
  expect(await world.store.log(id)).toMatchObject({ dropped: 1, lines: [{ message: "kept" }] })
})

test("a report of an attempt that was superseded is rejected, and its handler is told", async () => {
  await using world = await createWorld()
  const { id, context } = await running(world)
  const { signal } = context
  const { workerId } = await world.row(id)
  await (
    await asLeader(world.store)
  ).rescue({ deadWorkers: [workerId!], expiredLeases: false, limit: 1 })
  context.progress(1)
  await world.clock.advance(300)
  expect(signal.reason).toMatchObject({ code: "DROVER_LEASE_LOST" })
  expect((await world.row(id)).progress).toBeNull()
})

test.each(Array.from({ length: 12 }, (_, turns) => turns))(
  "a line that is written %i turns after the store took the one before is not lost with the end of the handler",
  async (turns) => {
    const clock = new ManualClock()
    const deadlines = new Deadlines(clock)
    const taken: string[] = []
    const answers: (() => void)[] = []
    const reports = new AttemptReports({
      clock,
      deadlines,
      events: new Events(),
      attempt: { attempt: 1 } as ClaimedJob,
      onFenced: () => {},
      store: {
        progress: () => Promise.resolve("stored"),
        appendLog: (_, lines) => {
          taken.push(...lines.map(({ message }) => message))
          return new Promise((resolve) => answers.push(() => resolve("stored")))
        },
      },
    })
    reports.logger.info("first")
    await clock.advance(250)
    answers.shift()!()
    for (let turn = 0; turn < turns; turn++) await Promise.resolve()
    reports.logger.info("last")
    let finished = false
    void reports.finish()!.then(() => (finished = true))
    await clock.settle()
    expect([taken, finished]).toEqual([["first", "last"], false])
    answers.shift()!()
    await clock.settle()
    expect(finished).toBe(true)
  },
)

test("a progress that is too large for the store costs a line in the log, not a write four times a second", async () => {
  await using world = await createWorld()
  const { id, context, end, faulty } = await running(world)
  context.progress("x".repeat(20_000))
  for (let round = 0; round < 8; round++) await world.clock.advance(250)
  expect(count(faulty, "progress")).toBe(0)
  const { lines } = await world.store.log(id)
  expect(lines.map(({ message }) => message)).toEqual([expect.stringMatching(/progress .*16384/)])
  context.progress("x".repeat(16_000))
  await world.clock.advance(250)
  expect(await world.store.get(id)).toMatchObject({ progress: { value: expect.any(String) } })
  end()
})

test("an error that is logged is stored with its message, code, stack and causes, wherever it stands", async () => {
  await using world = await createWorld()
  const { id, context, end } = await running(world)
  const cause = Object.assign(new Error("refused"), { code: "ECONNREFUSED" })
  const error = new Error("not sent", { cause })
  context.log.error(error)
  context.log.error("gave up", error)
  context.log.error({ err: error, user: 7 }, "gave up")
  end()
  await world.finished(id)
  const { lines } = await world.store.log(id)
  expect(lines.map(({ message }) => message)).toEqual(["not sent", "gave up", "gave up"])
  const err = {
    name: "Error",
    message: "not sent",
    stack: expect.stringContaining("reporting.test"),
    cause: { message: "refused", code: "ECONNREFUSED" },
  }
  const fields = lines.map((line) => JSON.parse(line.fields!) as unknown)
  expect(fields).toMatchObject([{ err }, { err }, { err, user: 7 }])
})

test("a field that is not JSON is stored as a text, and costs no other field", async () => {
  await using world = await createWorld()
  const { id, context, end } = await running(world)
  const odd = {
    user: 7,
    at: new Date(0),
    big: 5n,
    tags: new Set(["a"]),
    nul: "a\0b",
    long: "x".repeat(20_000),
    gone: undefined,
    get broken() {
      throw new Error("no")
    },
  }
  context.log.info("odd", odd)
  end()
  await world.finished(id)
  const { lines } = await world.store.log(id)
  expect(JSON.parse(lines[0]!.fields!)).toEqual({
    user: 7,
    at: "1970-01-01T00:00:00.000Z",
    big: "5",
    tags: "Set(1) { 'a' }",
    nul: "a\uFFFDb",
    long: "x".repeat(1_000),
    broken: "reading it threw an error",
  })
})

test("a huge error is cut to what a line may hold", async () => {
  await using world = await createWorld()
  const { id, context, end } = await running(world)
  context.log.error(new Error("y".repeat(1_000_000)))
  end()
  await world.finished(id)
  const { lines } = await world.store.log(id)
  expect(lines[0]!.fields!.length).toBeLessThan(16_384)
  expect(JSON.parse(lines[0]!.fields!)).toMatchObject({ err: { message: "y".repeat(1_000) } })
})
