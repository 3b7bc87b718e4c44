import type { PeekReply, PeekRequest, QueueSettings } from "../store/index.ts"
import type { StoreContext } from "./context.ts"
import { readLanes } from "./laneQueries.ts"
import type { LaneQuery } from "./laneQueries.ts"
import { lookAtLimits, readLimits } from "./limitLook.ts"
import type { ReadTx } from "./writeTx.ts"

// Served by drover_job_due.
const due: LaneQuery = {
  columns: "j.solo",
  where: "state in (0, 3) and run_at <= ?",
  order: "run_at, seq",
}
const later: LaneQuery = {
  columns: "j.run_at",
  where: "state in (0, 3) and run_at > ?",
  order: "run_at, seq",
}

/** A row of lane_outlook. */
type Outlook = readonly [number, number, number | null]

/** What waits for a worker, without writing. See `Store.peek`. One statement for each lane, unless something is due. */
export function peek(context: StoreContext, request: PeekRequest): Promise<PeekReply> {
  return context.read("peek", (tx) => peekWithin(tx, request))
}

function peekWithin(tx: ReadTx, request: PeekRequest): PeekReply {
  const { worker } = request
  const settings = readSettings(tx)
  const lease = readLease(tx, worker.ref as number, worker.token)
  const limits = readLimits(tx)
  const claimable: string[] = []
  let solo = false
  let nextDueAt: number | null = null
  for (const { queue, kinds } of request.queues) {
    // An exchange would bring nothing, and asking again at once would go on until the next beat.
    if (lease !== "valid") break
    if (settings.some((stored) => stored.queue === queue && stored.paused)) continue
    // What no limit lets start now would be asked for again and again.
    const look = lookAtLimits(tx, limits, queue, tx.lanes.ids(tx.statements, queue, kinds))
    const waiting = lookInto(tx, look.open)
    if (waiting.ordinary || look.ordinary) claimable.push(queue)
    solo ||= waiting.solo || look.solo
    for (const at of [waiting.dueAt, look.freeAt]) {
      if (at !== null && (nextDueAt === null || at < nextDueAt)) nextDueAt = at
    }
  }
  return {
    claimable,
    solo,
    nextDueInMs: nextDueAt === null ? null : nextDueAt - tx.now,
    cancels: readCancels(tx, worker.ref as number),
    settings,
    workerHeld: lease !== "lost",
  }
}

function lookInto(
  tx: ReadTx,
  lanes: readonly number[],
): { readonly ordinary: boolean; readonly solo: boolean; readonly dueAt: number | null } {
  const { statements, now } = tx
  let ordinary = false
  let solo = false
  let dueAt: number | null = null
  let isDue = false
  for (const lane of lanes) {
    const [waits, waitsAlone, firstAt] = statements.first(
      "lane_outlook",
      lane,
      lane,
      lane,
    ) as Outlook
    ordinary ||= waits === 1
    solo ||= waitsAlone === 1
    if (firstAt === null) continue
    if (firstAt <= now) isDue = true
    else if (dueAt === null || firstAt < dueAt) dueAt = firstAt
  }
  if (!isDue) return { ordinary, solo, dueAt }
  // A job that came due is promoted by the next claim, so until then the first one stands for all of them.
  const [dueRow] = readLanes(statements, due, lanes, [now], 1)
  const [laterRow] = readLanes(statements, later, lanes, [now], 1)
  return {
    ordinary: true,
    solo: solo || dueRow?.[0] === 1,
    dueAt: laterRow === undefined ? null : (laterRow[0] as number),
  }
}

function readSettings({ statements }: ReadTx): QueueSettings[] {
  return statements.all("read_queues").map(([queue, pausedAt, slots, agingMs]) => ({
    queue: queue as string,
    paused: pausedAt !== null,
    slots: slots as number | null,
    agingMs: agingMs as number | null,
  }))
}

function readCancels({ statements }: ReadTx, worker: number): PeekReply["cancels"] {
  return statements.all("read_cancels", worker).map(([jobId, attempt, reason]) => ({
    jobId: jobId as string,
    attempt: attempt as number,
    reason: (reason as string | null) ?? "cancelled",
  }))
}

function readLease(
  { statements, now }: ReadTx,
  worker: number,
  token: number,
): "valid" | "ended" | "lost" {
  const row = statements.first("claim_worker", worker)
  if (row === undefined || row[0] !== token || row[2] !== null) return "lost"
  return (row[1] as number) > now ? "valid" : "ended"
}
