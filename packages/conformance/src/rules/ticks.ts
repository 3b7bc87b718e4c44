import { expect } from "vitest"
import { keptTicks } from "drover/store"
import type { Rules } from "../rules.ts"
import { change, create, due, read, record, tick, tickOf } from "../scheduleHands.ts"
import { freshToken } from "../testWorker.ts"
import { hour, minute, second, settlements } from "../world.ts"

/** Ticks: pointers move with them, a planned instant is written once, and none is early. */
export const tickRules: Rules = {
  "nothing is due before its time, and then the longest overdue comes first": async (world) => {
    const first = await create(world, "first")
    await world.advance(second)
    await create(world, "later")
    const before = await world.store.dueSchedules(10)
    expect(before).toMatchObject({ due: [], released: [], holds: false })
    expect(before.nextInMs).toBe(first.fireAt! - before.now)
    await world.advance(minute)
    const now = await world.other.dueSchedules(10)
    expect(now.due.map(({ name }) => name)).toEqual(["first", "later"])
    expect(now.nextInMs).toBeNull()
    expect((await world.other.dueSchedules(1)).due).toEqual([await read(world.store, "first")])
  },

  "a tick, its job and the pointer behind it are one write": async (world) => {
    const row = await due(world)
    const entry = tickOf(world, row)
    const [reply] = await tick(world, [entry])
    const jobId = entry.records[0]!.job!.id
    expect(reply).toMatchObject({ name: "digest", status: "ticked" })
    expect(reply!.outcomes).toMatchObject([
      { at: row.nextAt, reason: null, job: { id: jobId, status: "enqueued" } },
    ])
    expect(await world.state(jobId)).toBe("available")
    expect(await read(world.other)).toMatchObject({
      nextAt: entry.nextAt,
      fireAt: entry.fireAt,
      lastAt: row.nextAt,
      lastJobId: jobId,
    })
    const [line] = await world.other.scheduleTicks({ name: "digest", limit: 5, before: null })
    expect(line).toMatchObject({ at: row.nextAt, jobId, reason: null, actor: null, count: 1 })
  },

  "ticks that are sent again are the same ticks": async (world) => {
    const entry = tickOf(world, await due(world))
    await tick(world, [entry])
    const after = await read(world.store)
    const [again] = await world.unchanged(() => tick(world, [entry], world.other))
    expect(again).toMatchObject({ status: "repeated", outcomes: [] })
    expect(await read(world.store)).toEqual(after)
  },

  "of two tickers that read the same, one writes": async (world) => {
    const row = await due(world)
    const replies = await Promise.all([
      tick(world, [tickOf(world, row)]),
      tick(world, [tickOf(world, row)], world.other),
    ])
    expect(
      replies
        .flat()
        .map(({ status }) => status)
        .toSorted(),
    ).toEqual(["stale", "ticked"])
    expect(await world.allJobs()).toHaveLength(1)
  },

  "a tick whose job's key is held becomes the job that holds it, and the next one waits for that":
    async (world) => {
      const row = await due(world)
      const unique = world.unique("k")
      const holder = await world.enqueue({ unique }, world.other)
      const at = row.nextAt!
      const records = [record(world, at, { job: world.job({ unique }) })]
      const [reply] = await tick(world, [tickOf(world, row, { records })])
      const job = { id: holder.id, status: "duplicate" }
      expect(reply).toMatchObject({ status: "ticked", outcomes: [{ at, job, reason: null }] })
      const after = await read(world.store)
      expect(after).toMatchObject({ lastAt: at, lastJobId: holder.id })
      const history = { name: "digest", limit: 5, before: null }
      expect(await world.store.scheduleTicks(history)).toMatchObject([{ at, jobId: holder.id }])
      await world.advance(hour)
      const next = tickOf(world, after, { overlap: "skip" })
      expect(await tick(world, [next])).toMatchObject([{ outcomes: [{ reason: "overlap" }] }])
      expect(await world.allJobs()).toHaveLength(1)
    },

  "ticks that are made up for together overlap no job that has ended, also where it still holds their key":
    async (world) => {
      const states = ["available", "running", "completed"] as const
      const unique = world.unique("k", { states, forMs: hour })
      const { id } = await world.enqueue({ unique })
      const worker = await world.worker()
      await worker.settle(await worker.claimOne(), settlements.completed)
      for (const overlap of ["skip", "queue-one"] as const) {
        const row = await due(world, overlap)
        const records = [0, 1, 2].map((n) =>
          record(world, row.nextAt! + n, { job: world.job({ unique }) }),
        )
        const [reply] = await tick(world, [tickOf(world, row, { records, overlap })])
        const became = { job: { id, status: "duplicate", state: "completed" }, reason: null }
        expect(reply!.outcomes).toMatchObject([became, became, became])
        const after = { lastAt: row.nextAt! + 2, lastJobId: id, heldAt: null }
        expect(await read(world.other, overlap)).toMatchObject(after)
        const history = { name: overlap, limit: 5, before: null }
        const lines = await world.other.scheduleTicks(history)
        expect(lines.map(({ jobId }) => jobId)).toEqual([id, id, id])
      }
      // Once the key is free, the first of them is a job of its own, which the next one meets.
      await world.advance(hour)
      const row = await due(world, "later")
      const records = [0, 1].map((n) =>
        record(world, row.nextAt! + n, { job: world.job({ unique }) }),
      )
      const [reply] = await tick(world, [tickOf(world, row, { records, overlap: "skip" })])
      expect(reply!.outcomes).toMatchObject([
        { job: { status: "enqueued" }, reason: null },
        { job: null, reason: "overlap" },
      ])
    },

  "a tick of an ended term writes nothing": async (world) => {
    const row = await due(world)
    const term = await world.term()
    await world.store.resignTerm(term)
    const ticks = [tickOf(world, row)]
    const late = await world.unchanged(() => world.other.tickSchedules({ term, ticks }))
    expect(late).toBe("term_ended")
    expect(await read(world.store)).toEqual(row)
    const lies = { term: term.term, token: freshToken() }
    expect(await world.store.tickSchedules({ term: lies, ticks })).toBe("term_ended")
  },

  "a tick that is not due yet, or whose schedule rests, is not written": async (world) => {
    const row = await create(world)
    expect(await tick(world, [tickOf(world, row)])).toMatchObject([{ status: "stale" }])
    await world.advance(minute)
    const rest = await change(world, { version: row.version, patch: { fireAt: null } })
    await world.store.changeSchedule(rest)
    const resting = await read(world.store)
    const entry = { ...tickOf(world, row), version: resting.version }
    expect(await tick(world, [entry])).toMatchObject([{ status: "stale" }])
    expect(await tick(world, [{ ...entry, name: "none" }])).toMatchObject([{ status: "stale" }])
    expect(await world.allJobs()).toEqual([])
  },

  "a planned instant is written once for ever, wherever the pointer is put": async (world) => {
    const row = await due(world)
    await tick(world, [tickOf(world, row, { fireAt: row.fireAt, nextAt: row.nextAt })])
    const back = await read(world.store)
    expect(back.nextAt).toBe(row.nextAt)
    const [reply] = await tick(world, [tickOf(world, back)])
    expect(reply).toMatchObject({ status: "ticked", outcomes: [{ job: null, reason: "known" }] })
    expect(await world.allJobs()).toHaveLength(1)
    expect(
      await world.store.scheduleTicks({ name: "digest", limit: 5, before: null }),
    ).toHaveLength(1)
  },

  "several ticks and stretches that are skipped go into one write, in order": async (world) => {
    const row = await due(world)
    const at = row.nextAt!
    const skipped = { job: null, reason: "missed", throughAt: at + 5, count: 6 }
    const records = [record(world, at, skipped), record(world, at + 6), record(world, at + 7)]
    const [reply] = await tick(world, [tickOf(world, row, { records })])
    expect(reply!.outcomes.map(({ reason }) => reason)).toEqual(["missed", null, null])
    const lines = await world.store.scheduleTicks({ name: "digest", limit: 5, before: null })
    expect(lines.map(({ at: of }) => of - at)).toEqual([7, 6, 0])
    expect(await world.store.scheduleTicks({ name: "digest", limit: 5, before: 2 })).toEqual(
      lines.slice(2),
    )
    expect(await read(world.store)).toMatchObject({ lastAt: at + 7 })
  },

  "a tick that must not overlap is skipped while the former job has not ended": async (world) => {
    const row = await due(world)
    await tick(world, [tickOf(world, row, { overlap: "skip" })])
    await world.advance(hour)
    const [skipped] = await tick(world, [
      tickOf(world, await read(world.store), { overlap: "skip" }),
    ])
    expect(skipped!.outcomes).toMatchObject([{ job: null, reason: "overlap" }])
    expect(await read(world.store)).toMatchObject({ lastAt: row.nextAt })
    const worker = await world.worker()
    await worker.settle(await worker.claimOne(), settlements.completed)
    await world.advance(hour)
    const [ran] = await tick(world, [tickOf(world, await read(world.store), { overlap: "skip" })])
    expect(ran!.outcomes).toMatchObject([{ reason: null }])
    expect(await world.allJobs()).toHaveLength(2)
  },

  "a tick that waits for the former job goes on when it has ended, and only one waits": async (
    world,
  ) => {
    const overlap = "queue-one"
    await tick(world, [tickOf(world, await due(world), { overlap })])
    await world.advance(hour)
    const second = await read(world.store)
    const [held] = await tick(world, [tickOf(world, second, { overlap })])
    expect(held!.outcomes).toMatchObject([{ job: null, reason: "held" }])
    expect(await world.store.dueSchedules(10)).toMatchObject({ holds: true, released: [] })
    await world.advance(hour)
    const [third] = await tick(world, [tickOf(world, await read(world.store), { overlap })])
    expect(third!.outcomes).toMatchObject([{ job: null, reason: "overlap" }])
    const worker = await world.worker()
    await worker.settle(await worker.claimOne(), settlements.completed)
    const [row] = (await world.other.dueSchedules(10)).released
    expect(row).toMatchObject({ name: "digest", heldAt: second.nextAt })
    const release = { at: row!.heldAt!, job: world.job() }
    const { nextAt, fireAt } = row!
    const entry = tickOf(world, row!, { records: [], release, nextAt, fireAt, overlap })
    expect(await tick(world, [entry])).toMatchObject([
      { status: "ticked", outcomes: [{ at: second.nextAt, job: { id: release.job.id } }] },
    ])
    expect(await tick(world, [entry], world.other)).toMatchObject([{ status: "repeated" }])
    expect(await read(world.store)).toMatchObject({ heldAt: null, lastAt: second.nextAt })
    const lines = await world.store.scheduleTicks({ name: "digest", limit: 5, before: null })
    expect(lines.map(({ reason }) => reason)).toEqual(["overlap", null, null])
    expect(await world.store.dueSchedules(10)).toMatchObject({ holds: false, released: [] })
  },

  "a tick that waits goes on waiting when the former job came back since somebody looked": async (
    world,
  ) => {
    const overlap = "queue-one"
    const first = tickOf(world, await due(world), { overlap })
    await tick(world, [first])
    await world.advance(hour)
    const { nextAt: heldAt } = await read(world.store)
    await tick(world, [tickOf(world, await read(world.store), { overlap })])
    const worker = await world.worker()
    await worker.settle(await worker.claimOne(), settlements.completed)
    const [row] = (await world.store.dueSchedules(10)).released
    expect((await world.act("retry", [first.records[0]!.job!.id])).changed).toHaveLength(1)
    const release = { at: heldAt!, job: world.job() }
    const { nextAt, fireAt } = row!
    const entry = tickOf(world, row!, { records: [], release, nextAt, fireAt, overlap })
    expect(await tick(world, [entry])).toMatchObject([{ status: "ticked", outcomes: [] }])
    expect(await read(world.store)).toMatchObject({ heldAt })
    expect(await world.store.get(release.job.id)).toBeNull()
    await worker.settle(await worker.claimOne(), settlements.completed)
    expect((await world.store.dueSchedules(10)).released).toMatchObject([{ heldAt }])
  },

  "the end of a schedule and its failure stop it": async (world) => {
    const row = await due(world)
    const over = { nextAt: null, fireAt: null, failure: "its time zone is gone" }
    await tick(world, [tickOf(world, row, { ...over, records: [] })])
    expect(await read(world.other)).toMatchObject(over)
    expect((await world.store.dueSchedules(10)).due).toEqual([])
  },

  "a schedule keeps its newest lines of history": async (world) => {
    const row = await due(world)
    const many = Array.from({ length: keptTicks + 20 }, (_, index) =>
      record(world, row.nextAt! + index, { job: null, reason: "missed" }),
    )
    await tick(world, [tickOf(world, row, { records: many })])
    const lines = await world.store.scheduleTicks({ name: "digest", limit: 5_000, before: null })
    expect(lines).toHaveLength(keptTicks)
    expect(lines[0]?.at).toBe(row.nextAt! + keptTicks + 19)
  },

  "a job that somebody triggers is noted with who, and the pointer stays": async (world) => {
    const row = await create(world)
    const job = world.job()
    const request = { name: "digest", job, actor: "ann" }
    expect(await world.store.triggerSchedule(request)).toMatchObject({ id: job.id })
    expect(await world.other.triggerSchedule(request)).toMatchObject({ status: "repeated" })
    const lines = await world.store.scheduleTicks({ name: "digest", limit: 5, before: null })
    expect(lines).toMatchObject([{ jobId: job.id, actor: "ann" }])
    expect(await read(world.store)).toMatchObject({ nextAt: row.nextAt, version: row.version })
    const absent = { ...request, name: "none", job: world.job() }
    expect(await world.unchanged(() => world.store.triggerSchedule(absent))).toBe("not_found")
  },
}
