import { expect, expectTypeOf, test } from "vitest"
import { z } from "zod"
import { defineJob } from "../jobs/define/jobDefinition.ts"
import { digest } from "./fixtures/ground.ts"
import { isScheduleDefinition, schedule } from "./schedule.ts"

const mail = defineJob("mail", { input: z.object({ to: z.string() }), run: () => {} })

test("the input is typed by the job, and checked by its schema", () => {
  expectTypeOf(schedule<{ to: string }, unknown>)
    .parameter(1)
    .toExtend<{ readonly input: { to: string } }>()
  // @ts-expect-error the job takes an input
  expect(() => schedule("s", { cron: "@daily", job: mail })).toThrow("does not satisfy its schema")
  // @ts-expect-error not of this type
  const wrong = (): unknown => schedule("s", { cron: "@daily", job: mail, input: { to: 7 } })
  expect(wrong).toThrow("does not satisfy its schema")
  expect(isScheduleDefinition(schedule("s", { every: "1m", job: digest }))).toBe(true)
})

test("equal schedules have equal texts, whatever the order of their options", () => {
  const one = schedule("s", { cron: "@daily", job: mail, input: { to: "a" }, queue: "q" })
  const same = schedule("s", { queue: "q", input: { to: "a" }, job: mail, cron: "@daily" })
  expect(same.declared).toBe(one.declared)
  expect(Object.isFrozen(one)).toBe(true)
})

test.each<[object, string]>([
  [{}, "give either cron or every"],
  [{ cron: "@daily", every: "1m" }, "give either cron or every"],
  [{ cron: null }, "cron: must be a text such as"],
  [{ every: null }, "every: null is not a duration"],
  [{ cron: "0 0 30 2 *" }, "no date matches it"],
  [{ cron: "@daily", timeZone: "Europe/Pariss" }, 'did you mean "Europe/Paris"'],
  [{ every: "99ms" }, "at least 100 ms"],
  [{ every: "soon" }, "is not a duration"],
  [{ cron: "@daily", catchUp: "all" }, 'must be "skip", "latest" or { all: N }'],
  [{ cron: "@daily", catchUp: { all: 0 } }, "N from 1 to 1000"],
  [{ cron: "@daily", overlap: "never" }, 'must be one of "allow", "skip", "queue-one"'],
  [{ cron: "@daily", missingHour: "later" }, 'must be one of "run", "skip"'],
  [{ cron: "@daily", doubledHour: "both" }, 'must be one of "once", "twice"'],
  [{ cron: "@daily", endAt: new Date(0), startAt: new Date(1e12) }, "would never run"],
  [{ cron: "@daily", startAt: new Date(Number.NaN) }, "must be a Date"],
  [{ cron: "@daily", catchup: "skip" }, 'did you mean "catchUp"'],
  [{ pattern: "@daily" }, 'no option "pattern"; write cron'],
  [{ cron: "@daily", tz: "UTC" }, 'no option "tz"; write timeZone'],
  [{ cron: "@daily", runIn: "1s" }, 'no option "runIn"'],
  [{ cron: "@daily", tags: ["no spaces"] }, "is not a tag"],
  [{ cron: "@daily", job: {} }, "must be a definition of defineJob"],
])("%o is refused", (options, problem) => {
  expect(() => schedule("s", { job: digest, ...options } as never)).toThrow(problem)
})

test.each(["", "a b", ".a", "x".repeat(91), "a:b", 7])("%j is no name of a schedule", (name) => {
  expect(() => schedule(name as string, { cron: "@daily", job: digest })).toThrow("1 to 90 letters")
})
