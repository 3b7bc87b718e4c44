import { AsyncLocalStorage } from "node:async_hooks"
import { describe, expect, test } from "vitest"
import type { AbortReason } from "../../errors/index.ts"
import { defineJob } from "../define/jobDefinition.ts"
import { createWorld } from "./fixtures/world.ts"

type InContext = (run: () => void) => void

// What Node does when a promise of that context rejects unhandled, without vitest hearing of it: `strayErrors.test.ts`
// shows in a process of its own that Node really calls it so.
function letLoose(context: InContext, error: Error): void {
  const listener = process
    .listeners("unhandledRejection")
    .find(({ name }) => name === "onRejection")
  context(() => listener?.(error, Promise.resolve()))
}

/** Handlers that wait for their gate, and the contexts they run in. */
function gatedInContext(): {
  readonly job: ReturnType<typeof defineJob>
  readonly release: (() => void)[]
  readonly contexts: Map<string, InContext>
} {
  const release: (() => void)[] = []
  const contexts = new Map<string, InContext>()
  const job = defineJob("a", {
    run: ({ job: { id } }) => {
      contexts.set(id, AsyncLocalStorage.snapshot())
      return new Promise<void>((resolve) => release.push(resolve))
    },
  })
  return { job, release, contexts }
}

/** A handler that ends with its signal's reason, and tells it. */
function listening(timeout: string | false = false): {
  readonly job: ReturnType<typeof defineJob>
  readonly reasons: AbortReason[]
  readonly started: () => number
} {
  const reasons: AbortReason[] = []
  let started = 0
  const job = defineJob("a", {
    timeout,
    retry: { backoff: "fixed", base: "1s", jitter: "none" },
    run: ({ signal }) => {
      started++
      return new Promise<never>((_, reject) => {
        signal.addEventListener("abort", () => {
          reasons.push(signal.reason as AbortReason)
          reject(signal.reason as Error)
        })
      })
    },
  })
  return { job, reasons, started: () => started }
}

describe("a timeout", () => {
  test("aborts the attempt at that instant and counts a failure", async () => {
    await using world = await createWorld()
    const { job, reasons, started } = listening("30s")
    await world.worker([job])
    const id = await world.enqueue("a", null, { maxAttempts: 1 })
    await world.until("it runs", () => started() === 1)
    await world.clock.advance(29_900)
    expect(reasons).toEqual([])
    const row = await world.finished(id)
    expect(reasons.map(({ code }) => code)).toEqual(["DROVER_TIMEOUT"])
    expect(row).toMatchObject({
      state: "discarded",
      failures: 1,
      error: { code: "DROVER_TIMEOUT" },
    })
  })

  test("of the job goes before that of its kind", async () => {
    await using world = await createWorld()
    const { job, reasons, started } = listening("30s")
    await world.worker([job])
    await world.enqueue("a", null, { timeoutMs: 2_000 })
    await world.enqueue("a", null, { timeoutMs: false })
    await world.until("both run", () => started() === 2)
    await world.clock.advance(2_100)
    expect(reasons).toHaveLength(1)
    expect(started()).toBe(2)
  })

  test("of a hundred running jobs costs one timer", async () => {
    await using world = await createWorld()
    const { job, started } = listening("1h")
    await world.worker([job])
    await world.clock.settle()
    const before = world.clock.pending
    await world.enqueueMany("a", 100)
    await world.until("all run", () => started() === 100)
    expect(world.clock.pending).toBeLessThanOrEqual(before + 2)
  })
})

