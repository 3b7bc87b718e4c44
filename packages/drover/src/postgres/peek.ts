import type { PeekReply, PeekRequest, QueueSettings } from "../store/index.ts"
import type { StoreContext } from "./context.ts"

/** A row of the query `peek`. */
type PeekRow = readonly [
  what: number,
  name: string | null,
  a: number,
  b: number | null,
  c: number | null,
  d: number | null,
  reason: string | null,
]

// What the query says of a lane, in bits.
const ORDINARY = 1
const ALONE = 2
const DUE = 4
const DUE_ALONE = 8

/** What waits for a worker, without writing. See `Store.peek`. One statement, once the lanes are known. */
export async function peek(context: StoreContext, request: PeekRequest): Promise<PeekReply> {
  const lanes = await context.lanes.find(request.queues)
  const all = [...new Set(lanes.flat())]
  const outlooks = all.map((lane) => context.marks.outlook(lane))
  const sentMono = context.database.clock.monotonic()
  const values = [
    request.worker.ref,
    request.worker.token,
    all,
    outlooks.map(([below]) => below),
    outlooks.map(([, from]) => from),
  ]
  const read = { repeatable: true }
  const rows = await context.database.statement("peek", "peek", values, read)
  if (outlooks.some(([below, from]) => below === from)) context.marks.looked(sentMono)
  return replyOf(request, lanes, rows as unknown as readonly PeekRow[])
}

function replyOf(
  request: PeekRequest,
  lanes: readonly (readonly number[])[],
  rows: readonly PeekRow[],
): PeekReply {
  const lease = rows[0]?.[2] ?? 0
  const settings = rows.filter(([what]) => what === 2).map(settingsOf)
  const outlooks = new Map(rows.filter(([what]) => what === 3).map((row) => [row[2], row]))
  const claimable: string[] = []
  let solo = false
  let nextDueInMs: number | null = null
  for (const [index, { queue }] of request.queues.entries()) {
    // An exchange would bring nothing, and asking again at once would go on until the next beat.
    if (lease !== 1) break
    if (settings.some((stored) => stored.queue === queue && stored.paused)) continue
    let bits = 0
    for (const lane of lanes[index] ?? []) {
      const [, , , seen, dueIn] = outlooks.get(lane) as PeekRow
      bits |= seen ?? 0
      if (dueIn !== null && (nextDueInMs === null || dueIn < nextDueInMs)) nextDueInMs = dueIn
    }
    // A job that came due is promoted by the next claim, so until then the first one stands for all of them.
    if ((bits & (ORDINARY | DUE)) !== 0) claimable.push(queue)
    solo ||= (bits & (ALONE | DUE_ALONE)) !== 0
  }
  return {
    claimable,
    solo,
    nextDueInMs,
    cancels: rows.filter(([what]) => what === 1).map(cancelOf),
    settings,
    workerHeld: lease !== 0,
  }
}

function settingsOf([, queue, paused, slots, agingMs]: PeekRow): QueueSettings {
  return { queue: queue as string, paused: paused === 1, slots, agingMs }
}

function cancelOf([, jobId, attempt, , , , reason]: PeekRow): PeekReply["cancels"][number] {
  return { jobId: jobId as string, attempt, reason: reason ?? "cancelled" }
}
