import { describe, expect, expectTypeOf, test } from "vitest"
import { z } from "zod"
import { Shutdown } from "../errors/index.ts"
import type { JobContext } from "../jobs/define/jobContext.ts"
import { defineJob } from "../jobs/define/jobDefinition.ts"
import { cancel, discard, retryIn, snooze } from "../jobs/define/outcome.ts"
import { ManualClock } from "../time/index.ts"
import { runJob } from "./runJob.ts"

describe("running one job inline", () => {
  test("input and result take the way through JSON and both schemas", async () => {
    const resize = defineJob("resize", {
      input: z.object({ width: z.coerce.number(), unit: z.string().default("px") }),
      output: z.object({ label: z.string() }),
      run: ({ input }) => ({ label: `${input.width}${input.unit}` }),
    })
    const run = await runJob(resize, { width: "20" })
    expect(run).toMatchObject({ outcome: "completed", result: { label: "20px" } })
    expectTypeOf(run.result).toEqualTypeOf<{ label: string } | undefined>()
    await expect(runJob(resize, { width: "x" })).rejects.toMatchObject({
      code: "DROVER_INPUT_INVALID",
    })
  })

  test("the handler sees the tags and metadata of its kind; its unique key plays no part", async () => {
    const job = defineJob("index", {
      ...{ tags: ["a"], metadata: { team: 7 } },
      unique: { key: "k", mode: "debounce" },
      run: ({ job: { tags, metadata } }) => ({ tags, metadata }),
    })
    expect((await runJob(job, null)).result).toEqual({ tags: ["a"], metadata: { team: 7 } })
    const enqueue = { tags: [], unique: "own" }
    const run = await runJob(job, null, { enqueue })
    expect(run.result).toEqual({ tags: [], metadata: { team: 7 } })
  })

  test("what a handler settles in a transaction of its own is how it ends, without a database", async () => {
    const charge = defineJob("charge", {
      async run({ settle, input }: JobContext<{ ends: "returns" | "throws" | "discards" }>) {
        await settle({}, input.ends === "discards" ? discard("no such order") : { charged: 7 })
        if (input.ends === "throws") throw new Error("the commit failed")
      },
    })
    expect(await runJob(charge, { ends: "returns" })).toMatchObject({
      outcome: "completed",
      result: { charged: 7 },
    })
    expect(await runJob(charge, { ends: "discards" })).toMatchObject({
      outcome: "discarded",
      reason: "no such order",
    })
    expect(await runJob(charge, { ends: "throws" })).toMatchObject({
      outcome: "retryable",
      error: { message: "the commit failed" },
    })
  })

  test("a result that cannot be stored is a failure, as in production", async () => {
    const job = defineJob("dates", { run: () => ({ at: new Date(0) }) })
    const run = await runJob(job, undefined)
    expect(run).toMatchObject({ outcome: "retryable", error: { code: "DROVER_PAYLOAD_INVALID" } })
    expect(run.error?.message).toContain("result.at")
  })

  test.each([
    ["snooze", () => snooze("5m"), { outcome: "snoozed", delayMs: 300_000 }],
    ["cancel", () => cancel("gone"), { outcome: "cancelled", reason: "gone" }],
    [
      "discard",
      () => discard("no use", new Error("why")),
      { outcome: "discarded", reason: "no use", error: { message: "why" } },
    ],
    ["retryIn", () => retryIn("7s"), { outcome: "retryable", delayMs: 7_000 }],
  ] as const)(
    "%s is an outcome whether returned or thrown from deep inside",
    async (_, outcome, expected) => {
      const returned = defineJob("a", { run: () => outcome() })
      const thrown = defineJob("b", {
        run: (): void => {
          throw outcome() as unknown as Error
        },
      })
      expect(await runJob(returned, undefined)).toMatchObject(expected)
      expect(await runJob(thrown, undefined)).toMatchObject(expected)
    },
  )

  test("a failure waits by the policy, and the last one discards", async () => {
    const retry = { maxAttempts: 2, backoff: "fixed", base: "3s", jitter: "none" } as const
    const job = defineJob("fails", {
      retry,
      run: (): void => {
        throw new TypeError("no")
      },
    })
    expect(await runJob(job, undefined)).toMatchObject({
      outcome: "retryable",
      delayMs: 3_000,
      error: { name: "TypeError" },
    })
    expect(await runJob(job, undefined, { attempt: 2 })).toMatchObject({ outcome: "discarded" })
    const own = { enqueue: { retry: { base: "9s" } } } as const
    expect(await runJob(job, undefined, own)).toMatchObject({ delayMs: 9_000 })
  })

  test("what the handler may know about its job is what the options say", async () => {
    const job = defineJob("facts", {
      queue: "q",
      run: ({ job: facts, attempt }: JobContext<undefined>) => ({
        attempt,
        queue: facts.queue,
        tags: [...facts.tags],
        by: facts.metadata["by"] ?? null,
        failures: facts.failures,
      }),
    })
    const run = await runJob(job, undefined, {
      attempt: 4,
      enqueue: { tags: ["t"], metadata: { by: "ann" } },
    })
    expect(run.result).toEqual({ attempt: 4, queue: "q", tags: ["t"], by: "ann", failures: 3 })
  })

  test("log and progress are kept", async () => {
    const job = defineJob("talks", {
      run: ({ log, progress }: JobContext<undefined>) => {
        log.warn({ left: 3 }, "slow")
        log.info("slower", { left: 2 })
        log.debug("slowest")
        progress({ done: 0.5 })
      },
    })
    const run = await runJob(job, undefined)
    expect(run.log).toEqual([
      { level: "warn", message: "slow", fields: { left: 3 } },
      { level: "info", message: "slower", fields: { left: 2 } },
      { level: "debug", message: "slowest", fields: null },
    ])
    expect(run.progress).toEqual([{ done: 0.5 }])
    expect(run.result).toBeUndefined()
  })

  test("a timeout comes when the test moves its clock", async () => {
    const clock = new ManualClock()
    const job = defineJob("slow", {
      timeout: "2m",
      run: ({ signal }: JobContext<undefined>) =>
        new Promise<void>((_, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason as Error))
        }),
    })
    const running = runJob(job, undefined, { clock })
    await clock.advance(120_000)
    expect(await running).toMatchObject({ outcome: "retryable", error: { code: "DROVER_TIMEOUT" } })
  })

  test("an abort reaches the handler with its reason", async () => {
    const reasons: unknown[] = []
    const job = defineJob("listens", {
      run: ({ signal }: JobContext<undefined>) =>
        new Promise<void>((_, reject) => {
          signal.addEventListener("abort", () => {
            reasons.push(signal.reason)
            reject(signal.reason as Error)
          })
        }),
    })
    const stop = new AbortController()
    const stopped = runJob(job, undefined, { abort: stop.signal })
    stop.abort(new Shutdown("deploy"))
    expect(await stopped).toMatchObject({ outcome: "interrupted" })
    const quit = new AbortController()
    const cancelled = runJob(job, undefined, { abort: quit.signal })
    quit.abort()
    expect(await cancelled).toMatchObject({ outcome: "cancelled" })
    expect(reasons).toMatchObject([{ code: "DROVER_SHUTDOWN" }, { code: "DROVER_CANCELLED" }])
  })

  test("a kind with an isolation of its own runs inline in tests", async () => {
    const job = defineJob("apart", {
      isolation: "thread",
      module: import.meta.url,
      run: () => process.pid,
    })
    expect(await runJob(job, undefined)).toMatchObject({ result: process.pid })
  })
})
