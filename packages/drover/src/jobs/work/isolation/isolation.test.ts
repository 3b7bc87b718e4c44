import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { Events } from "../../../events/index.ts"
import type { EventName } from "../../../events/index.ts"
import { sqlite } from "../../../sqlite/index.ts"
import type { JobRow, Store } from "../../../store/index.ts"
import { systemClock as clock, systemRng as rng, UuidMaker } from "../../../time/index.ts"
import { defineJob } from "../../define/jobDefinition.ts"
import type { JobDefinition } from "../../define/jobDefinition.ts"
import { giveHidden, inThread, others } from "../fixtures/isolated.ts"
import { Worker } from "../worker.ts"

const events = new Events()
const ids = new UuidMaker(clock, rng)
const definitions = [inThread, ...others] as readonly JobDefinition[]
let store: Store
let worker: Worker

beforeAll(async () => {
  store = sqlite(":memory:").connect({ clock, rng, events })
  await store.open({ migrate: true })
  worker = new Worker({
    store,
    clock,
    rng,
    events,
    definitions,
    options: { stuckAfter: 200, isolation: { maxHeapMb: 64 } },
  })
  await worker.start()
})

afterAll(async () => {
  await worker.stop()
  await store.close()
})

// Real threads and processes need real time: wait for the event that tells of the settlement.
async function run(
  kind: string,
  what: string,
  timeoutMs: number | false = false,
  its = { store, worker },
): Promise<JobRow> {
  const id = ids.next()
  const ends: readonly EventName[] = [
    "job.completed",
    "job.failed",
    "job.snoozed",
    "job.discarded",
    "job.cancelled",
    "job.crashed",
  ]
  const settled = Promise.race(
    ends.map((name) => events.next(name, (data) => "jobId" in data && data.jobId === id)),
  )
  await its.store.enqueue([
    {
      id,
      kind,
      queue: "default",
      priority: 100,
      input: JSON.stringify({ what }),
      delayMs: 0,
      runAt: null,
      expireMs: null,
      maxAttempts: 2,
      maxCrashes: 2,
      timeoutMs,
      retry: null,
      tags: [],
      metadata: null,
      unique: null,
    },
  ])
  its.worker.hint()
  await settled
  const row = await its.store.get(id)
  if (row === null) throw new Error("no such job")
  // What crashed would run alone, again and again.
  await its.store.act("cancel", { ids: [id] }, { actor: "test", reason: "done with it", limit: 1 })
  return row
}

