import { expect, test } from "vitest"
import { openTestStore, testJob } from "./fixtures/openTestStore.ts"

test("a batch of more jobs than a row of the trail holds has one line for each, in their order", async () => {
  await using world = await openTestStore()
  const { store } = world
  const { seq: start } = await store.trailAfter(null, 1)
  const jobs = Array.from({ length: 2_100 }, () => testJob())
  const outcomes = await store.enqueue(jobs)
  expect(outcomes.every(({ status }) => status === "enqueued")).toBe(true)
  const told: string[] = []
  let from = start
  for (;;) {
    const page = await store.trailAfter(from, 1_000)
    if (page.entries.length === 0) break
    told.push(...page.entries.map(({ jobId }) => jobId))
    from = page.seq
  }
  expect(told).toEqual(jobs.map(({ id }) => id))
  // The number that a job's own row has is that of its line.
  const { rows } = await world.client.query(
    "select from job j join trail t on t.seq = j.trail / 1024 and t.jobs[j.trail % 1024 + 1] = j.id",
  )
  expect(rows).toHaveLength(jobs.length)
})
