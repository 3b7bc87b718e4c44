import { describe, expect, expectTypeOf, test } from "vitest"
import { z } from "zod"
import { limitName } from "../../store/index.ts"
import type { NewJob } from "../../store/index.ts"
import { ManualClock, SeededRng, UuidMaker } from "../../time/index.ts"
import type { JobContext } from "./jobContext.ts"
import { defineJob } from "./jobDefinition.ts"
import { keysAfterEdit } from "./jobEdit.ts"
import { keysFor, resolveLimits, storedKey } from "./limitOptions.ts"
import type { LimitSettings } from "./limitOptions.ts"
import { prepareJob } from "./newJobs.ts"
import type { EnqueueOptions } from "./newJobs.ts"

interface Resize {
  readonly tenantId: string
  readonly host: string
}

const resize = defineJob("resize", {
  concurrency: [
    { limit: 10 },
    { limit: 3, name: "tenant", key: ({ tenantId }) => tenantId },
    { limit: 1, name: "host", key: ({ host }) => host },
  ],
  rate: { limit: 100, per: "1m" },
  fair: { key: ({ tenantId }) => tenantId, weights: { gold: 2 } },
  run: async ({ input }: JobContext<Resize>) => input.host,
})

const ids = new UuidMaker(new ManualClock(), new SeededRng(1))
const queueLimits = new Map([
  ["media", resolveLimits({ rate: { limit: 1, per: 10, key: () => "q" } }, "queue", "media")],
])

function prepare(input: unknown, options?: EnqueueOptions, definition = resize): NewJob {
  const context = { ids, payloadLimit: 1_000, queueLimits }
  return prepareJob(definition as never, input, options, context) as NewJob
}

describe("what a definition may limit", () => {
  test("several limits get names that say whose, what and by which key", () => {
    expect(resize.limits.map((limit) => limitName(limit))).toEqual([
      "kind:resize#concurrency",
      "kind:resize#concurrency.tenant",
      "kind:resize#concurrency.host",
      "kind:resize#rate",
      "kind:resize#fair.key",
    ])
    expect(resize.limits[3]).toMatchObject({ max: 100, perMs: 60_000, weights: null })
    expect(defineJob("a", { concurrency: 4, run: () => 1 }).limits).toMatchObject([
      { max: 4, by: null, key: null },
    ])
    expect(defineJob("a", { run: () => 1 }).limits).toEqual([])
  })

  test("the key is made of what the caller gives, so its type is that of the input", () => {
    defineJob("a", {
      input: z.object({ n: z.coerce.number().default(1), who: z.string() }),
      concurrency: {
        limit: 1,
        key: (input) => {
          expectTypeOf(input.who).toEqualTypeOf<string>()
          return input.who
        },
      },
      run: () => 1,
    })
    expect(resize.kind).toBe("resize")
  })

  test.each<[string, LimitSettings, RegExp]>([
    ["a negative limit", { concurrency: -1 }, /-1 is not a whole number from 0/],
    ["half a job", { concurrency: { limit: 1.5 } }, /1\.5 is not a whole number/],
    ["a limit that is a text", { concurrency: { limit: "3" as never } }, /whole number/],
    ["a rate without a window", { rate: { limit: 3 } as never }, /rate\.per: is needed/],
    ["a window of 0", { rate: { limit: 3, per: 0 } }, /from 1 ms to 31 days/],
    ["concurrency with a window", { concurrency: { limit: 3, per: 5 } as never }, /per/],
    ["a key that is no function", { concurrency: { limit: 3, key: "a" as never } }, /a function/],
    ["a name without a key", { concurrency: { limit: 3, name: "a" } }, /names a key/],
    [
      "a name with a space",
      { concurrency: { limit: 3, key: () => "", name: "a b" } },
      /letters, digits/,
    ],
    ["two keys of one name", { rate: [rate(), rate()] }, /given twice; name the keys/],
    ["fair without a key", { fair: {} as never }, /who shares with whom/],
    ["a weight of 0", { fair: { key: () => "a", weights: { a: 0 } } }, /above 0/],
    ["a misspelt option", { rate: { limt: 1, per: 5 } as never }, /did you mean "limit"/],
  ])("%s is refused", (_, settings, message) => {
    const attempt = (): unknown => defineJob("k", { ...settings, run: () => 1 } as never)
    expect(attempt).toThrow(message)
    expect(attempt).toThrow(expect.objectContaining({ code: "DROVER_CONFIG" }))
  })
})

