import { describe, expect, expectTypeOf, test } from "vitest"
import { z } from "zod"
import type { InputArguments } from "./inputArguments.ts"
import type { JobContext } from "./jobContext.ts"
import { defineJob, isJobDefinition } from "./jobDefinition.ts"
import type { InputOf, JobDefinition, ResultOfJob } from "./jobDefinition.ts"
import { snooze } from "./outcome.ts"

describe("what a definition may say", () => {
  test("defaults are filled in and the definition is frozen", () => {
    const job = defineJob("image.resize", { run: () => 1 })
    expect(job).toMatchObject({
      kind: "image.resize",
      queue: "default",
      priority: 100,
      timeoutMs: 3_600_000,
      maxCrashes: 3,
      expireMs: null,
      isolation: "inline",
      module: null,
      input: null,
      output: null,
    })
    expect(job.retry.maxAttempts).toBe(25)
    expect(Object.isFrozen(job)).toBe(true)
  })

  test("durations are read and false means never", () => {
    const job = defineJob("a", { timeout: false, expireIn: "1h30m", run: () => 1 })
    expect(job).toMatchObject({ timeoutMs: false, expireMs: 5_400_000 })
  })

  test.each<[string, string, object, RegExp]>([
    ["a misspelt option", "a", { queu: "media", run: () => 1 }, /did you mean "queue"/],
    ["an empty kind", "", { run: () => 1 }, /kind: "" is not a name/],
    ["a kind with a space", "a b", { run: () => 1 }, /is not a name/],
    ["a kind of 101 characters", "k".repeat(101), { run: () => 1 }, /1 to 100/],
    [
      "a queue with a control character",
      "a",
      { queue: "a\u001b[2J", run: () => 1 },
      /is not a name/,
    ],
    ["no handler", "a", {}, /a\.run: must be a function, not undefined/],
    [
      "a classifier that is no function",
      "a",
      { retry: { retryIf: ["TypeError"] }, run: () => 1 },
      /a\.retry\.retryIf: must be a function that gets the error/,
    ],
    [
      "a classifier outside of retry",
      "a",
      { retryIf: () => true, run: () => 1 },
      /retry: \{ retryIf: \(error\) => … \}/,
    ],
    ["retries that are a number", "a", { retry: 3, run: () => 1 }, /a\.retry: expected an object/],
    [
      "a policy in the words of another library",
      "a",
      { retry: { initialInterval: "1s" }, run: () => 1 },
      /no option "initialInterval"; write base/,
    ],
    ["a limit in other words", "a", { rate: { max: 1 }, run: () => 1 }, /"max"; write limit/],
    ["an option of retries", "a", { maxAttempts: 3, run: () => 1 }, /retry: \{ maxAttempts: 3 \}/],
    ["an option of enqueues", "a", { runIn: "1m", run: () => 1 }, /give it to each enqueue/],
    [
      "tags that are a text",
      "a",
      { tags: "x", run: () => 1 },
      /a\.tags: "x" is not a list of tags/,
    ],
    [
      "metadata that is a text",
      "a",
      { metadata: "x", run: () => 1 },
      /metadata: must be an object/,
    ],
    ["a key without a text", "a", { unique: { mode: "skip" }, run: () => 1 }, /a\.unique\.key/],
    ["a key that is false", "a", { unique: false, run: () => 1 }, /a\.unique: expected an object/],
    ["a handler by another name", "a", { handler: () => 1 }, /the handler is called run/],
    ["a delay that is no function", "a", { retry: { delay: "5s" }, run: () => 1 }, /delay: "5s"/],
    ["a priority above 1000", "a", { priority: 1_001, run: () => 1 }, /0 \(first\) to 1000/],
    ["a broken priority", "a", { priority: 1.5, run: () => 1 }, /not a priority/],
    ["a timeout of 0", "a", { timeout: 0, run: () => 1 }, /use false for no limit/],
    ["an unreadable timeout", "a", { timeout: "2 minutes", run: () => 1 }, /not a duration/],
    ["no crash allowed", "a", { maxCrashes: 0, run: () => 1 }, /at least 1/],
    ["a schema that is none", "a", { input: { parse: () => 1 }, run: () => 1 }, /Standard Schema/],
    ["isolation without a module", "a", { isolation: "thread", run: () => 1 }, /import\.meta\.url/],
    [
      "an isolation that does not exist",
      "a",
      { isolation: "fork", run: () => 1 },
      /inline, thread, process/,
    ],
    ["a module that is no URL", "a", { module: "./jobs.ts", run: () => 1 }, /must be a URL/],
    [
      "a retry option that does not exist",
      "a",
      { retry: { attempts: 3 }, run: () => 1 },
      /maxAttempts/,
    ],
  ])("%s is refused", (_, kind, options, message) => {
    const attempt = (): unknown => defineJob(kind, options as never)
    expect(attempt).toThrow(message)
    expect(attempt).toThrow(expect.objectContaining({ code: "DROVER_CONFIG" }))
  })

  test("definitions are recognised, other objects are not", () => {
    expect(isJobDefinition(defineJob("a", { run: () => 1 }))).toBe(true)
    expect(isJobDefinition({ kind: "a" })).toBe(false)
    expect(isJobDefinition(null)).toBe(false)
  })
})

