import { expect } from "vitest"
import type {
  ScheduleChange,
  ScheduleDeploymentReply,
  ScheduleRow,
  ScheduleTick,
  ScheduleTickReply,
  Store,
  TickRecord,
} from "drover/store"
import { keptTicks } from "drover/store"
import type { Rules } from "../rules.ts"
import { freshToken } from "../testWorker.ts"
import { hour, minute, second, settlements } from "../world.ts"
import type { World } from "../world.ts"

/** A change of a schedule; without a version it creates it, due in a minute. */
async function change(world: World, over: Partial<ScheduleChange> = {}): Promise<ScheduleChange> {
  const nextAt = (await world.store.now()) + minute
  return {
    id: world.id(),
    name: "digest",
    version: null,
    patch: over.version === undefined ? { changed: "{}", nextAt, fireAt: nextAt } : {},
    passed: [],
    actor: "ann",
    action: over.version === undefined ? "created" : "edited",
    detail: null,
    ...over,
  }
}

/** Creates a schedule that is due in a minute. */
async function create(world: World, name = "digest"): Promise<ScheduleRow> {
  expect(await world.store.changeSchedule(await change(world, { name }))).toBe("changed")
  return read(world.store, name)
}

async function read(store: Store, name = "digest"): Promise<ScheduleRow> {
  const row = await store.schedule(name)
  if (row === null) throw new Error(`schedule ${name} is not there`)
  return row
}

function record(world: World, at: number, over: Partial<TickRecord> = {}): TickRecord {
  return { at, throughAt: at, count: 1, job: world.job(), reason: null, ...over }
}

/** The tick that the schedule's pointer stands on, with the next one an hour later. */
function tickOf(world: World, row: ScheduleRow, over: Partial<ScheduleTick> = {}): ScheduleTick {
  const at = row.nextAt ?? Number.NaN
  return {
    name: row.name,
    version: row.version,
    records: [record(world, at)],
    overlap: "allow",
    nextAt: at + hour,
    fireAt: at + hour,
    release: null,
    failure: null,
    ...over,
  }
}

async function tick(
  world: World,
  ticks: readonly ScheduleTick[],
  store: Store = world.store,
): Promise<readonly ScheduleTickReply[]> {
  const reply = await store.tickSchedules({ term: await world.term(), ticks })
  if (reply === "term_ended") throw new Error("the world leads")
  return reply
}

/** A schedule that has come due. */
async function due(world: World, name = "digest"): Promise<ScheduleRow> {
  const row = await create(world, name)
  await world.advance(minute)
  return row
}

function deploy(
  store: Store,
  hash: string,
  changes: readonly ScheduleChange[] = [],
  over: { readonly number?: number; readonly force?: boolean; readonly deployment?: string } = {},
): Promise<ScheduleDeploymentReply> {
  const { number = null, force = false, deployment = "app" } = over
  return store.deploySchedules({ deployment, hash, number, force, changes })
}

