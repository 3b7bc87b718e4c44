import { assert } from "../errors/index.ts"
import { keptTicks } from "../store/index.ts"
import type {
  HistoryPage,
  ScheduleChange,
  ScheduleChangeReply,
  ScheduleChangeRow,
  ScheduleDeployment,
  ScheduleDeploymentReply,
  SchedulePatch,
  ScheduleRow,
  TickRow,
} from "../store/index.ts"
import type { Connection } from "./connection.ts"
import type { StoreContext } from "./context.ts"
import type { Row } from "./values.ts"

/** A schedule with what only this store knows of it. */
export interface StoredSchedule extends ScheduleRow {
  readonly id: number
  readonly ticks: number
}

/** A line of history as it is written. */
export interface NewTick {
  readonly at: number
  readonly throughAt: number
  readonly count: number | null
  readonly jobId: string | null
  readonly reason: string | null
  readonly actor: string | null
}

// A configuration older than so many newer ones does not come back by accident.
const KEPT_CONFIGS = 1_000
// A change is known by its id, so a write of it may be sent again after a lost reply.
const again = { repeatable: true } as const

/** A change found another version than it had read: nothing of its transaction may stay. */
class Stale extends Error {
  override readonly name = "Stale"
}

/** Lists schedules. See `ScheduleStore.schedules`. */
export async function schedules(
  { database }: StoreContext,
  page: { readonly after: string | null; readonly limit: number },
): Promise<readonly ScheduleRow[]> {
  const values = [page.after ?? "", page.limit]
  const rows = await database.read("schedules", (db) => db.query("schedules_after", values))
  return rows.map((row) => toRow(row))
}

/** One schedule. See `ScheduleStore.schedule`. */
export async function schedule(
  { database }: StoreContext,
  name: string,
): Promise<ScheduleRow | null> {
  const [row] = await database.read("schedule", (db) => db.query("schedule_by_name", [name]))
  return row === undefined ? null : toRow(row)
}

/** Changes one schedule. See `ScheduleStore.changeSchedule`. */
export function changeSchedule(
  { database }: StoreContext,
  change: ScheduleChange,
): Promise<ScheduleChangeReply> {
  const write = async (db: Connection): Promise<ScheduleChangeReply> => {
    const [row] = await lockSchedules(db, [change.name])
    return applyChange(db, row, change)
  }
  return unlessStale(database.write("changeSchedule", write, again), "stale")
}

/** Applies a configuration. See `ScheduleStore.deploySchedules`. */
export function deploySchedules(
  { database }: StoreContext,
  request: ScheduleDeployment,
): Promise<ScheduleDeploymentReply> {
  const { deployment, hash, changes } = request
  const write = async (db: Connection): Promise<ScheduleDeploymentReply> => {
    await db.query("lock_configs")
    const newest = await newestConfig(db, deployment)
    const ruling = await numberOf(db, request, newest)
    if (typeof ruling === "object") return ruling
    const names = changes.map(({ name }) => name)
    const rows = new Map((await lockSchedules(db, names)).map((row) => [row.name, row]))
    for (const change of changes) {
      const reply = await applyChange(db, rows.get(change.name), change)
      if (reply === "stale") throw new Stale()
    }
    if (newest?.generation !== ruling) {
      await db.query("add_config", [deployment, ruling, hash])
      await db.query("forget_configs", [deployment, ruling - KEPT_CONFIGS])
    }
    return { status: "applied", generation: ruling }
  }
  return unlessStale(database.write("deploySchedules", write, again), { status: "stale" as const })
}

/** Removes a schedule. See `ScheduleStore.removeSchedule`. */
export function removeSchedule(
  { database }: StoreContext,
  change: Omit<ScheduleChange, "patch" | "passed">,
): Promise<ScheduleChangeReply> {
  const write = async (db: Connection): Promise<ScheduleChangeReply> => {
    const [row] = await lockSchedules(db, [change.name])
    if (await isNoted(db, change.id)) return "repeated"
    if (row === undefined || row.version !== change.version) return "stale"
    await db.query("delete_schedule", [row.id])
    await db.query("delete_ticks", [row.id])
    await noteChange(db, change)
    return "changed"
  }
  return database.write("removeSchedule", write, again)
}

/** The history of one schedule. See `ScheduleStore.scheduleTicks`. */
export async function scheduleTicks(
  { database }: StoreContext,
  { name, limit, before }: HistoryPage<string>,
): Promise<readonly TickRow[]> {
  const rows = await database.read("scheduleTicks", async (db) => {
    const [row] = await db.query("schedule_by_name", [name])
    if (row === undefined) return []
    const id = toStored(row).id
    return db.query("ticks_before", [id, before ?? Number.MAX_SAFE_INTEGER, limit])
  })
  return rows.map(([n, at, throughAt, count, jobId, reason, actor, recordedAt]) => {
    return { n, at, throughAt, count, jobId, reason, actor, recordedAt } as TickRow
  })
}

/** The list of changes. See `ScheduleStore.scheduleChanges`. */
export async function scheduleChanges(
  { database }: StoreContext,
  { name, limit, before }: HistoryPage<string | null>,
): Promise<readonly ScheduleChangeRow[]> {
  const from = before ?? Number.MAX_SAFE_INTEGER
  const rows = await database.read("scheduleChanges", (db) =>
    name === null
      ? db.query("changes_of_schedules", [from, limit])
      : db.query("changes_of_schedule", [name, from, limit]),
  )
  return rows.map(([seq, of, at, actor, action, detail]) => {
    return { seq, schedule: of, at, actor, action, detail } as ScheduleChangeRow
  })
}