function rate(): { readonly limit: number; readonly per: string; key(): string } {
  return { limit: 1, per: "1s", key: () => "a" }
}

describe("the keys of a job", () => {
  test("come from its kind and its queue, and are none where there are no limits", () => {
    const input = { tenantId: "t1", host: "h1" }
    const own = [
      { limit: "kind:resize#concurrency.tenant", key: "t1" },
      { limit: "kind:resize#concurrency.host", key: "h1" },
      { limit: "kind:resize#fair.key", key: "t1" },
    ]
    expect(prepare(input).keys).toEqual(own)
    const queued = prepare(input, { queue: "media" }).keys
    expect(queued).toEqual([...own, { limit: "queue:media#rate.key", key: "q" }])
    expect("keys" in prepare(input, {}, defineJob("a", { run: () => 1 }) as never)).toBe(false)
  })

  test("a producer may give them, or exempt a job", () => {
    const unknown = defineJob("other", { run: () => 1 })
    const keys = { "kind:other#rate.tenant": "t1" }
    expect(prepare({}, { keys }, unknown as never).keys).toEqual([
      { limit: "kind:other#rate.tenant", key: "t1" },
    ])
    const exempt = { "kind:resize#concurrency.tenant": null, "kind:resize#fair.key": null }
    expect(prepare({ tenantId: "a", host: "b" }, { keys: exempt }).keys).toEqual([
      { limit: "kind:resize#concurrency.host", key: "b" },
    ])
    expect(() => prepare({}, { keys: { tenant: "a" } })).toThrow(/names no keyed limit/)
  })

  test("a key of any length is kept in at most 125 characters, different for different keys", () => {
    const long = "x".repeat(999)
    expect(storedKey("a".repeat(100))).toBe("a".repeat(100))
    expect(storedKey(`${long}a`)).toHaveLength(125)
    expect(storedKey(`${long}a`)).not.toBe(storedKey(`${long}b`))
    expect(storedKey(storedKey(`${long}a`))).not.toBe(storedKey(`${long}a`))
  })

  test.each<[string, unknown, RegExp]>([
    ["no text", 7, /7 is not a text/],
    ["a promise", Promise.resolve("a"), /a promise is not a text/],
    ["empty", "", /0 characters/],
    ["too long", "x".repeat(1_001), /1001 characters/],
    ["NUL", "a\0b", /NUL/],
    ["half a surrogate", "\ud800", /surrogates/],
  ])("a key that is %s is refused at the enqueue, with the limit's name", (_, key, message) => {
    const job = defineJob("k", {
      concurrency: { limit: 1, key: () => key as string },
      run: () => 1,
    })
    const attempt = (): unknown => prepare({}, {}, job as never)
    expect(attempt).toThrow(message)
    expect(attempt).toThrow(/kind:k#concurrency\.key/)
    expect(attempt).toThrow(expect.objectContaining({ code: "DROVER_LIMIT_KEY" }))
  })

  test("a key function that fails later is refused at once, and ends no process", () => {
    const make = (): string => Promise.reject(new Error("late")) as never
    const limits = resolveLimits({ concurrency: { limit: 1, key: make } }, "kind", "k")
    // Vitest reports every rejection that nobody hears.
    expect(() => keysFor(limits, {}, { kind: "k", queue: "q" })).toThrow(/a promise is not a text/)
  })

  test("a key function that throws is named, with what it threw", () => {
    const thrown = new Error("no tenant")
    const make = (): string => {
      throw thrown
    }
    const limits = resolveLimits({ concurrency: { limit: 1, key: make } }, "kind", "k")
    const attempt = (): unknown => keysFor(limits, {}, { kind: "k", queue: "q" })
    expect(attempt).toThrow(expect.objectContaining({ code: "DROVER_LIMIT_KEY", cause: thrown }))
  })

  test("an edit of input or queue makes them anew, any other edit and an unknown kind leave them", () => {
    const job = { queue: "default", input: { tenantId: "t1", host: "h1" } }
    expect(keysAfterEdit({ priority: 1 }, resize as never, job, queueLimits)).toEqual({})
    expect(keysAfterEdit({ input: {} }, undefined, job, queueLimits)).toEqual({})
    const moved = keysAfterEdit({ queue: "media" }, resize as never, job, queueLimits)
    expect(moved.keys).toHaveLength(4)
    const edit = { input: { tenantId: "t2", host: "h1" } }
    expect(keysAfterEdit(edit, resize as never, job, queueLimits).keys?.[0]?.key).toBe("t2")
  })
})
