import { describe, expect, test } from "vitest"
import { cancel, discard, retryIn, snooze } from "../define/outcome.ts"
import { defineJob } from "../define/jobDefinition.ts"
import type { StandardSchemaV1 } from "../define/standardSchema.ts"
import { createWorld } from "./fixtures/world.ts"

const quick = { backoff: "fixed", base: "1s", jitter: "none" } as const

function schema(
  check: (value: unknown) => string | null,
  asynchronous = false,
): StandardSchemaV1<unknown, unknown> {
  const result = (value: unknown): { value: unknown } | { issues: { message: string }[] } => {
    const message = check(value)
    return message === null ? { value } : { issues: [{ message }] }
  }
  return {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: (value) => (asynchronous ? Promise.resolve(result(value)) : result(value)),
    },
  }
}

describe("what a handler does decides what becomes of its job", () => {
  test.each([
    ["returns nothing", () => undefined, { state: "completed", result: null }],
    ["returns a value", () => ({ bytes: 3 }), { state: "completed", result: '{"bytes":3}' }],
    ["returns a promise", async () => "done", { state: "completed", result: '"done"' }],
    ["cancels", () => cancel("not wanted"), { state: "cancelled", reason: "not wanted" }],
    [
      "discards",
      () => discard("hopeless"),
      { state: "discarded", reason: "hopeless", failures: 0 },
    ],
    [
      "throws a discard from deep inside",
      () => {
        throw discard("hopeless")
      },
      { state: "discarded", failures: 0 },
    ],
  ])("one that %s", async (_what, run, expected) => {
    await using world = await createWorld()
    await world.worker([defineJob("a", { run: run as () => unknown })])
    const id = await world.enqueue("a")
    expect(await world.finished(id)).toMatchObject({ ...expected, attempt: 1 })
  })

  test("one that throws runs again after its backoff, until its attempts are spent", async () => {
    await using world = await createWorld()
    const startedAt: number[] = []
    const job = defineJob("a", {
      retry: quick,
      run: () => {
        startedAt.push(world.clock.now())
        throw new Error(`number ${startedAt.length}`)
      },
    })
    await world.worker([job])
    const id = await world.enqueue("a", null, { maxAttempts: 3 })
    const row = await world.finished(id)
    expect(row).toMatchObject({
      state: "discarded",
      attempt: 3,
      failures: 3,
      error: { message: "number 3" },
    })
    expect(startedAt).toHaveLength(3)
    for (let i = 1; i < 3; i++)
      expect(startedAt[i]! - startedAt[i - 1]!).toBeGreaterThanOrEqual(1_000)
    // Due times wake the worker: it does not wait for its next poll.
    for (let i = 1; i < 3; i++) expect(startedAt[i]! - startedAt[i - 1]!).toBeLessThan(1_030)
    expect(world.count("job.failed")).toBe(3)
    expect(world.count("job.discarded")).toBe(1)
  })

  test("one that snoozes runs again at that time and counts no failure", async () => {
    await using world = await createWorld()
    const startedAt: number[] = []
    const job = defineJob("a", {
      run: () => {
        startedAt.push(world.clock.now())
        return startedAt.length < 3 ? snooze("5s") : "done"
      },
    })
    await world.worker([job])
    const row = await world.finished(await world.enqueue("a"))
    expect(row).toMatchObject({ state: "completed", failures: 0 })
    expect(startedAt[1]! - startedAt[0]!).toBeGreaterThanOrEqual(5_000)
    expect(startedAt[1]! - startedAt[0]!).toBeLessThan(5_030)
    expect(world.count("job.snoozed")).toBe(2)
  })

  test("one that asks for its own delay waits that long and counts a failure", async () => {
    await using world = await createWorld()
    const startedAt: number[] = []
    const job = defineJob("a", {
      retry: quick,
      run: () => {
        startedAt.push(world.clock.now())
        return startedAt.length < 2 ? retryIn("30s") : "done"
      },
    })
    await world.worker([job])
    const row = await world.finished(await world.enqueue("a"))
    expect(row).toMatchObject({ state: "completed", failures: 1 })
    expect(startedAt[1]! - startedAt[0]!).toBeGreaterThanOrEqual(30_000)
  })

  test("a policy stored with the job goes before its kind's", async () => {
    await using world = await createWorld()
    const startedAt: number[] = []
    const job = defineJob("a", {
      retry: quick,
      run: () => {
        startedAt.push(world.clock.now())
        if (startedAt.length < 2) throw new Error("once")
      },
    })
    await world.worker([job])
    const retry = JSON.stringify({ ...job.retry, baseMs: 60_000, capMs: 60_000 })
    await world.finished(await world.enqueue("a", null, { retry }))
    expect(startedAt[1]! - startedAt[0]!).toBeGreaterThanOrEqual(60_000)
  })
})