describe.each(["inThread", "inProcess"])("a handler of %s", (kind) => {
  test("gives its result back", async () => {
    const row = await run(kind, "return")
    expect(row.state).toBe("completed")
    const result = JSON.parse(row.result!) as { readonly pid: number }
    expect(result).toMatchObject({ input: { what: "return" }, attempt: 1, id: row.id })
    expect(result.pid === process.pid).toBe(kind === "inThread")
  })

  test("that throws fails with the same error", async () => {
    const row = await run(kind, "throw")
    expect(row).toMatchObject({
      state: "retryable",
      failures: 1,
      error: { name: "TypeError", message: "broken", code: "E_BROKEN" },
    })
    expect(row.error?.stack).toContain("isolated.ts")
  })

  test.each(["throw", "float"])(
    "is asked itself whether what it %ss is worth another attempt",
    async (how) => {
      // Only there the error is still an instance of its class.
      expect(await run(kind, `${how} what is not worth another attempt`)).toMatchObject({
        state: "discarded",
        reason: "not worth another attempt, says retryIf",
        error: { message: "no" },
      })
    },
  )

  test("may decide its outcome", async () => {
    expect(await run(kind, "snooze")).toMatchObject({ state: "scheduled", failures: 0 })
    expect(await run(kind, "discard")).toMatchObject({
      state: "discarded",
      reason: "hopeless",
      error: { message: "because" },
    })
  })

  test("logs and reports its progress as if it were inline", async () => {
    const row = await run(kind, "report")
    expect(row).toMatchObject({ state: "completed", progress: { value: '{"percent":100}' } })
    expect((await store.log(row.id)).lines).toMatchObject([
      { level: "info", message: "half way", fields: '{"part":1}' },
    ])
  })

  test("that logs and reports without end keeps a bounded part, and lives", async () => {
    const row = await run(kind, "log and report without end")
    expect(row).toMatchObject({ state: "completed", progress: { value: "299999" } })
    const log = await store.log(row.id)
    expect(log.lines.length + log.dropped).toBe(300_000)
    expect(log.lines.length).toBe(1_000)
  }, 60_000)

  test("that lets an error loose fails, and its child is not used again", async () => {
    expect(await run(kind, "float a rejection")).toMatchObject({
      state: "retryable",
      failures: 1,
      crashes: 0,
      error: { message: "floating" },
    })
    expect(await run(kind, "return")).toMatchObject({ state: "completed" })
  })

  test("that ends its thread or process is a crash, and the worker goes on", async () => {
    expect(await run(kind, "exit")).toMatchObject({ state: "available", failures: 0, crashes: 1 })
    expect(await run(kind, "return")).toMatchObject({ state: "completed" })
  })

  test("that uses up its memory is a crash, and the worker goes on", async () => {
    expect(await run(kind, "use up the memory")).toMatchObject({
      state: "available",
      failures: 0,
      crashes: 1,
    })
    expect(worker.state).toBe("running")
  }, 60_000)

  test("that blocks for ever is ended after its timeout, which is a failure", async () => {
    expect(await run(kind, "block for ever", 100)).toMatchObject({
      state: "retryable",
      failures: 1,
      crashes: 0,
      error: { code: "DROVER_TIMEOUT" },
    })
  })

  test("that ignores its signal is ended as well", async () => {
    expect(await run(kind, "ignore the signal", 100)).toMatchObject({
      state: "retryable",
      error: { code: "DROVER_TIMEOUT" },
    })
  })

  test("sees why it is aborted", async () => {
    const id = ids.next()
    const listening = events.next("job.progress", ({ jobId }) => jobId === id)
    const completed = events.next("job.completed", ({ jobId }) => jobId === id)
    const job = {
      kind,
      queue: "default",
      priority: 100,
      delayMs: 0,
      runAt: null,
      expireMs: null,
      maxAttempts: 2,
      maxCrashes: 2,
    }
    const rest = { timeoutMs: false, retry: null, tags: [], metadata: null, unique: null } as const
    await store.enqueue([
      { id, input: JSON.stringify({ what: "wait for the signal" }), ...job, ...rest },
    ])
    worker.hint()
    await listening
    await store.act("cancel", { ids: [id] }, { actor: "test", reason: "by hand", limit: 1 })
    await completed
    expect(JSON.parse((await store.get(id))!.result!)).toEqual({
      reason: "DROVER_CANCELLED",
      name: "Cancelled",
    })
  })
})

test("a worker refuses to start when a module does not export its definition", async () => {
  const broken = new Worker({ store, clock, rng, events, definitions: [giveHidden()] })
  await expect(broken.start()).rejects.toMatchObject({
    code: "DROVER_CONFIG",
    message: expect.stringContaining("does not export") as string,
  })
  expect(await store.workers()).toHaveLength(1)
})

test("a worker refuses to start when a module cannot be loaded, and says of which kind", async () => {
  const module = new URL("notThere.ts", import.meta.url)
  const lost = defineJob("lost", { isolation: "thread", module, run: () => {} })
  const broken = new Worker({ store, clock, rng, events, definitions: [lost] })
  await expect(broken.start()).rejects.toMatchObject({
    code: "DROVER_CONFIG",
    message: expect.stringMatching(/^lost\.module: .*notThere.* cannot be loaded/) as string,
  })
})

test("an attempt whose time is over before a thread is there to run it never calls its handler", async () => {
  const own = sqlite(":memory:").connect({ clock, rng, events })
  await own.open({ migrate: true })
  // However long a thread takes to start, it is not given up meanwhile.
  const options = { stuckAfter: "1m" }
  const patient = new Worker({ store: own, clock, rng, events, definitions: [inThread], options })
  await patient.start()
  const its = { store: own, worker: patient }
  // From now on no thread is warm.
  await run("inThread", "exit", false, its)
  const row = await run("inThread", "report", 1, its)
  expect(row).toMatchObject({ state: "retryable", error: { code: "DROVER_TIMEOUT" } })
  expect((await own.log(row.id)).lines).toEqual([])
  await patient.stop()
  await own.close()
})