describe("a handler that ignores its abort", () => {
  test("is reported as stuck and keeps its slot; no second attempt of its job starts beside it", async () => {
    await using world = await createWorld()
    let started = 0
    const release: (() => void)[] = []
    const job = defineJob("a", {
      timeout: "1s",
      retry: { backoff: "fixed", base: "1s", jitter: "none" },
      run: () => {
        started++
        return started === 1 ? new Promise<void>((resolve) => release.push(resolve)) : "second"
      },
    })
    const worker = await world.worker([job], { queues: { default: { slots: 2 } } })
    const id = await world.enqueue("a")
    await world.until("it is stuck", () => world.count("job.stuck") === 1, 20_000)
    // The other slot is free all the while.
    await world.clock.advance(60_000)
    expect(await world.row(id)).toMatchObject({ state: "running", attempt: 1, failures: 0 })
    expect(started).toBe(1)
    expect(worker.running()).toMatchObject([{ jobId: id, aborted: true }])
    release[0]!()
    expect(await world.finished(id)).toMatchObject({
      state: "completed",
      attempt: 2,
      failures: 1,
      result: '"second"',
    })
    expect(world.count("job.stuck")).toBe(1)
    expect(world.count("job.fenced")).toBe(0)
    expect(world.count("job.failed")).toBe(1)
  })

  test("settles at once what will not run again: a last failure, and a cancelled job", async () => {
    await using world = await createWorld()
    const job = defineJob("a", { timeout: "1s", run: () => new Promise(() => {}) })
    const worker = await world.worker([job])
    const last = await world.enqueue("a", null, { maxAttempts: 1 })
    expect(await world.finished(last)).toMatchObject({
      state: "discarded",
      error: { code: "DROVER_TIMEOUT" },
    })
    const unwanted = await world.enqueue("a")
    await world.until("it is stuck", () => world.count("job.stuck") === 2, 20_000)
    await world.store.act("cancel", { ids: [unwanted] }, { actor: "test", reason: "", limit: 1 })
    expect(await world.finished(unwanted)).toMatchObject({ state: "cancelled" })
    // Their handlers still hold their slots.
    expect(worker.running()).toHaveLength(2)
  })

  test("is given up when its worker stops, and has failed by its timeout", async () => {
    await using world = await createWorld()
    const job = defineJob("a", { timeout: "1s", run: () => new Promise(() => {}) })
    const worker = await world.worker([job])
    const id = await world.enqueue("a")
    await world.until("it is stuck", () => world.count("job.stuck") === 1, 20_000)
    const stopped = worker.stop()
    await world.until("it has stopped", () => worker.state === "stopped", 60_000)
    await stopped
    expect(await world.row(id)).toMatchObject({ state: "retryable", failures: 1, interruptions: 0 })
  })

  test("ends the worker, if it was told so", async () => {
    await using world = await createWorld()
    const failed: unknown[] = []
    const job = defineJob("a", { timeout: "1s", run: () => new Promise(() => {}) })
    const worker = await world.worker([job], { options: { whenStuck: "stop" } })
    worker.onFailed((error) => failed.push(error))
    await world.enqueue("a")
    await world.until("it has stopped", () => worker.state === "stopped", 60_000)
    expect(failed).toMatchObject([{ code: "DROVER_STUCK" }])
    expect(await world.store.workers()).toEqual([])
  })
})

describe("a cancel", () => {
  test("from another process reaches the handler within a second, and the job is cancelled", async () => {
    await using world = await createWorld()
    const { job, reasons, started } = listening()
    await world.worker([job])
    const id = await world.enqueue("a")
    await world.until("it runs", () => started() === 1)
    await world.cancel(id, "by hand")
    await world.clock.advance(1_000)
    expect(reasons).toMatchObject([{ code: "DROVER_CANCELLED", message: "by hand" }])
    expect(await world.row(id)).toMatchObject({ state: "cancelled" })
    expect(world.count("job.cancelled")).toBe(1)
  })

  test("is never lost, whatever the outcome that races it", async () => {
    for (const outcome of ["throw", "return", "listen"] as const) {
      for (const atMs of [0, 1, 5, 9, 10, 11, 20]) {
        await using world = await createWorld()
        let runs = 0
        const job = defineJob("a", {
          retry: { backoff: "fixed", base: 0, jitter: "none" },
          run: async ({ signal }) => {
            runs++
            await world.clock.sleep(10, outcome === "listen" ? { signal } : {})
            if (outcome !== "return") throw new Error("no")
          },
        })
        await world.worker([job])
        const id = await world.enqueue("a")
        await world.until("it runs", () => runs > 0)
        await world.clock.advance(atMs)
        const other = await world.connect()
        const reply = await other.act(
          "cancel",
          { ids: [id] },
          { actor: "test", reason: "race", limit: 1 },
        )
        const runsThen = runs
        const acknowledged = reply.changed.length + reply.requested.length === 1
        await world.clock.advance(5_000)
        const { state } = await world.row(id)
        if (acknowledged) {
          // The attempt that was told may still complete; a newer one never runs.
          expect(state, `${outcome} at ${atMs}`).toMatch(
            outcome === "return" ? /completed|cancelled/ : /cancelled/,
          )
          expect(runs, `${outcome} at ${atMs}`).toBe(runsThen)
        } else expect(state).toBe("completed")
      }
    }
  })
})

