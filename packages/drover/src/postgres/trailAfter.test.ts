import { expect, test } from "vitest"
import { systemClock } from "../time/index.ts"
import { openTestStore, testJob } from "./fixtures/openTestStore.ts"
import type { TestStore } from "./fixtures/openTestStore.ts"
import { connectTest } from "./fixtures/testServer.ts"

/** Follows the trail from a position to where it can be relied on. */
async function follow({ store }: TestStore, from: number): Promise<{ ids: string[]; seq: number }> {
  const ids: string[] = []
  let seq = from
  for (;;) {
    const page = await store.trailAfter(seq, 7)
    if (page.entries.length === 0) return { ids, seq }
    ids.push(...page.entries.map(({ jobId }) => jobId))
    seq = page.seq
  }
}

test("what a transaction wrote that commits late comes late, and nobody who follows misses it", async () => {
  await using world = await openTestStore()
  const { store } = world
  const { seq: start } = await store.trailAfter(null, 1)
  const [early, open, late] = [testJob(), testJob(), testJob()]
  await store.enqueue([early])
  const first = await follow(world, start)
  const user = await connectTest()
  await user.query("begin")
  await store.adopt(user).enqueue([open])
  await store.enqueue([late])
  // The number of the open one is below that of the last one, and nobody can see it yet.
  const before = await follow(world, first.seq)
  await user.query("commit")
  await user.end()
  const after = await follow(world, before.seq)
  expect([first.ids, before.ids, after.ids]).toEqual([[early.id], [], [open.id, late.id]])
})

test("a transaction that rolls back holds nothing up any more", async () => {
  await using world = await openTestStore()
  const { store } = world
  const { seq: start } = await store.trailAfter(null, 1)
  const user = await connectTest()
  await user.query("begin")
  await store.adopt(user).enqueue([testJob()])
  const late = testJob()
  await store.enqueue([late])
  const before = await follow(world, start)
  await user.query("rollback")
  await user.end()
  const after = await follow(world, before.seq)
  expect([before.ids, after.ids]).toEqual([[], [late.id]])
})

test("whoever follows while many write sees each change once, with growing numbers", async () => {
  await using world = await openTestStore()
  await using second = await openTestStore({ schema: world.schema })
  const { seq: start } = await world.store.trailAfter(null, 1)
  const written: string[] = []
  let isOver = false
  const write = async ({ store }: TestStore): Promise<void> => {
    for (let i = 0; i < 30; i++) {
      const jobs = [testJob(), testJob({ kind: "other" })]
      await store.enqueue(jobs)
      await store.act("cancel", { ids: [jobs[0]?.id ?? ""] }, { actor: "a", reason: "r", limit: 1 })
      written.push(...jobs.map(({ id }) => id), jobs[0]?.id ?? "")
    }
  }
  const writing = Promise.all([world, second, world, second].map(write)).then(() => {
    isOver = true
  })
  const seen: string[] = []
  let seq = start
  let isLast = false
  while (!isLast) {
    isLast = isOver
    const page = await second.store.trailAfter(seq, 50)
    for (const entry of page.entries) {
      expect(entry.seq).toBeGreaterThan(seq)
      seq = entry.seq
      seen.push(entry.jobId)
    }
    if (page.entries.length > 0) isLast = false
    else if (!isLast) await systemClock.sleep(1)
  }
  await writing
  expect(seen.toSorted()).toEqual(written.toSorted())
})
