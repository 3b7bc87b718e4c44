import { expect, test } from "vitest"
import type { JobContext } from "../jobs/define/jobContext.ts"
import { defineJob } from "../jobs/define/jobDefinition.ts"
import type { JobDefinition } from "../jobs/define/jobDefinition.ts"
import { createTestDrover } from "../testing/index.ts"
import type { TestDrover } from "../testing/index.ts"
import type { Drover } from "./drover.ts"

const SLOTS = 2

/** As many parents as their queue has slots, each of which awaits a child in a queue. */
function family(childQueue: string): {
  readonly world: TestDrover
  readonly parent: JobDefinition<{ n: number }, string>
  readonly started: string[]
} {
  const started: string[] = []
  const child = defineJob("child", {
    queue: childQueue,
    run: ({ input }: JobContext<{ n: number }>) => {
      started.push(`child ${input.n}`)
      return `child ${input.n}`
    },
  })
  const parent: JobDefinition<{ n: number }, string> = defineJob("parent", {
    retry: { maxAttempts: 1 },
    async run({ input, signal, job }: JobContext<{ n: number }>): Promise<string> {
      started.push(`parent ${input.n}`)
      const made = await drover.enqueue(child, input, { unique: { key: job.id, for: "1d" } })
      return made.result({ signal, timeout: "1m" })
    },
  })
  const queues = { default: { slots: SLOTS } }
  const world = createTestDrover({ jobs: [parent, child], queues })
  const drover: Drover = world.drover
  return { world, parent, started }
}

/** Moves time until all of these have ended, at most for so long. */
async function ended(world: TestDrover, ids: readonly string[], withinMs: number): Promise<void> {
  const ends = async (): Promise<boolean> => {
    await world.clock.settle()
    const jobs = await Promise.all(ids.map((id) => world.drover.get(id)))
    return jobs.every((job) => job !== null && job.finishedAt !== null)
  }
  for (let waitedMs = 0; !(await ends()); waitedMs += 100) {
    expect(waitedMs, "they end in time").toBeLessThanOrEqual(withinMs)
    await world.clock.advance(100)
  }
}

async function enqueueParents(
  { drover }: TestDrover,
  parent: JobDefinition<{ n: number }, string>,
): Promise<readonly string[]> {
  const items = Array.from({ length: SLOTS }, (_, n) => ({ input: { n } }))
  return (await drover.enqueueMany(parent, items)).map(({ id }) => id)
}

test("jobs that await others of their own queue hold the slots those need, until they give up", async () => {
  const { world, parent, started } = family("default")
  await using _ = world
  const ids = await enqueueParents(world, parent)
  await using worker = await world.drover.work({ stopGrace: 0 })
  await ended(world, ids, 61_000)
  expect(started.slice(0, SLOTS)).toEqual(["parent 0", "parent 1"])
  for (const id of ids) {
    const message = expect.stringMatching(/^Job \S+ did not end within 60000 ms/)
    expect(await world.drover.get(id)).toMatchObject({ state: "discarded", error: { message } })
  }
  await world.clock.advance(1_000)
  expect(started.slice(SLOTS).toSorted()).toEqual(["child 0", "child 1"])
  await worker.stopNow()
})

test("in a queue of their own the awaited jobs run, however many jobs await them", async () => {
  const { world, parent } = family("children")
  await using _ = world
  const ids = await enqueueParents(world, parent)
  await using worker = await world.drover.work({ stopGrace: 0 })
  await ended(world, ids, 5_000)
  for (const [n, id] of ids.entries()) {
    expect(await world.drover.get(id)).toMatchObject({ state: "completed", result: `child ${n}` })
  }
  await worker.stopNow()
})
