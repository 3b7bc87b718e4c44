import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { z } from "zod"
import type { NewJob } from "../../store/index.ts"
import { ManualClock, SeededRng, UuidMaker } from "../../time/index.ts"
import { defineJob } from "./jobDefinition.ts"
import type { JobDefinition } from "./jobDefinition.ts"
import { checkEnqueueOptions, prepareJob } from "./newJobs.ts"
import type { EnqueueOptions } from "./newJobs.ts"
import { hashKey } from "./uniqueOptions.ts"

const ids = new UuidMaker(new ManualClock(), new SeededRng(1))
const plain = defineJob("mail", { queue: "out", priority: 7, run: () => 1 })

function prepare(
  options?: EnqueueOptions,
  definition: JobDefinition = plain,
  input: unknown = { n: 1 },
): NewJob {
  const job = prepareJob(definition, input, options, { ids, payloadLimit: 1_000 })
  if (job instanceof Promise) throw new Error("expected a synchronous answer")
  return job
}

describe("the row of a job", () => {
  test("without options everything comes from the definition", () => {
    const job = prepare()
    expect(job).toEqual({
      id: job.id,
      kind: "mail",
      queue: "out",
      priority: 7,
      input: '{"n":1}',
      delayMs: 0,
      runAt: null,
      expireMs: null,
      maxAttempts: 25,
      maxCrashes: 3,
      timeoutMs: null,
      retry: null,
      tags: [],
      metadata: null,
      unique: null,
    })
  })

  test("options go before the definition", () => {
    const id = ids.next()
    const runAt = new Date(5_000)
    const options: EnqueueOptions = {
      id,
      queue: "slow",
      priority: 0,
      runAt,
      expireIn: "1h",
      tags: ["a", "b", "a"],
      metadata: { by: "ann" },
      timeout: false,
      maxCrashes: 1,
      retry: { maxAttempts: 3, base: "2s" },
    }
    const { retry, ...job } = prepare(options)
    expect(job).toMatchObject({
      id,
      queue: "slow",
      priority: 0,
      runAt: 5_000,
      delayMs: 0,
      expireMs: 3_600_000,
      tags: ["a", "b"],
      metadata: '{"by":"ann"}',
      timeoutMs: false,
      maxCrashes: 1,
      maxAttempts: 3,
    })
    expect(JSON.parse(retry ?? "")).toMatchObject({
      backoff: "exponential",
      baseMs: 2_000,
      maxAttempts: 3,
    })
  })

  test("another number of attempts alone leaves the kind's policy, also one with a function", () => {
    const custom = defineJob("custom", { retry: { delay: () => 5 }, run: () => 1 })
    expect(prepare({ retry: { maxAttempts: 2 } }, custom)).toMatchObject({
      retry: null,
      maxAttempts: 2,
    })
    expect(() => prepare({ retry: { maxAttempts: 2, cap: "9h" } }, custom)).toThrow(
      /cannot be stored/,
    )
    const chosen = prepare({ retry: { backoff: "fixed" } }, custom)
    expect(JSON.parse(chosen.retry ?? "")).toMatchObject({ backoff: "fixed" })
  })

  test("no limit of attempts is a number that every database holds", () => {
    const job = prepare({ retry: { maxAttempts: false } })
    expect(job.maxAttempts).toBe(2 ** 31 - 1)
  })

  test("a job without input stores null, and that is what its schema sees", () => {
    expect(prepare(undefined, plain, undefined).input).toBe('{"n":1}')
    const job = prepareJob(plain, undefined, undefined, { ids, payloadLimit: 100 }) as NewJob
    expect(job.input).toBe("null")
  })

  test("what is stored is the caller's value, not the schema's output", () => {
    const schema = z.object({ n: z.coerce.number(), unit: z.string().default("px") })
    const definition = defineJob("resize", { input: schema, run: () => 1 })
    expect(prepare(undefined, definition, { n: "4" }).input).toBe('{"n":"4"}')
  })

  test("an input that does not satisfy the schema is refused before the database", () => {
    const definition = defineJob("resize", { input: z.object({ n: z.number() }), run: () => 1 })
    expect(() => prepare(undefined, definition, { n: "x" })).toThrow(
      expect.objectContaining({ code: "DROVER_INPUT_INVALID" }),
    )
  })

  test("an asynchronous schema makes the row later", async () => {
    const schema = z.object({ n: z.number().refine(async (n) => n > 0) })
    const asynchronous = {
      "~standard": {
        ...schema["~standard"],
        validate: (value: unknown) =>
          schema
            .safeParseAsync(value)
            .then((r) => (r.success ? { value: r.data } : { issues: r.error.issues })),
      },
    }
    const definition = defineJob("resize", { input: asynchronous as never, run: () => 1 })
    const parts = { ids, payloadLimit: 100 }
    await expect(prepareJob(definition, { n: 1 }, undefined, parts)).resolves.toMatchObject({
      kind: "resize",
    })
    await expect(prepareJob(definition, { n: 0 }, undefined, parts)).rejects.toMatchObject({
      code: "DROVER_INPUT_INVALID",
    })
  })

  test("an input above the limit is refused", () => {
    expect(() => prepare(undefined, plain, "x".repeat(2_000))).toThrow(
      expect.objectContaining({ code: "DROVER_PAYLOAD_TOO_LARGE" }),
    )
  })
})

