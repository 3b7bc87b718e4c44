import fc from "fast-check"
import { expect } from "vitest"
import { jobStates } from "drover/store"
import type { JobRow, JobSelection, NewJob } from "drover/store"
import type { Rules } from "../rules.ts"
import { hour, minute, second } from "../world.ts"
import type { World } from "../world.ts"

const kinds = ["a", "b", "c"] as const
const queues = ["default", "media"] as const
const tags = ["x", "y", "z"] as const
const day = 24 * hour

/** What a selection means, written down a second time. */
function selects(selection: JobSelection, row: JobRow): boolean {
  const { ids, kinds, queues, states, uniqueKey, enqueuedBefore, enqueuedAfter } = selection
  return (
    (ids === undefined || ids.includes(row.id)) &&
    (kinds === undefined || kinds.includes(row.kind)) &&
    (queues === undefined || queues.includes(row.queue)) &&
    (states === undefined || states.includes(row.state)) &&
    (selection.tags ?? []).every((tag) => row.tags.includes(tag)) &&
    (uniqueKey === undefined || row.uniqueKey === uniqueKey) &&
    (enqueuedBefore === undefined || row.enqueuedAt < enqueuedBefore) &&
    (enqueuedAfter === undefined || row.enqueuedAt >= enqueuedAfter)
  )
}

/** Jobs of every state, kind and queue, enqueued at different times. */
async function zoo(world: World): Promise<readonly JobRow[]> {
  for (const [index, state] of [...jobStates, ...jobStates].entries()) {
    await world.jobIn(state, {
      kind: `${kinds[index % 3]}.${state}`,
      queue: queues[index % 2] ?? "default",
      tags: tags.filter((_, bit) => ((index >> bit) & 1) === 1),
      unique: index % 4 === 0 ? world.unique(`key ${index}`) : null,
    })
    await world.advance(second)
  }
  return world.allJobs()
}

function anySelection(rows: readonly JobRow[]): fc.Arbitrary<JobSelection> {
  const some = <T>(values: readonly T[]): fc.Arbitrary<T[]> => fc.subarray([...values])
  const at = fc.constantFrom(...rows.flatMap(({ enqueuedAt }) => [enqueuedAt, enqueuedAt + 1]))
  return fc.record(
    {
      ids: some([...rows.map(({ id }) => id), "019b0000-0000-7000-8000-ffffffffffff"]),
      kinds: some(rows.map(({ kind }) => kind)),
      queues: some([...queues, "nowhere"]),
      states: some(jobStates),
      tags: some([...tags, "none"]),
      uniqueKey: fc.constantFrom("key 0", "key 4", "key 8", "no key"),
      enqueuedBefore: at,
      enqueuedAfter: at,
    },
    { requiredKeys: [] },
  )
}