describe("how types flow", () => {
  const schema = z.object({ key: z.string(), width: z.coerce.number().default(200) })

  test("from the input schema to the caller (its input) and the handler (its output)", () => {
    const job = defineJob("a", {
      input: schema,
      async run({ input }) {
        expectTypeOf(input).toEqualTypeOf<{ key: string; width: number }>()
        return { bytes: input.width }
      },
    })
    expectTypeOf<InputOf<typeof job>["key"]>().toEqualTypeOf<string>()
    expectTypeOf<undefined>().toExtend<InputOf<typeof job>["width"]>()
    expectTypeOf<ResultOfJob<typeof job>>().toEqualTypeOf<{ bytes: number }>()
    expect(job.input).toBe(schema)
  })

  test("outcomes are no part of the result", () => {
    const job = defineJob("a", {
      input: schema,
      run: ({ input }) => (input.width > 9 ? snooze("1m") : { ok: true as const }),
    })
    expectTypeOf<ResultOfJob<typeof job>>().toEqualTypeOf<{ ok: true }>()
    expect(job.kind).toBe("a")
  })

  test("from the handler's annotation where there is no schema", () => {
    const job = defineJob("a", {
      run: async ({ input }: JobContext<{ n: number }>) => `${input.n}`,
    })
    expectTypeOf(job).toEqualTypeOf<JobDefinition<{ n: number }, string>>()
    expect(job.input).toBeNull()
  })

  test("to the function that makes the unique key: what the caller gives", () => {
    const job = defineJob("a", {
      input: schema,
      unique: (input) => {
        expectTypeOf(input.key).toEqualTypeOf<string>()
        expectTypeOf(input.width).toEqualTypeOf<unknown>()
        return { key: input.key, mode: "replace" }
      },
      run: () => 1,
    })
    const annotated = defineJob("b", {
      unique: ({ n }) => `${n}`,
      run: ({ input }: JobContext<{ n: number }>) => input.n,
    })
    expectTypeOf(annotated).toEqualTypeOf<JobDefinition<{ n: number }, number>>()
    expect(job.unique).toBeTypeOf("function")
  })

  test("from the output schema to the result", () => {
    const job = defineJob("a", {
      input: schema,
      output: z.object({ size: z.number() }),
      run: async () => ({ size: 1 }),
    })
    expectTypeOf<ResultOfJob<typeof job>>().toEqualTypeOf<{ size: number }>()
    const output = z.object({ size: z.number() })
    const run = async (): Promise<{ size: string }> => ({ size: "1" })
    // @ts-expect-error -- a handler must return what the output schema takes
    defineJob("b", { input: schema, output, run })
    expect(job.output).not.toBeNull()
  })

  test("a handler that returns nothing has no result, and one without input needs none", () => {
    const job = defineJob("a", { run: async () => {} })
    expectTypeOf<ResultOfJob<typeof job>>().toEqualTypeOf<void>()
    expectTypeOf<InputArguments<InputOf<typeof job>, object>>().toEqualTypeOf<
      [input?: unknown, options?: object]
    >()
    expectTypeOf<InputArguments<{ n: number }, object>>().toEqualTypeOf<
      [input: { n: number }, options?: object]
    >()
    expect(job.output).toBeNull()
  })

  test("with both schemas, the handler returns what the output takes, or an outcome", () => {
    const job = defineJob("a", {
      input: z.object({ path: z.string() }),
      output: z.object({ size: z.coerce.number() }),
      run: async ({ input }) => (input.path === "" ? snooze("1m") : { size: input.path }),
    })
    expectTypeOf<ResultOfJob<typeof job>>().toEqualTypeOf<{ size: number }>()
  })

  test("from type arguments, where somebody would rather say them", () => {
    const job = defineJob<{ n: number }, string>("a", { run: ({ input }) => String(input.n) })
    expectTypeOf(job).toEqualTypeOf<JobDefinition<{ n: number }, string>>()
  })

  test("a mistake is told where it is made, also beside a schema", () => {
    const input = z.object({ n: z.number() })
    const mistakes = [
      () =>
        defineJob("a", {
          input,
          // @ts-expect-error -- a misspelt option
          tiemout: "5m",
          run: () => 1,
        }),
      () =>
        defineJob("a", {
          input,
          // @ts-expect-error -- a key that is no text
          concurrency: { limit: 1, key: (given) => given.n },
          run: () => 1,
        }),
      () =>
        defineJob("a", {
          input,
          retry: {
            // @ts-expect-error -- a list of names, as Temporal has it
            retryIf: ["TypeError"],
          },
          run: () => 1,
        }),
    ]
    // The second is one of types alone: no input is there yet.
    expect(mistakes[0]).toThrow(/did you mean "timeout"/)
    expect(mistakes[1]).not.toThrow()
    expect(mistakes[2]).toThrow(/must be a function/)
    defineJob("a", {
      input,
      output: z.object({ s: z.string() }),
      // @ts-expect-error -- a result that the output schema does not take
      run: (context) => ({ s: context.input.n }),
    })
  })

  test("every definition is a JobDefinition", () => {
    expectTypeOf<JobDefinition<{ n: number }, string>>().toExtend<JobDefinition>()
    const jobs: readonly JobDefinition[] = [
      defineJob("a", { input: schema, run: () => 1 }),
      defineJob("b", { run: ({ input }: JobContext<string>) => input }),
    ]
    expect(jobs).toHaveLength(2)
  })
})
