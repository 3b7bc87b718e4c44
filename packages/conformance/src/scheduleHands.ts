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
import { hour, minute } from "./world.ts"
import type { World } from "./world.ts"

/** A change of a schedule; without a version it creates it, due in a minute. */
export async function change(
  world: World,
  over: Partial<ScheduleChange> = {},
): Promise<ScheduleChange> {
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
export async function create(world: World, name = "digest"): Promise<ScheduleRow> {
  expect(await world.store.changeSchedule(await change(world, { name }))).toBe("changed")
  return read(world.store, name)
}

export async function read(store: Store, name = "digest"): Promise<ScheduleRow> {
  const row = await store.schedule(name)
  if (row === null) throw new Error(`schedule ${name} is not there`)
  return row
}

export function record(world: World, at: number, over: Partial<TickRecord> = {}): TickRecord {
  return { at, throughAt: at, count: 1, job: world.job(), reason: null, ...over }
}

/** The tick that the schedule's pointer stands on, with the next one an hour later. */
export function tickOf(
  world: World,
  row: ScheduleRow,
  over: Partial<ScheduleTick> = {},
): ScheduleTick {
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

export async function tick(
  world: World,
  ticks: readonly ScheduleTick[],
  store: Store = world.store,
): Promise<readonly ScheduleTickReply[]> {
  const reply = await store.tickSchedules({ term: await world.term(), ticks })
  if (reply === "term_ended") throw new Error("the world leads")
  return reply
}

/** A schedule that has come due. */
export async function due(world: World, name = "digest"): Promise<ScheduleRow> {
  const row = await create(world, name)
  await world.advance(minute)
  return row
}

export function deploy(
  store: Store,
  hash: string,
  changes: readonly ScheduleChange[] = [],
  over: { readonly number?: number; readonly force?: boolean; readonly deployment?: string } = {},
): Promise<ScheduleDeploymentReply> {
  const { number = null, force = false, deployment = "app" } = over
  return store.deploySchedules({ deployment, hash, number, force, changes })
}