describe("options that cannot work", () => {
  test.each<[string, object, RegExp]>([
    ["runIn and runAt together", { runIn: 1, runAt: new Date(0) }, /either runIn or runAt/],
    ["a negative wait", { runIn: -1 }, /not a duration/],
    [
      "an instant in seconds",
      { runAt: 1_800_000_000 },
      /runAt: .*looks like seconds: give 1800000000000/,
    ],
    ["a date that is none", { runAt: new Date("x") }, /runAt: .*, not an invalid Date/],
    ["a date as text", { runAt: "2027-01-01" }, /runAt: .*, not "2027-01-01"/],
    ["an object that is no date", { runAt: {} }, /runAt: .*, not an object/],
    ["an instant in microseconds", { runAt: 1_767_225_600_000_000 }, /year 9999/],
    ["an id that is no UUIDv7", { id: "6f6a1f0e-5b3d-4f3e-8d1f-0a1b2c3d4e5f" }, /version 7/],
    ["an id of one's own", { id: "order-7" }, /not "order-7"; .* use unique/],
    ["21 tags", { tags: Array.from({ length: 21 }, (_, i) => `t${i}`) }, /at most 20/],
    ["a tag with a line feed", { tags: ["a\nb"] }, /is not a tag/],
    ["tags that are a text", { tags: "a" }, /not a list of tags/],
    ["metadata that is a list", { metadata: [1] }, /must be an object/],
    ["metadata beyond 16 KiB", { metadata: { a: "x".repeat(20_000) } }, /16384 bytes/],
    ["a classifier", { retry: { retryIf: () => true } }, /give it to the kind, in defineJob/],
    ["a unique key that is called id", { unique: { id: "a" } }, /no option "id"; write key/],
    ["a retry function", { retry: { delay: () => 1 } }, /cannot be stored/],
    ["an expiry of 0", { expireIn: 0 }, /use false for no limit/],
    ["an empty unique key", { unique: "" }, /1 to 1000 characters/],
    ["a unique key with NUL", { unique: "a\0b" }, /NUL/],
    ["a misspelt unique option", { unique: { key: "a", mod: "skip" } }, /did you mean "mode"/],
    ["throttle without a window", { unique: { key: "a", mode: "throttle" } }, /is the window/],
    ["debounce without a wait", { unique: { key: "a", mode: "debounce" } }, /needs runIn/],
    ["maxWait without debounce", { unique: { key: "a", maxWait: "1m" } }, /belongs to debounce/],
    [
      "a state that does not exist",
      { unique: { key: "a", states: ["done"] } },
      /must be of scheduled, .*, not "done"/,
    ],
    [
      "no state at all",
      { unique: { key: "a", states: [] } },
      /at least one state, not an empty list/,
    ],
  ])("%s: refused", (_, options, message) => {
    expect(() => prepare(options as EnqueueOptions)).toThrow(message)
  })

  test("a misspelt option is refused with a suggestion", () => {
    const attempt = (): unknown => checkEnqueueOptions({ prioritty: 1 }, "mail")
    expect(attempt).toThrow(/did you mean "priority"/)
  })

  test.each([
    ["delay", /write runIn/],
    ["attempts", /retry: \{ maxAttempts: 3 \}/],
    ["singletonKey", /write unique/],
    ["deduplication", /write unique/],
    ["removeOnComplete", /retention/],
    ["concurrency", /defineJob\(\)/],
  ])("%s, as other queues call it, is refused with what to write here", (name, message) => {
    expect(() => checkEnqueueOptions({ [name]: 1 }, "mail")).toThrow(message)
  })
})

