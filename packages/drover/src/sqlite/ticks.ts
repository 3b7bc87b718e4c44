import type {
  DueSchedules,
  EnqueueOutcome,
  Fenced,
  NewJob,
  ScheduleTick,
  ScheduleTickReply,
  ScheduleTicks,
  ScheduleTrigger,
  TickOutcome,
  TickRecord,
} from "../store/index.ts"
import { stateCode } from "../store/index.ts"
import type { StoreContext } from "./context.ts"
import { enqueueWithin } from "./enqueue.ts"
import { addTicks, findSchedule, toRow } from "./schedules.ts"
import type { StoredSchedule } from "./schedules.ts"
import { fenced } from "./terms.ts"
import type { WriteTx } from "./writeTx.ts"

const FIRST_FINAL_STATE = stateCode("completed")

/** What is due now. See `ScheduleStore.dueSchedules`. */
export function dueSchedules(context: StoreContext, limit: number): Promise<DueSchedules> {
  return context.read("dueSchedules", ({ statements, now }) => {
    const due = statements.all("due_schedules", now, limit).map((row) => toRow(row))
    const holds = statements.first("any_held") !== undefined
    const released = holds ? statements.all("held_schedules", limit).map((row) => toRow(row)) : []
    const next = statements.first("next_schedule", now)?.[0] as number | undefined
    return { now, due, released, holds, nextInMs: next === undefined ? null : next - now }
  })
}

/** Writes ticks. See `ScheduleStore.tickSchedules`. */
export function tickSchedules(
  context: StoreContext,
  request: ScheduleTicks,
): Promise<Fenced<readonly ScheduleTickReply[]>> {
  const { term, ticks } = request
  return fenced<readonly ScheduleTickReply[]>(context, "tickSchedules", term, {
    look: () => (ticks.length === 0 ? [] : "write"),
    write: (tx) => ticks.map((tick) => writeTick(tx, tick)),
    rows: ticks.reduce((rows, { records }) => rows + records.length + 1, 0),
  })
}

/** Enqueues a job that was not planned. See `ScheduleStore.triggerSchedule`. */
export function triggerSchedule(
  context: StoreContext,
  request: ScheduleTrigger,
): Promise<EnqueueOutcome | "not_found"> {
  const { name, job, actor } = request
  return context.write("triggerSchedule", (tx) => {
    const row = findSchedule(tx, name)
    if (row === undefined) return "not_found"
    const outcome = enqueueOne(tx, job)
    if (outcome.status === "repeated") return outcome
    const tick = { at: tx.now, throughAt: tx.now, count: 1, reason: null }
    addTicks(tx, row, [{ ...tick, jobId: outcome.id, actor }])
    return outcome
  })
}

function writeTick(tx: WriteTx, tick: ScheduleTick): ScheduleTickReply {
  const { name, records } = tick
  const row = findSchedule(tx, name)
  const untouched = (status: "repeated" | "stale"): ScheduleTickReply => {
    return { name, status, outcomes: [] }
  }
  if (row === undefined) return untouched("stale")
  if (row.version !== tick.version) return untouched(isThere(tx, row, tick) ? "repeated" : "stale")
  if (records.length > 0 && (row.fireAt === null || row.fireAt > tx.now)) return untouched("stale")
  let moved: MovedSchedule = row
  const outcomes: TickOutcome[] = []
  // Whoever saw the former job end may not have seen it come back: somebody may have retried it since.
  if (tick.release !== null && row.heldAt === tick.release.at && !isUnfinished(tx, row.lastJobId)) {
    const outcome = release(tx, row, tick.release)
    outcomes.push(outcome)
    moved = { ...moved, heldAt: null, lastAt: outcome.at, lastJobId: outcome.job?.id ?? null }
  }
  for (const record of records) {
    const decided = decide(tx, moved, tick, record)
    outcomes.push(decided.outcome)
    moved = decided.moved
  }
  const { heldAt, lastAt, lastJobId } = moved
  const { nextAt, fireAt, failure } = tick
  tx.statements.run(
    "move_schedule",
    ...[nextAt, fireAt, heldAt, lastAt, lastJobId, failure, row.id, row.version],
  )
  const lines = outcomes
    .filter(({ at }) => at !== tick.release?.at)
    .map(({ job, ...rest }) => ({ ...rest, jobId: job?.id ?? null, actor: null }))
  addTicks(tx, row, lines)
  // The pointer is a decision that hangs on the store's time, also where no job was written.
  tx.persistTime()
  return { name, status: "ticked", outcomes }
}

type MovedSchedule = Pick<StoredSchedule, "id" | "heldAt" | "lastAt" | "lastJobId">

function decide(
  tx: WriteTx,
  row: MovedSchedule,
  { overlap }: ScheduleTick,
  { at, throughAt, count, job, reason }: TickRecord,
): { readonly outcome: TickOutcome; readonly moved: MovedSchedule } {
  const skipped = (why: string | null): TickOutcome => {
    return { at, throughAt, count, job: null, reason: why }
  }
  if (job === null) return { outcome: skipped(reason), moved: row }
  if (tx.statements.first("planned_tick", row.id, at) !== undefined) {
    return { outcome: skipped("known"), moved: row }
  }
  if (overlap !== "allow" && isUnfinished(tx, row.lastJobId)) {
    if (overlap === "skip" || row.heldAt !== null) {
      return { outcome: skipped("overlap"), moved: row }
    }
    return { outcome: skipped("held"), moved: { ...row, heldAt: at } }
  }
  const outcome = enqueueOne(tx, job)
  return {
    outcome: { at, throughAt, count, job: outcome, reason: null },
    moved: { ...row, lastAt: at, lastJobId: outcome.id },
  }
}

function release(
  tx: WriteTx,
  row: StoredSchedule,
  { at, job }: { readonly at: number; readonly job: NewJob },
): TickOutcome {
  const outcome = enqueueOne(tx, job)
  tx.statements.run("release_tick", outcome.id, row.id, at)
  return { at, throughAt: at, count: 1, job: outcome, reason: null }
}

// Whether what this tick would write is what was written: then its reply was lost.
function isThere(tx: WriteTx, row: StoredSchedule, { records, release }: ScheduleTick): boolean {
  const wanted = release ?? records.find(({ job }) => job !== null) ?? records[0]
  if (wanted === undefined) return false
  const found = tx.statements.first("planned_tick", row.id, wanted.at)
  if (found === undefined) return false
  const jobId = found[1] as string | null
  return jobId === null ? release === null : jobId === wanted.job?.id
}

function isUnfinished(tx: WriteTx, jobId: string | null): boolean {
  if (jobId === null) return false
  const state = tx.statements.first("schedule_job_state", jobId)?.[0] as number | undefined
  return state !== undefined && state < FIRST_FINAL_STATE
}

function enqueueOne(tx: WriteTx, job: NewJob): EnqueueOutcome {
  return enqueueWithin(tx, [job])[0] as EnqueueOutcome
}
