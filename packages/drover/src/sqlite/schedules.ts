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
  TickRecord,
  TickRow,
} from "../store/index.ts"
import type { StoreContext } from "./context.ts"
import type { Row } from "./statements.ts"
import type { ReadTx, WriteTx } from "./writeTx.ts"

/** A schedule with what only this store knows of it. */
export interface StoredSchedule extends ScheduleRow {
  readonly id: number
  readonly ticks: number
}

// A configuration older than so many newer ones does not come back by accident.
const KEPT_CONFIGS = 1_000

/** Lists schedules. See `ScheduleStore.schedules`. */
export function schedules(
  context: StoreContext,
  page: { readonly after: string | null; readonly limit: number },
): Promise<readonly ScheduleRow[]> {
  return context.read("schedules", ({ statements }) =>
    statements.all("schedules_after", page.after ?? "", page.limit).map((row) => toRow(row)),
  )
}

/** One schedule. See `ScheduleStore.schedule`. */
export function schedule(context: StoreContext, name: string): Promise<ScheduleRow | null> {
  return context.read("schedule", (tx) => {
    const row = tx.statements.first("schedule_by_name", name)
    return row === undefined ? null : toRow(row)
  })
}

/** Changes one schedule. See `ScheduleStore.changeSchedule`. */
export function changeSchedule(
  context: StoreContext,
  change: ScheduleChange,
): Promise<ScheduleChangeReply> {
  return context.write("changeSchedule", (tx) => applyChange(tx, change), change.passed.length + 1)
}

/** Applies a configuration. See `ScheduleStore.deploySchedules`. */
export function deploySchedules(
  context: StoreContext,
  request: ScheduleDeployment,
): Promise<ScheduleDeploymentReply> {
  const { deployment, hash, changes } = request
  const deploy = (tx: WriteTx): ScheduleDeploymentReply => {
    const ruling = numberOf(tx, request)
    if (typeof ruling === "object") return ruling
    for (const { name, version, id } of changes) {
      const isRepeat = tx.statements.first("schedule_change_by_id", id) !== undefined
      if (!isRepeat && (findSchedule(tx, name)?.version ?? null) !== version) {
        return { status: "stale" }
      }
    }
    for (const change of changes) assert(applyChange(tx, change) !== "stale", "versions were asked")
    if (newestConfig(tx, deployment)?.generation !== ruling) {
      tx.statements.run("add_config", deployment, ruling, hash, tx.now)
      tx.statements.run("forget_configs", deployment, ruling - KEPT_CONFIGS)
      tx.persistTime()
    }
    return { status: "applied", generation: ruling }
  }
  return context.write("deploySchedules", deploy, changes.length + 1)
}

/** Removes a schedule. See `ScheduleStore.removeSchedule`. */
export function removeSchedule(
  context: StoreContext,
  change: Omit<ScheduleChange, "patch" | "passed">,
): Promise<ScheduleChangeReply> {
  return context.write("removeSchedule", (tx) => {
    if (tx.statements.first("schedule_change_by_id", change.id) !== undefined) return "repeated"
    const row = findSchedule(tx, change.name)
    if (row === undefined || row.version !== change.version) return "stale"
    tx.statements.run("delete_schedule", row.id)
    tx.statements.run("delete_ticks", row.id)
    noteChange(tx, change)
    return "changed"
  })
}

/** The history of one schedule. See `ScheduleStore.scheduleTicks`. */
export function scheduleTicks(
  context: StoreContext,
  request: HistoryPage<string>,
): Promise<readonly TickRow[]> {
  return context.read("scheduleTicks", (tx) => {
    const row = findSchedule(tx, request.name)
    if (row === undefined) return []
    const before = request.before ?? Number.MAX_SAFE_INTEGER
    return tx.statements
      .all("ticks_before", row.id, before, request.limit)
      .map(([n, at, throughAt, count, jobId, reason, actor, recordedAt]) => {
        return { n, at, throughAt, count, jobId, reason, actor, recordedAt } as TickRow
      })
  })
}

/** The list of changes. See `ScheduleStore.scheduleChanges`. */
export function scheduleChanges(
  context: StoreContext,
  request: HistoryPage<string | null>,
): Promise<readonly ScheduleChangeRow[]> {
  const { name, limit, before } = request
  const from = before ?? Number.MAX_SAFE_INTEGER
  return context.read("scheduleChanges", ({ statements }) => {
    const rows =
      name === null
        ? statements.all("changes_of_schedules", from, limit)
        : statements.all("changes_of_schedule", name, from, limit)
    return rows.map(([seq, of, at, actor, action, detail]) => {
      return { seq, schedule: of, at, actor, action, detail } as ScheduleChangeRow
    })
  })
}