describe("unique keys", () => {
  test("a text is a key that skips while a job with it waits or runs", () => {
    expect(prepare({ unique: "user:1" }).unique).toMatchObject({
      label: "user:1",
      mode: "skip",
      states: ["scheduled", "available", "retryable", "running"],
      forMs: null,
      maxWaitMs: null,
    })
  })

  test("a key for a time also holds after the job has completed", () => {
    const { unique } = prepare({ unique: { key: "a", for: "1h" } })
    expect(unique?.forMs).toBe(3_600_000)
    expect(unique?.states).toContain("completed")
  })

  test("replace and debounce hold while the job waits, so a run that began swallows nothing", () => {
    const replace = prepare({ unique: { key: "a", mode: "replace" } }).unique
    const debounce = prepare({ runIn: "5s", unique: { key: "a", mode: "debounce", maxWait: "1m" } })
    expect(replace?.states).toEqual(["scheduled", "available", "retryable"])
    expect(debounce).toMatchObject({ delayMs: 5_000, unique: { maxWaitMs: 60_000 } })
  })

  test("two different owners or keys never have the same hash, whatever their characters", () => {
    const text = fc.string({
      unit: fc.constantFrom("a", ":", "/", "k", "i", "n", "d"),
      maxLength: 4,
    })
    const owner = fc.record({ kind: text, scope: fc.option(text, { nil: undefined }), key: text })
    const distinct = fc.property(owner, owner, (a, b) => {
      const same =
        a.key === b.key && a.scope === b.scope && (a.scope !== undefined || a.kind === b.kind)
      return (
        same ===
        Buffer.from(hashKey(a.kind, a.scope, a.key)).equals(hashKey(b.kind, b.scope, b.key))
      )
    })
    expect(() => fc.assert(distinct, { numRuns: 2_000 })).not.toThrow()
  })

  test("a key of a kind is not the key of another kind, unless they share a scope", () => {
    const other = defineJob("other", { run: () => 1 })
    const hashOf = (options: EnqueueOptions, definition = plain): string =>
      Buffer.from(prepare(options, definition).unique?.hash ?? []).toString("hex")
    expect(hashOf({ unique: "a" })).not.toBe(hashOf({ unique: "a" }, other))
    const scoped = { unique: { key: "a", scope: "s" } }
    expect(hashOf(scoped)).toBe(hashOf(scoped, other))
  })
})

describe("what a kind says of its jobs", () => {
  const run = (): number => 1
  const key = { key: "one", mode: "replace" } as const
  const kind = defineJob("mail", { tags: ["b", "b", "a"], metadata: { team: 7 }, unique: key, run })

  test("holds for every enqueue that says nothing", () => {
    const own = prepare({ tags: ["b", "a"], metadata: { team: 7 }, unique: key })
    const { tags, metadata, unique } = own
    expect(prepare(undefined, kind)).toMatchObject({ tags, metadata, unique })
    expect(prepare({ priority: 1 }, kind)).toMatchObject({ tags, metadata, unique })
  })

  test("gives way to what the enqueue says, each option by itself", () => {
    expect(prepare({ tags: ["c"] }, kind)).toMatchObject({ tags: ["c"], metadata: '{"team":7}' })
    expect(prepare({ tags: [], metadata: {} }, kind)).toMatchObject({ tags: [], metadata: "{}" })
    expect(prepare({ unique: "two" }, kind).unique).toMatchObject({ label: "two", mode: "skip" })
    expect(prepare({ unique: false }, kind)).toMatchObject({ unique: null, tags: ["b", "a"] })
    expect(prepare({ unique: false }).unique).toBeNull()
  })

  test("the key may be made of the input as it was given, and of the queue", () => {
    const seen: unknown[] = []
    const job = defineJob("mail", {
      input: z.object({ user: z.coerce.number() }),
      unique: (input, { kind, queue }) => {
        seen.push(input)
        return `${kind} ${queue} ${String(input.user)}`
      },
      run,
    })
    const input = { user: "7" }
    expect(prepare(undefined, job, input).unique?.label).toBe("mail default 7")
    expect(prepare({ queue: "slow" }, job, input).unique?.label).toBe("mail slow 7")
    expect(seen).toEqual([input, input])
    expect(prepare({ unique: "own" }, job, input).unique?.label).toBe("own")
    expect(prepare({ unique: false }, job, input).unique).toBeNull()
    expect(seen, "not asked where the enqueue says it").toHaveLength(2)
  })

  test.each([null, undefined])("a function that gives %s makes a job without a key", (none) => {
    expect(prepare(undefined, defineJob("mail", { unique: () => none, run })).unique).toBeNull()
  })

  test("debounce of a kind waits for what each enqueue says", () => {
    const unique = { key: "one", mode: "debounce" } as const
    for (const job of [
      defineJob("mail", { unique, run }),
      defineJob("mail", { unique: () => unique, run }),
    ]) {
      expect(prepare({ runIn: "5s" }, job).unique).toMatchObject({ mode: "debounce" })
      expect(() => prepare(undefined, job)).toThrow("mail.unique.mode: debounce needs runIn")
    }
  })

  test.each<[string, () => unknown, RegExp]>([
    ["throws", () => JSON.parse("{"), /mail\.unique: the function threw/],
    ["gives a number", () => 7, /mail\.unique: expected an object of options, got 7/],
    [
      "gives a promise",
      () => Promise.resolve("a"),
      /mail\.unique: the function returned a promise/,
    ],
    // It must not end the process besides: vitest reports every rejection that nobody hears.
    ["fails later", () => Promise.reject(new Error("late")), /mail\.unique: the function returned/],
    ["gives no key", () => ({ mode: "skip" }), /mail\.unique\.key: must be a text/],
  ])("a function that %s is refused at the enqueue", (_, unique, message) => {
    const attempt = (): unknown => prepare(undefined, defineJob("mail", { unique, run } as never))
    expect(attempt).toThrow(message)
    expect(attempt).toThrow(expect.objectContaining({ code: "DROVER_CONFIG" }))
  })
})
