import { expect } from "vitest"
import type { Rules } from "../rules.ts"
import { change, create, deploy, due, read, record, tick, tickOf } from "../scheduleHands.ts"
import { hour, second } from "../world.ts"

/** Schedules: versions, changes and deployments; every change is kept. */
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
