import { DatabaseSync } from "node:sqlite"
import { expect, onTestFinished, test } from "vitest"
import { defineJob } from "../jobs/define/jobDefinition.ts"
import { schedule } from "../schedules/index.ts"
import { sqliteShared } from "../sqlite/index.ts"
import { Drover } from "./drover.ts"

test("the jobs of schedules have keys under the limits of their kind and of their queue", async () => {
  const key = (input: unknown): string => (input as { tenant: string }).tenant
  const job = defineJob<{ tenant: string }, null>("mail", {
    queue: "mails",
    concurrency: { limit: 1, name: "own", key },
    run: () => null,
  })
  const exempt = { "queue:mails#fair.key": null }
  const every = "1h"
  const input = { tenant: "t1" }
  const db = new DatabaseSync(":memory:")
  const drover = new Drover({
    store: sqliteShared(db),
    jobs: [job],
    queues: { mails: { fair: { key } }, others: { rate: { limit: 1, per: "1s", key } } },
    schedules: [
      schedule("a", { every, job, input }),
      schedule("exempt", { every, job, input, keys: exempt }),
    ],
  })
  onTestFinished(() => drover.close())
  const keysOf = async (name: string): Promise<unknown> => {
    const id = await drover.schedules.trigger(name)
    const { keys } = db.prepare("select keys from drover_job where id = ?").get(id) as {
      keys: string
    }
    return JSON.parse(keys)
  }
  await drover.deploySchedules()
  const own = "kind:mail#concurrency.own"
  expect(await keysOf("a")).toEqual([
    [own, "t1"],
    ["queue:mails#fair.key", "t1"],
  ])
  expect(await keysOf("exempt")).toEqual([[own, "t1"]])

  await drover.schedules.create(schedule("created", { every, job, input }))
  expect(await keysOf("created")).toEqual(await keysOf("a"))
  await drover.schedules.edit("created", { input: { tenant: "t2" } })
  expect(await keysOf("created"), "an edit of the input makes new ones").toEqual([
    [own, "t2"],
    ["queue:mails#fair.key", "t2"],
  ])
  await drover.schedules.edit("created", { queue: "others" })
  await drover.schedules.edit("created", { input: { tenant: "t3" } })
  expect(await keysOf("created"), "for the queue that it was moved to").toEqual([
    [own, "t3"],
    ["queue:others#rate.key", "t3"],
  ])
})