describe("values are checked where they enter and leave a handler", () => {
  test.each([false, true])(
    "a stored input that does not satisfy the schema is discarded, and the handler is not called (async: %s)",
    async (asynchronous) => {
      await using world = await createWorld()
      let calls = 0
      const input = schema(
        (value) => (typeof value === "number" ? null : "not a number"),
        asynchronous,
      )
      await world.worker([defineJob("a", { input, run: () => void calls++ })])
      const row = await world.finished(await world.enqueue("a", "old"))
      expect(row).toMatchObject({
        state: "discarded",
        reason: "input is not valid",
        failures: 0,
        error: { code: "DROVER_INPUT_INVALID" },
      })
      expect(calls).toBe(0)
      expect(await world.finished(await world.enqueue("a", 5))).toMatchObject({
        state: "completed",
      })
    },
  )

  test("an output that does not satisfy the schema is a failure", async () => {
    await using world = await createWorld()
    const output = schema((value) => (value === "good" ? null : "not good"))
    await world.worker([defineJob("a", { output, run: () => "bad" })])
    const row = await world.finished(await world.enqueue("a", null, { maxAttempts: 1 }))
    expect(row).toMatchObject({
      state: "discarded",
      failures: 1,
      error: { code: "DROVER_OUTPUT_INVALID" },
    })
  })

  test.each([
    ["too large", () => "x".repeat(2_000), "DROVER_PAYLOAD_TOO_LARGE"],
    ["not JSON", () => 10n, "DROVER_PAYLOAD_INVALID"],
  ])("a result that is %s is a failure", async (_what, run, code) => {
    await using world = await createWorld()
    await world.worker([defineJob("a", { run: run as () => unknown })], {
      options: { payloadLimit: 1_000 },
    })
    const id = await world.enqueue("a", null, { maxAttempts: 1 })
    expect(await world.finished(id)).toMatchObject({ state: "discarded", error: { code } })
  })

  test("a handler sees its input, its attempt and its job", async () => {
    await using world = await createWorld()
    let seen: unknown
    const job = defineJob("a", {
      run: ({ input, attempt, job: facts }) => {
        seen = { input, attempt, ...facts }
      },
    })
    await world.worker([job])
    const id = await world.enqueue("a", { x: 1 }, { tags: ["t"], metadata: '{"m":2}', priority: 7 })
    await world.finished(id)
    expect(seen).toMatchObject({
      input: { x: 1 },
      attempt: 1,
      id,
      kind: "a",
      queue: "default",
      priority: 7,
      tags: ["t"],
      metadata: { m: 2 },
    })
  })
})

test("an attempt that was told to end while its input was checked never calls its handler", async () => {
  await using world = await createWorld()
  const checked = Promise.withResolvers<{ value: unknown }>()
  let calls = 0
  let checks = 0
  const input: StandardSchemaV1<unknown, unknown> = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: () => {
        checks++
        return checked.promise
      },
    },
  }
  await world.worker([defineJob("a", { input, run: () => ++calls })])
  const id = await world.enqueue("a")
  await world.until("its input is checked", () => checks === 1)
  await world.cancel(id, "not wanted")
  await world.clock.advance(5_000)
  checked.resolve({ value: null })
  expect(await world.finished(id)).toMatchObject({ state: "cancelled", reason: "not wanted" })
  expect(calls).toBe(0)
})