describe("an error that a handler lets loose", () => {
  test("fails its attempt when that ends, whatever it returns, and no other", async () => {
    await using world = await createWorld()
    const { job, release, contexts } = gatedInContext()
    const worker = await world.worker([job])
    const [first, second] = await world.enqueueMany("a", 2, { maxAttempts: 1 })
    await world.until("both run", () => release.length === 2)
    letLoose(contexts.get(first!)!, new Error("floating"))
    for (const open of release) open()
    expect(await world.finished(first!)).toMatchObject({
      state: "discarded",
      failures: 1,
      error: { message: "floating" },
    })
    expect(await world.finished(second!)).toMatchObject({ state: "completed" })
    expect(world.count("job.strayed")).toBe(1)
    expect(worker.state).toBe("running")
  })

  test.each<[string, (reason: Error) => Error]>([
    ["the reason itself", (reason) => reason],
    [
      "what Node made of it",
      (reason) => Object.assign(new Error("aborted", { cause: reason }), { name: "AbortError" }),
    ],
  ])(
    "because it was aborted costs the job no failure when the worker stops: %s",
    async (_, made) => {
      await using world = await createWorld()
      let loose: ((reason: Error) => void) | undefined
      const ended = Promise.withResolvers<void>()
      const job = defineJob("a", {
        run: ({ signal }) => {
          const context: InContext = AsyncLocalStorage.snapshot()
          loose = () => letLoose(context, made(signal.reason as Error))
          signal.addEventListener("abort", () => {})
          return ended.promise
        },
      })
      const worker = await world.worker([job], { options: { stopGrace: "1s" } })
      const id = await world.enqueue("a", null, { maxAttempts: 1 })
      await world.until("it runs", () => loose !== undefined)
      const stopped = worker.stop()
      await world.until("it is told", () => worker.running()[0]?.aborted === true)
      loose!(new Error())
      ended.reject(new Error("gave up"))
      await world.until("it has stopped", () => worker.state === "stopped")
      await stopped
      expect(await world.row(id)).toMatchObject({ state: "available", failures: 0 })
      expect(world.count("job.strayed")).toBe(1)
    },
  )

  test("fails the job of a handler that does not end any more", async () => {
    await using world = await createWorld()
    const { job, contexts } = gatedInContext()
    await world.worker([job])
    const id = await world.enqueue("a", null, { maxAttempts: 1 })
    await world.until("it runs", () => contexts.size === 1)
    letLoose(contexts.get(id)!, new Error("floating"))
    expect(await world.finished(id)).toMatchObject({
      state: "discarded",
      error: { message: "floating" },
    })
    expect(world.count("job.stuck")).toBe(1)
  })

  test("is not blamed for what Drover does after it: that belongs to no attempt", async () => {
    await using world = await createWorld()
    const contexts: InContext[] = []
    world.events.on("job.completed", () => contexts.push(AsyncLocalStorage.snapshot()))
    const job = defineJob("a", { run: ({ progress }) => progress(1) })
    // One slot: each exchange is started by the end of an attempt, and by nothing else.
    await world.worker([job], { queues: { default: { slots: 1 } } })
    await world.enqueueMany("a", 3)
    await world.until("all are done", () => contexts.length === 3)
    for (const context of contexts) letLoose(context, new Error("a listener's own"))
    expect(world.count("job.strayed")).toBe(0)
  })

  test("drains the worker, if it was told so: others finish", async () => {
    await using world = await createWorld()
    const { job, release, contexts } = gatedInContext()
    const worker = await world.worker([job], { options: { whenStray: "stop" } })
    const failed: unknown[] = []
    worker.onFailed((error) => failed.push(error))
    const [first, second] = await world.enqueueMany("a", 2, { maxAttempts: 1 })
    await world.until("both run", () => release.length === 2)
    letLoose(contexts.get(first!)!, new Error("floating"))
    await world.clock.advance(100)
    for (const open of release) open()
    await world.until("it has stopped", () => worker.state === "stopped")
    expect(failed).toMatchObject([{ message: "floating" }])
    expect(await world.row(second!)).toMatchObject({ state: "completed" })
  })
})