/** Questions: complete, stable, and exactly what the selection says. */
export const questionRules: Rules = {
  "a job that is not there is null, an empty trail and an empty log": async (world) => {
    const id = world.id()
    expect(await world.store.get(id)).toBeNull()
    expect(await world.store.trail(id)).toEqual([])
    expect(await world.store.log(id)).toEqual({ lines: [], dropped: 0 })
    expect(await world.store.finished([id])).toEqual([])
  },

  "a list is newest first, and get says the same as list": async (world) => {
    await zoo(world)
    const { jobs } = await world.other.list({}, { limit: 100, after: null })
    expect(jobs.map(({ id }) => id)).toEqual(
      jobs
        .map(({ id }) => id)
        .toSorted()
        .toReversed(),
    )
    for (const row of jobs) expect(await world.get(row.id)).toEqual(row)
  },

  "any selection lists and counts what an independent filter finds": async (world) => {
    const rows = await zoo(world)
    const rule = fc.asyncProperty(
      anySelection(rows),
      fc.integer({ min: 1, max: 6 }),
      fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
      async (selection, limit, look) => {
        const expected = rows.filter((row) => selects(selection, row)).map(({ id }) => id)
        expect(await listed(world, selection, limit, look)).toEqual(expected.toReversed())
        expect(await world.store.count(selection, 1_000)).toBe(expected.length)
        expect(await world.store.count(selection, 3)).toBe(Math.min(3, expected.length))
      },
    )
    await fc.assert(rule, { numRuns: 150, seed: 7 })
  },

  "an empty list of an option selects nothing": async (world) => {
    await world.enqueue()
    for (const empty of [{ ids: [] }, { kinds: [] }, { queues: [] }, { states: [] }]) {
      expect(await world.store.count(empty, 10), JSON.stringify(empty)).toBe(0)
    }
    expect(await world.store.count({ tags: [] }, 10)).toBe(1)
  },

  "pages are complete and without repeats while others enqueue, settle and delete": async (
    world,
  ) => {
    const jobs = world.jobs(40)
    await world.store.enqueue(jobs)
    const worker = await world.worker()
    const deleted = jobs.slice(2, 4).map(({ id }) => id)
    const seen: string[] = []
    let after: string | null = null
    do {
      const page = await world.store.list({}, { limit: 7, after })
      seen.push(...page.jobs.map(({ id }) => id))
      after = page.next
      await world.other.enqueue(world.jobs(3))
      await worker.settle(await worker.claimOne(), { to: "completed", result: null })
      await world.act("delete", deleted, world.other)
    } while (after !== null)
    const expected = jobs.map(({ id }) => id).filter((id) => !deleted.includes(id))
    expect(seen.filter((id) => !deleted.includes(id))).toEqual(expected.toReversed())
    expect(new Set(seen).size).toBe(seen.length)
  },

  "a page for rare jobs looks at so many only, and the next ones go on": async (world) => {
    await world.store.enqueue([world.job({ tags: ["rare"] }), ...world.jobs(9)])
    const found: number[] = []
    let after: string | null = null
    do {
      const page = await world.store.list({ tags: ["rare"] }, { limit: 5, after, look: 3 })
      found.push(page.jobs.length)
      after = page.next
    } while (after !== null)
    expect(found.slice(0, 4)).toEqual([0, 0, 0, 1])
  },

  "the jobs of a span of time come first, however many are later, and then those whose ids say another time":
    async (world) => {
      // Ids of the time at which they are enqueued, but for two that were made long before and long after it.
      let made = 0
      const jobAt = (atMs: number): NewJob => {
        const hex = atMs.toString(16).padStart(12, "0")
        const end = (++made).toString(16).padStart(12, "0")
        return world.job({ id: `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${end}` })
      }
      const early = await world.store.now()
      const first = [jobAt(early), jobAt(early), jobAt(early + 2 * day)]
      await world.store.enqueue(first)
      await world.advance(day)
      const late = await world.store.now()
      const last = [...Array.from({ length: 20 }, () => jobAt(late)), jobAt(early - day)]
      await world.store.enqueue(last)
      const before = { enqueuedBefore: early + 1 }
      const page = await world.store.list(before, { limit: 10, after: null, look: 5 })
      const shown = page.jobs.map(({ id }) => id)
      expect(shown).toEqual(expect.arrayContaining(first.slice(0, 2).map(({ id }) => id)))
      for (const [span, jobs] of [
        [before, first],
        [{ enqueuedAfter: late }, last],
        [{ enqueuedAfter: early, enqueuedBefore: late }, first],
      ] as const) {
        for (const look of [undefined, 5]) {
          const ids = await listed(world, span, 4, look)
          expect(ids.toSorted()).toEqual(jobs.map(({ id }) => id).toSorted())
          expect(await world.store.count(span, 100)).toBe(jobs.length)
        }
      }
    },

  "a page that fits exactly is followed by nothing": async (world) => {
    await world.store.enqueue(world.jobs(6))
    const first = await world.store.list({}, { limit: 3, after: null })
    const rest = await world.store.list({}, { limit: 3, after: first.next })
    expect(rest.jobs).toHaveLength(3)
    if (rest.next !== null) {
      const end = await world.store.list({}, { limit: 3, after: rest.next })
      expect(end).toEqual({ jobs: [], next: null })
    }
  },

  "finished tells those that are finished, and how": async (world) => {
    const ids: string[] = []
    for (const state of jobStates) ids.push(await world.jobIn(state, { kind: state }))
    const ended = await world.other.finished([...ids, world.id(), ids[4] ?? ""])
    const states = new Map(ended.map(({ id, state }) => [id, state]))
    expect(states).toEqual(
      new Map([
        [ids[4], "completed"],
        [ids[5], "discarded"],
        [ids[6], "cancelled"],
      ]),
    )
    expect(ended.find(({ state }) => state === "completed")).toMatchObject({
      result: "1",
      error: null,
    })
    const discarded = ended.find(({ state }) => state === "discarded")
    expect(discarded).toMatchObject({ reason: "failed", error: { name: "E", message: "x" } })
  },

  "finished takes as many ids as somebody waits for": async (world) => {
    const jobs = world.jobs(2_000)
    await world.store.enqueue(jobs)
    const ids = jobs.map(({ id }) => id)
    await world.store.act("cancel", {}, { actor: "a", reason: "r", limit: 1_999 })
    expect(await world.store.finished(ids)).toHaveLength(1_999)
  },

  "the doctor finds a healthy store healthy": async (world) => {
    const checks = await world.store.doctor()
    expect(checks.length).toBeGreaterThan(0)
    expect(checks.filter(({ status }) => status === "fail")).toEqual([])
    expect(new Set(checks.map(({ check }) => check)).size).toBe(checks.length)
  },

  "the time of both processes is one time": async (world) => {
    const first = await world.store.now()
    await world.advance(minute)
    const second = await world.other.now()
    expect(second - first).toBe(minute)
    expect(await world.store.now()).toBeGreaterThanOrEqual(second)
  },
}

/** All pages of a selection. */
async function listed(
  world: World,
  selection: JobSelection,
  limit: number,
  look?: number,
): Promise<string[]> {
  const ids: string[] = []
  let after: string | null = null
  do {
    const page = await world.store.list(selection, {
      ...{ limit, after },
      ...(look !== undefined && { look }),
    })
    expect(page.jobs.length).toBeLessThanOrEqual(limit)
    ids.push(...page.jobs.map(({ id }) => id))
    after = page.next
  } while (after !== null)
  return ids
}
