import { afterEach, beforeEach, expect, test } from "vitest"
import { DatabaseSync } from "node:sqlite"
import { defineJob } from "../jobs/define/jobDefinition.ts"
import { schedule } from "../schedules/index.ts"
import { sqliteShared } from "../sqlite/index.ts"
import { Drover } from "./drover.ts"
import type { LimitChange } from "./limitAdministration.ts"

const resize = defineJob("resize", {
  concurrency: 4,
  rate: { limit: 100, per: "1m", key: () => "ann" },
  run: () => "done",
})

let db: DatabaseSync
let drover: Drover

beforeEach(() => {
  db = new DatabaseSync(":memory:")
  drover = new Drover({ store: sqliteShared(db), jobs: [resize], actor: "ann" })
})

afterEach(async () => {
  await drover.close()
  db.close()
})

async function view(name: string): Promise<unknown> {
  return (await drover.limits()).find((limit) => limit.name === name)
}

test("what an operator sets is told with the operator's name, and so is that it was taken back", async () => {
  const told: unknown[] = []
  drover.events.on("limit.changed", (data) => told.push(data))
  const name = "kind:resize#concurrency"
  await drover.setLimit(name, { limit: 1 })
  expect(await view(name)).toMatchObject({ setting: { max: 1 }, setBy: "ann" })
  expect(await drover.clearLimit(name)).toBe("cleared")
  expect(await drover.clearLimit(name)).toBe("not_set")
  expect(told).toMatchObject([
    { limit: name, setting: { max: 1 }, by: "ann" },
    { limit: name, by: "ann" },
  ])
})

test("a limit that is set stays in force when code is deployed that declares another", async () => {
  const name = "kind:resize#concurrency"
  await drover.setLimit(name, { limit: 1 })
  const worker = await drover.work()
  await worker.stop()
  expect(await view(name)).toMatchObject({ setting: { max: 1 }, declared: { max: 4 } })
  await drover.clearLimit(name)
  expect(await view(name)).toMatchObject({ setting: { max: 4 }, set: null, setAt: null })
})

test("a client whose start is refused leaves the limits of those that run", async () => {
  await (await drover.work()).stop()
  const rest = { store: sqliteShared(db), schedules: [schedule("s", { every: "1h", job: resize })] }
  await using theirs = new Drover({ ...rest, jobs: [resize], deployment: "theirs" })
  await theirs.deploySchedules()
  const other = defineJob("resize", { concurrency: 9, run: () => "done" })
  await using refused = new Drover({ ...rest, jobs: [other] })
  await expect(refused.work()).rejects.toThrow('deployment "theirs" declares it')
  expect(await view("kind:resize#concurrency")).toMatchObject({ setting: { max: 4 } })
  expect(await view("kind:resize#rate.key")).toMatchObject({ setting: { max: 100 } })
})

test("a rate that no worker has declared yet needs a window", async () => {
  const name = "kind:resize#rate.key"
  await expect(drover.setLimit(name, { limit: 7 })).rejects.toThrow("length of the window")
  await drover.setLimit(name, { limit: 7, per: "2s" })
  await drover.setLimit(name, { limit: 8 })
  expect(await view(name)).toMatchObject({ setting: { max: 8, perMs: 2_000 } })
})

test.each([
  ["resize", { limit: 1 }, "names no limit"],
  ["kind:resize#rate.keys", { limit: 1, per: "1s" }, 'Did you mean "kind:resize#rate.key"'],
  ["kind:resize#concurrency", { limit: -1 }, "whole number"],
  ["kind:resize#concurrency", { limit: 1, per: "1s" }, "belongs to rate"],
  ["kind:resize#concurrency", { weights: { ann: 2 } }, "belongs to fair"],
  ["kind:resize#concurrency", { limits: 1 }, "limit"],
])("%s cannot be set to %j", async (name, change, problem) => {
  await expect(drover.setLimit(name, change as LimitChange)).rejects.toMatchObject({
    code: "DROVER_CONFIG",
    message: expect.stringContaining(problem),
  })
  expect(await view(name)).toBeUndefined()
})