/** Schedules: pointers move with their ticks, a planned instant is written once, and every change is kept. */
export const scheduleRules: Rules = {
  "a schedule is what its changes made it, for every process": async (world) => {
    const row = await create(world)
    expect(row).toMatchObject({ name: "digest", deployment: null, declared: null, changed: "{}" })
    expect(row).toMatchObject({ pausedAt: null, retiredAt: null, deletedAt: null, failure: null })
    expect(await read(world.other)).toEqual(row)
    await create(world, "b")
    await create(world, "a")
    const names = async (after: string | null, limit: number): Promise<readonly string[]> =>
      (await world.other.schedules({ after, limit })).map(({ name }) => name)
    expect(await names(null, 10)).toEqual(["a", "b", "digest"])
    expect(await names(null, 2)).toEqual(["a", "b"])
    expect(await names("b", 10)).toEqual(["digest"])
    expect(await world.store.schedule("none")).toBeNull()
  },

  "a change of what was read is made; of what has changed since, it is not": async (world) => {
    const { version } = await create(world)
    const first = await change(world, { version, patch: { changed: '{"a":1}' } })
    const second = await change(world, { version, patch: { changed: '{"b":1}' } })
    expect(await world.store.changeSchedule(first)).toBe("changed")
    expect(await world.other.changeSchedule(second)).toBe("stale")
    expect(await read(world.store)).toMatchObject({ changed: '{"a":1}' })
    expect(await world.store.changeSchedule(await change(world))).toBe("stale")
    const absent = await change(world, { name: "none", version: 1 })
    expect(await world.store.changeSchedule(absent)).toBe("stale")
  },

  "a change that is sent again is the same change": async (world) => {
    const { version } = await create(world)
    const paused = await change(world, { version, patch: { paused: true }, action: "paused" })
    expect(await world.store.changeSchedule(paused)).toBe("changed")
    const before = await read(world.store)
    expect(await world.other.changeSchedule(paused)).toBe("repeated")
    expect(await read(world.store)).toEqual(before)
    const changes = await world.store.scheduleChanges({ name: "digest", limit: 10, before: null })
    expect(changes.map(({ action }) => action)).toEqual(["paused", "created"])
  },

  "absent fields of a patch stay, and flags keep their first instant": async (world) => {
    const { version, nextAt, anchorAt } = await create(world)
    const on = { paused: true, fireAt: null } as const
    await world.store.changeSchedule(await change(world, { version, patch: on }))
    const paused = await read(world.store)
    expect(paused).toMatchObject({ nextAt, anchorAt, fireAt: null })
    expect(paused.pausedAt).not.toBeNull()
    await world.advance(second)
    const again = { paused: true, failure: "broken" } as const
    await world.store.changeSchedule(await change(world, { version: paused.version, patch: again }))
    const still = await read(world.store)
    expect(still).toMatchObject({ pausedAt: paused.pausedAt, failure: "broken" })
    const off = { paused: false, failure: null, fireAt: nextAt } as const
    await world.store.changeSchedule(await change(world, { version: still.version, patch: off }))
    expect(await read(world.store)).toMatchObject({ pausedAt: null, failure: null, fireAt: nextAt })
  },

  "who changed what is kept, newest first, for one and for all": async (world) => {
    const { version } = await create(world)
    await create(world, "other")
    const edit = await change(world, { version, actor: "bob", detail: '{"cron":"0 9 * * *"}' })
    await world.store.changeSchedule(edit)
    const of = { name: "digest", limit: 10, before: null }
    const [newest, oldest] = await world.other.scheduleChanges(of)
    expect(newest).toMatchObject({ schedule: "digest", actor: "bob", action: "edited" })
    expect(newest).toMatchObject({ detail: '{"cron":"0 9 * * *"}' })
    expect(oldest).toMatchObject({ actor: "ann", action: "created", detail: null })
    const all = await world.store.scheduleChanges({ ...of, name: null })
    expect(all.map(({ schedule }) => schedule)).toEqual(["digest", "other", "digest"])
    const rest = await world.store.scheduleChanges({ ...of, name: null, before: newest!.seq })
    expect(rest).toEqual(all.slice(1))
    expect(await world.store.scheduleChanges({ ...of, limit: 1 })).toEqual([newest])
  },

  "what a change passes over is in the history": async (world) => {
    const { version, nextAt } = await due(world)
    const at = nextAt!
    const passed = [
      record(world, at, { job: null, reason: "paused", throughAt: at + hour, count: null }),
    ]
    await world.store.changeSchedule(await change(world, { version, passed }))
    const [line, ...none] = await world.other.scheduleTicks({
      name: "digest",
      limit: 5,
      before: null,
    })
    expect(line).toMatchObject({ at, throughAt: at + hour, count: null, reason: "paused", n: 1 })
    expect(line).toMatchObject({ jobId: null, actor: null })
    expect(none).toEqual([])
  },

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

  "a configuration is applied whole or not at all": async (world) => {
    const declared = { declared: "{}", deployment: "app" }
    const one = await change(world, { name: "one", patch: declared })
    const stale = await change(world, { name: "two", version: 7, patch: declared })
    expect(await deploy(world.store, "h1", [one, stale])).toEqual({ status: "stale" })
    expect(await world.store.schedule("one")).toBeNull()
    expect(await deploy(world.store, "h1", [one])).toEqual({ status: "applied", generation: 1 })
    expect(await read(world.other, "one")).toMatchObject({ declared: "{}", deployment: "app" })
    expect(await deploy(world.other, "h1", [one])).toEqual({ status: "applied", generation: 1 })
    expect(await read(world.store, "one")).toMatchObject({ version: 1 })
  },

  "an older configuration never comes back by itself, however often it tries": async (world) => {
    const retire = { action: "retired", patch: { retired: true, fireAt: null } }
    await deploy(world.store, "old", [await change(world)])
    const { version } = await read(world.store)
    const newer = [await change(world, { version, ...retire })]
    expect(await deploy(world.other, "new", newer)).toEqual({ status: "applied", generation: 2 })
    for (let round = 0; round < 3; round++) {
      const row = await read(world.store)
      expect(row.retiredAt).not.toBeNull()
      const back = [await change(world, { version: row.version, patch: { retired: false } })]
      const superseded = { status: "superseded", generation: 1, current: 2 }
      expect(await deploy(world.store, "old", back)).toEqual(superseded)
      expect(await deploy(world.other, "new")).toEqual({ status: "applied", generation: 2 })
      expect(await read(world.store)).toEqual(row)
    }
    const forced = await deploy(world.store, "old", [], { force: true })
    expect(forced).toEqual({ status: "applied", generation: 3 })
    expect(await deploy(world.other, "new")).toMatchObject({ status: "superseded", current: 3 })
  },

  "a program that numbers its deployments is taken at its word": async (world) => {
    expect(await deploy(world.store, "a", [], { number: 7 })).toMatchObject({ generation: 7 })
    expect(await deploy(world.store, "b", [], { number: 9 })).toMatchObject({ generation: 9 })
    const older = { status: "superseded", generation: 7, current: 9 }
    expect(await deploy(world.other, "a", [], { number: 7 })).toEqual(older)
    const conflict = { status: "conflict", current: 9 }
    expect(await deploy(world.other, "c", [], { number: 9 })).toEqual(conflict)
    expect(await deploy(world.other, "b", [], { number: 9 })).toMatchObject({ generation: 9 })
    expect(await deploy(world.other, "a", [], { deployment: "another" })).toMatchObject({
      generation: 1,
    })
  },

  "a removed schedule leaves only its changes, and its name is free": async (world) => {
    const row = await due(world)
    await tick(world, [tickOf(world, row)])
    const remove = { id: world.id(), name: "digest", actor: "ann", action: "deleted", detail: null }
    expect(await world.store.removeSchedule({ ...remove, version: row.version })).toBe("stale")
    const { version } = await read(world.store)
    expect(await world.store.removeSchedule({ ...remove, version })).toBe("changed")
    expect(await world.other.removeSchedule({ ...remove, version })).toBe("repeated")
    expect(await world.store.schedule("digest")).toBeNull()
    const history = { name: "digest", limit: 5, before: null }
    expect(await world.store.scheduleTicks(history)).toEqual([])
    const changes = await world.store.scheduleChanges(history)
    expect(changes.map(({ action }) => action)).toEqual(["deleted", "created"])
    await create(world)
    expect(await world.store.scheduleTicks(history)).toEqual([])
  },
}
