import { describe, expect, test } from "vitest"
import type { JobContext } from "../jobs/define/jobContext.ts"
import { defineJob } from "../jobs/define/jobDefinition.ts"
import type { JobDefinition } from "../jobs/define/jobDefinition.ts"
import { prepareJob } from "../jobs/define/newJobs.ts"
import type { NewJob } from "../store/index.ts"
import { day, Ground } from "./fixtures/ground.ts"
import { schedule } from "./schedule.ts"
import { readEdit } from "./scheduleEdit.ts"
import type { ScheduleEdit } from "./scheduleEdit.ts"
import type { SettingsPatch } from "./scheduleSettings.ts"
import { jobOfTick } from "./tickJob.ts"

interface Input {
  readonly to?: string
}

const report = defineJob("report", {
  ...{ tags: ["a"], metadata: { team: 7 } },
  unique: ({ to }) => to,
  run: ({ input }: JobContext<Input>) => input.to,
})
const daily = { cron: "0 9 * * *", job: report, input: { to: "ann" } } as const

function keyOf(job: NewJob): string | undefined {
  return job.unique === null ? undefined : Buffer.from(job.unique.hash).toString("hex")
}

describe("what a kind says of its jobs", () => {
  test("holds for those of a schedule, with a key that meets the one of other enqueues", () => {
    const { settings } = schedule("s", daily)
    const job = jobOfTick("s", settings, { id: "1", at: 0 })
    expect(job).toMatchObject({ tags: ["a", "schedule:s"], unique: { label: "ann" } })
    expect(JSON.parse(job.metadata!)).toMatchObject({ team: 7, schedule: { name: "s" } })
    const context = { ids: { next: () => "2" }, payloadLimit: 100 }
    const other = prepareJob(report, { to: "ann" }, undefined, context) as NewJob
    expect(keyOf(job)).toBe(keyOf(other))
  })

  test("gives way to what the schedule says", () => {
    const { settings } = schedule("s", { ...daily, tags: ["b"], metadata: {}, unique: false })
    const job = jobOfTick("s", settings, { id: "1", at: 0 })
    expect(job).toMatchObject({ tags: ["b", "schedule:s"], unique: null })
    expect(Object.keys(JSON.parse(job.metadata!) as object)).toEqual(["schedule"])
  })

  test("leaves the text of a schedule without a key as older versions wrote it", () => {
    expect(schedule("s", { ...daily, input: {} }).declared).not.toContain("unique")
  })

  test.each<[string, object, string]>([
    ["a key of its own", { unique: "mine" }, "s.unique: may only be false"],
    ["a null", { unique: null }, "s.unique: may only be false"],
    ["tags that are none", { tags: "a" }, "is not a list of tags"],
  ])("%s of a schedule is refused", (_, options, problem) => {
    expect(() => schedule("s", { ...daily, ...options } as never)).toThrow(problem)
  })

  test("debounce is refused: a tick has no quiet time to wait for", () => {
    const unique = { key: "k", mode: "debounce" } as const
    const job = defineJob("quiet", { unique, run: () => {} })
    expect(() => schedule("s", { every: "1h", job })).toThrow("give the schedule unique: false")
    expect(schedule("s", { every: "1h", job, unique: false }).settings.unique).toBe(false)
    expect(() => schedule("s", { every: "1h", job, unique: false })).not.toThrow()
  })
})

describe("an edit of a schedule", () => {
  function edited(
    edit: ScheduleEdit,
    options: { readonly unique?: false; readonly input?: Input } = {},
    kind: JobDefinition = report,
  ): SettingsPatch {
    const { settings } = schedule("s", { ...daily, ...options })
    return readEdit("s", edit, settings, kind, new Map())
  }

  test("of the input makes the key anew, and none where the new input has none", () => {
    expect(edited({ input: { to: "bob" } })).toMatchObject({ unique: { label: "bob" } })
    expect(edited({ input: {} })).toMatchObject({ unique: null })
    expect(edited({ input: { to: "bob" } }, { input: {} })).toMatchObject({
      unique: { label: "bob" },
    })
  })

  test("takes the key away, and one that was taken away stays so", () => {
    expect(edited({ unique: false })).toEqual({ unique: false })
    expect(edited({ input: { to: "bob" } }, { unique: false })).toMatchObject({ unique: false })
  })

  test("leaves the key alone where it is about something else, or the kind is not known", () => {
    expect(edited({ priority: 1 })).toEqual({ priority: 1 })
    expect(edited({ queue: "slow" }, { input: {} })).toEqual({ queue: "slow" })
    const unknown = defineJob("report", { run: () => "" })
    expect(edited({ input: { to: "bob" } }, {}, unknown)).toMatchObject({
      unique: { label: "ann" },
    })
  })
})

test("a tick finds the job of the one before that still waits, and the history says so", async () => {
  await using ground = new Ground()
  const leader = await ground.process("a")
  await leader.schedules.create(schedule("daily", daily))
  await leader.lead()
  await ground.advance(3 * day)
  const [job, ...others] = await ground.jobs()
  expect(others).toEqual([])
  const ids = (await ground.history()).map(({ jobId }) => jobId)
  expect(ids).toEqual([job!.id, job!.id, job!.id])
  expect(await leader.schedules.trigger("daily")).toBe(job!.id)
  expect(leader.eventsOf("job.deduplicated")).toHaveLength(3)
})
