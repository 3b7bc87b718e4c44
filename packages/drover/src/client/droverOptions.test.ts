import { describe, expect, test } from "vitest"
import { defineJob } from "../jobs/define/jobDefinition.ts"
import { sqlite } from "../sqlite/index.ts"
import { resolveOptions } from "./droverOptions.ts"
import type { DroverOptions } from "./droverOptions.ts"
import { checkWorkOptions, chooseQueues } from "./workOptions.ts"

const store = sqlite(":memory:")
const resize = defineJob("resize", { queue: "media", run: () => 1 })

describe("options of a client", () => {
  test("queues that jobs name need not be configured", () => {
    const { queues } = resolveOptions({ store, jobs: [resize], queues: { mail: { slots: 3 } } })
    expect(Object.fromEntries(queues)).toEqual({ mail: { slots: 3 }, media: { slots: 100 } })
  })

  test("the same definition twice is one", () => {
    expect(resolveOptions({ store, jobs: [resize, resize] }).definitions.size).toBe(1)
  })

  test.each<[string, object, RegExp]>([
    ["a misspelt option", { job: [] }, /did you mean "jobs"/],
    ["no database", { store: undefined }, /pass a database such as sqlite/],
    ["a definition instead of a list", { jobs: resize }, /must be a list/],
    ["migrate that is a text", { migrate: "no" }, /migrate: must be true or false, not "no"/],
    ["a logger that is a text", { logger: "pino" }, /logger: .*debug\(\)/],
    ["a clock that is a date", { clock: new Date(0) }, /clock: .*now\(\)/],
    ["a path instead of a database", { store: "app.db" }, /pass a database such as sqlite/],
    ["jobs that are no definitions", { jobs: [{ kind: "a" }] }, /made by defineJob/],
    ["slots that are no number", { queues: { a: { slots: "8" } } }, /whole number from 0/],
    ["a misspelt queue option", { queues: { a: { slot: 8 } } }, /did you mean "slots"/],
    ["a queue name with a space", { queues: { "a b": {} } }, /is not a name/],
    ["a payload limit of 0", { payloadLimit: 0 }, /payloadLimit/],
    [
      "a retention that is no duration",
      { retention: { completed: "3 days" } },
      /retention\.completed/,
    ],
    ["a misspelt retention", { retention: { complete: "3d" } }, /did you mean "completed"/],
    ["a level that is none", { logLevel: "trace" }, /one of debug, info, warn, error, not "trace"/],
    ["slots without their name", { queues: { mail: 10 } }, /got 10; write \{ slots: 10 \}/],
    ["an address where the database belongs", { connection: {} }, /write store: sqlite/],
    ["what belongs to a worker", { stopGrace: "5s" }, /drover\.work\(\{ stopGrace \}\)/],
    ["an actor with an escape sequence", { actor: "\u001b[31mann" }, /printable/],
  ])("%s is refused where the client is made", (_, options, message) => {
    const attempt = (): unknown => resolveOptions({ store, ...options } as DroverOptions)
    expect(attempt).toThrow(message)
    expect(attempt).toThrow(expect.objectContaining({ code: "DROVER_CONFIG" }))
  })

  test("two definitions with the same kind are refused", () => {
    const other = defineJob("resize", { run: () => 2 })
    expect(() => resolveOptions({ store, jobs: [resize, other] })).toThrow(
      expect.objectContaining({ code: "DROVER_DUPLICATE_KIND" }),
    )
  })
})

describe("queues of one worker", () => {
  const configured = new Map([
    ["media", { slots: 8 }],
    ["mail", { slots: 2 }],
  ])

  test("are all of the client's, or those that are chosen, with slots of their own", () => {
    expect(chooseQueues(configured, undefined)).toEqual({ media: { slots: 8 }, mail: { slots: 2 } })
    expect(chooseQueues(configured, ["mail"])).toEqual({ mail: { slots: 2 } })
    expect(chooseQueues(configured, { media: { slots: 1 }, mail: {} })).toEqual({
      media: { slots: 1 },
      mail: { slots: 2 },
    })
  })

  test("a text instead of a list of them is refused, and an option that is none of a worker", () => {
    expect(() => chooseQueues(configured, "mail" as never)).toThrow(/list of names .* not "mail"/)
    expect(() => checkWorkOptions({ concurrency: 5 } as never)).toThrow(/slots: 4/)
    expect(() => checkWorkOptions({ foo: 5 } as never)).toThrow(/known options: .*queues/)
  })

  test("a queue that the client does not know is refused with a suggestion", () => {
    const attempt = (): unknown => chooseQueues(configured, ["mali"])
    expect(attempt).toThrow(/did you mean "mail"/)
    expect(attempt).toThrow(expect.objectContaining({ code: "DROVER_UNKNOWN_QUEUE" }))
  })
})
