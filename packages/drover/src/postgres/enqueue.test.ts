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

test("a batch of jobs that differ has a row of the trail for each state and 1024 jobs, and each job its line", async () => {
  await using world = await openTestStore()
  const jobs = Array.from({ length: 3_000 }, (_, n) =>
    testJob({ priority: n % 3, delayMs: n % 3 === 0 ? 60_000 : 0, tags: [`t${n}`] }),
  )
  const outcomes = await world.store.enqueue(jobs)
  const states = jobs.map(({ delayMs }) => (delayMs === 0 ? "available" : "scheduled"))
  expect(outcomes.map(({ state }) => state)).toEqual(states)
  const own = "select from job j join trail t on t.seq = j.trail / 1024 and t.to_state = j.state"
  const { rows } = await world.client.query(`${own} and t.jobs[j.trail % 1024 + 1] = j.id`)
  expect(rows).toHaveLength(jobs.length)
  const lines = await world.client.query(
    "select to_state as state, cardinality(jobs) as jobs from trail order by 1, seq",
  )
  expect(lines.rows).toEqual([
    { state: 0, jobs: 1_000 },
    { state: 1, jobs: 1_024 },
    { state: 1, jobs: 976 },
  ])
})

test("enqueues that come together share a statement, also when their jobs differ", async () => {
  await using world = await openTestStore()
  const jobs = Array.from({ length: 100 }, (_, n) => testJob({ priority: n % 3, tags: [`t${n}`] }))
  const outcomes = await Promise.all(jobs.map((job) => world.store.enqueue([job])))
  expect(outcomes.flat().map(({ id }) => id)).toEqual(jobs.map(({ id }) => id))
  // The first ones went at once; all others waited for them and went together.
  const { rows } = await world.client.query("select cardinality(jobs) as jobs from trail")
  expect(rows.length).toBeLessThan(10)
  expect(await world.store.count({ tags: ["t99"] }, 10)).toBe(1)
})