/** The row of a schedule, as of this transaction. */
export function findSchedule(tx: ReadTx, name: string): StoredSchedule | undefined {
  const row = tx.statements.first("schedule_by_name", name)
  return row === undefined ? undefined : toStored(row)
}

/** Appends lines of history, and forgets the oldest. Planned instants that are there already stay as they are. */
export function addTicks(
  tx: WriteTx,
  row: { readonly id: number; readonly ticks: number },
  records: readonly (Omit<TickRecord, "job"> & {
    readonly jobId: string | null
    readonly actor: string | null
  })[],
): void {
  let n = row.ticks
  for (const { at, throughAt, count, jobId, reason, actor } of records) {
    const line = [row.id, n + 1, at, throughAt, count, jobId, reason, actor, tx.now] as const
    n += tx.statements.run("add_tick", ...line)
  }
  if (n === row.ticks) return
  tx.statements.run("count_ticks", n, row.id)
  tx.statements.run("forget_ticks", row.id, n - keptTicks)
}

/** Notes who changed what. @returns false when this very change was noted before. */
export function noteChange(
  tx: WriteTx,
  change: Pick<ScheduleChange, "id" | "name" | "actor" | "action" | "detail">,
): boolean {
  const { id, name, actor, action, detail } = change
  tx.persistTime()
  const row = tx.statements.first("add_schedule_change", id, name, tx.now, actor, action, detail)
  return row !== undefined
}

function toStored(row: Row): StoredSchedule {
  return { ...toRow(row), id: row[18] as number, ticks: row[19] as number }
}

/** Reads a row in the order of its columns. */
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

function applyChange(tx: WriteTx, change: ScheduleChange): ScheduleChangeReply {
  const { name, version, patch, passed, actor } = change
  if (tx.statements.first("schedule_change_by_id", change.id) !== undefined) return "repeated"
  const row = findSchedule(tx, name)
  if ((row?.version ?? null) !== version) return "stale"
  noteChange(tx, change)
  const values = valuesOf(tx, row, patch)
  if (row === undefined) {
    tx.statements.first("add_schedule", name, ...values, tx.now, tx.now, actor)
    return "changed"
  }
  const put = tx.statements.run("put_schedule", ...values, tx.now, actor, row.id, row.version)
  assert(put === 1, "the version was asked in this transaction")
  addTicks(
    tx,
    row,
    passed.map((record) => ({ ...record, jobId: null, actor: null })),
  )
  return "changed"
}

// From `deployment` to `failure`, in the order of the columns.
function valuesOf(
  tx: WriteTx,
  row: StoredSchedule | undefined,
  patch: SchedulePatch,
): (string | number | null)[] {
  const kept = <K extends keyof SchedulePatch & keyof ScheduleRow>(key: K): ScheduleRow[K] | null =>
    patch[key] === undefined ? (row?.[key] ?? null) : (patch[key] as ScheduleRow[K])
  const since = (flag: boolean | undefined, before: number | null | undefined): number | null => {
    if (flag === undefined) return before ?? null
    return flag ? (before ?? tx.now) : null
  }
  return [
    kept("deployment"),
    kept("declared"),
    kept("changed") ?? "{}",
    kept("anchorAt") ?? tx.now,
    kept("nextAt"),
    kept("fireAt"),
    kept("heldAt"),
    since(patch.paused, row?.pausedAt),
    since(patch.retired, row?.retiredAt),
    since(patch.deleted, row?.deletedAt),
    kept("failure"),
  ]
}

// The generation of a configuration, or why it has none.
function numberOf(
  tx: WriteTx,
  { deployment, hash, number, force }: ScheduleDeployment,
): number | ScheduleDeploymentReply {
  const newest = newestConfig(tx, deployment)
  if (newest === null) return number ?? 1
  if (number !== null) {
    if (number === newest.generation && hash !== newest.hash) {
      return { status: "conflict", current: newest.generation }
    }
    if (number >= newest.generation) return number
    return { status: "superseded", generation: number, current: newest.generation }
  }
  if (newest.hash === hash) return newest.generation
  const known = tx.statements.first("config_by_hash", deployment, hash)?.[0] as number | null
  if (known === null || force) return newest.generation + 1
  return { status: "superseded", generation: known, current: newest.generation }
}

function newestConfig(
  tx: ReadTx,
  deployment: string,
): { readonly generation: number; readonly hash: string } | null {
  const row = tx.statements.first("newest_config", deployment)
  return row === undefined ? null : { generation: row[0] as number, hash: row[1] as string }
}