/** The rows of schedules, by name, locked until the transaction ends. */
export async function lockSchedules(
  db: Connection,
  names: readonly string[],
): Promise<readonly (StoredSchedule & { readonly now: number })[]> {
  const rows = await db.query("lock_schedules", [names])
  return rows.map((row) => ({ ...toStored(row), now: row[20] as number }))
}

/** Appends lines of history of a schedule that is locked, and forgets the oldest. */
export async function addTicks(
  db: Connection,
  row: Pick<StoredSchedule, "id" | "ticks">,
  ticks: readonly NewTick[],
): Promise<void> {
  if (ticks.length === 0) return
  await db.query("add_ticks", [ticksText(row, ticks)])
  const written = row.ticks + ticks.length
  await db.query("count_ticks", [written, row.id])
  await db.query("forget_ticks", [row.id, written - keptTicks])
}

/** Lines of history as `add_ticks` takes them. */
export function ticksText(
  { id, ticks }: Pick<StoredSchedule, "id" | "ticks">,
  lines: readonly NewTick[],
): string {
  return JSON.stringify(
    lines.map(({ at, throughAt, count, jobId, reason, actor }, index) => ({
      ...{ schedule: id, n: ticks + index + 1, at, through_at: throughAt, count },
      ...{ job: jobId, reason, actor },
    })),
  )
}

/** Reads a row in the order of its columns. */
export function toStored(row: Row): StoredSchedule {
  return { ...toRow(row), id: row[18] as number, ticks: row[19] as number }
}

/** Like `toStored`, without what only this store knows. */
export function toRow(row: Row): ScheduleRow {
  const [name, version, deployment, declared, changed, anchorAt, nextAt, fireAt, heldAt] = row
  const [pausedAt, retiredAt, deletedAt, failure, lastAt, lastJobId] = row.slice(9)
  const [createdAt, updatedAt, updatedBy] = row.slice(15)
  return {
    ...{ name, version, deployment, declared, changed, anchorAt, nextAt, fireAt, heldAt },
    ...{ pausedAt, retiredAt, deletedAt, failure, lastAt, lastJobId },
    ...{ createdAt, updatedAt, updatedBy },
  } as ScheduleRow
}

async function applyChange(
  db: Connection,
  row: StoredSchedule | undefined,
  change: ScheduleChange,
): Promise<ScheduleChangeReply> {
  const { name, version, patch, passed, actor } = change
  if (await isNoted(db, change.id)) return "repeated"
  if ((row?.version ?? null) !== version) return "stale"
  const values = valuesOf(row, patch)
  if (row === undefined) {
    const [added] = await db.query("add_schedule", [name, ...values, actor])
    if (added === undefined) {
      // Somebody else made it while nothing was there to be locked; it may be this very change, sent twice.
      if (await isNoted(db, change.id)) return "repeated"
      throw new Stale()
    }
    await noteChange(db, change)
    return "changed"
  }
  const [put] = await db.query("put_schedule", [...values, actor, row.id])
  assert(put !== undefined, "the row is locked")
  await noteChange(db, change)
  await addTicks(
    db,
    row,
    passed.map((record) => ({ ...record, jobId: null, actor: null })),
  )
  return "changed"
}

// From `deployment` to `failure`, in the order of the columns; flags as what they will be.
function valuesOf(
  row: StoredSchedule | undefined,
  patch: SchedulePatch,
): (string | number | boolean | null)[] {
  const kept = <K extends keyof SchedulePatch & keyof ScheduleRow>(key: K): ScheduleRow[K] | null =>
    patch[key] === undefined ? (row?.[key] ?? null) : (patch[key] as ScheduleRow[K])
  return [
    kept("deployment"),
    kept("declared"),
    kept("changed") ?? "{}",
    kept("anchorAt"),
    kept("nextAt"),
    kept("fireAt"),
    kept("heldAt"),
    patch.paused ?? (row?.pausedAt ?? null) !== null,
    patch.retired ?? (row?.retiredAt ?? null) !== null,
    patch.deleted ?? (row?.deletedAt ?? null) !== null,
    kept("failure"),
  ]
}

async function isNoted(db: Connection, id: string): Promise<boolean> {
  return (await db.query("schedule_change_by_id", [id])).length > 0
}

async function noteChange(
  db: Connection,
  { id, name, actor, action, detail }: Omit<ScheduleChange, "patch" | "passed">,
): Promise<void> {
  await db.query("add_schedule_change", [id, name, actor, action, detail])
}

// The generation of a configuration, or why it has none.
async function numberOf(
  db: Connection,
  { deployment, hash, number, force }: ScheduleDeployment,
  newest: Config | null,
): Promise<number | ScheduleDeploymentReply> {
  if (newest === null) return number ?? 1
  if (number !== null) {
    if (number === newest.generation && hash !== newest.hash) {
      return { status: "conflict", current: newest.generation }
    }
    if (number >= newest.generation) return number
    return { status: "superseded", generation: number, current: newest.generation }
  }
  if (newest.hash === hash) return newest.generation
  const [row] = await db.query("config_by_hash", [deployment, hash])
  const known = (row?.[0] ?? null) as number | null
  if (known === null || force) return newest.generation + 1
  return { status: "superseded", generation: known, current: newest.generation }
}

interface Config {
  readonly generation: number
  readonly hash: string
}

async function newestConfig(db: Connection, deployment: string): Promise<Config | null> {
  const [row] = await db.query("newest_config", [deployment])
  return row === undefined ? null : { generation: row[0] as number, hash: row[1] as string }
}

async function unlessStale<T>(writing: Promise<T>, stale: T): Promise<T> {
  try {
    return await writing
  } catch (error) {
    if (error instanceof Stale) return stale
    throw error
  }
}
