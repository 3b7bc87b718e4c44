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
const LIMITED = 16

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
  const read = { reads: true }
  const rows = await context.database.statement("peek", "peek", values, read)
  if (outlooks.some(([below, from]) => below === from)) context.marks.looked(sentMono)
  const seen = rows as unknown as readonly PeekRow[]
  return replyOf(request, lanes, await obeyLimits(context, all, seen))
}

// A row of peek_limits.
type LimitedRow = readonly [
  ...[lane: number, isOpen: boolean, freeAt: number | null, ordinary: boolean, alone: boolean],
  ...[windowAt: number | null, spread: number | null],
  ...[due: boolean, dueAt: number | null, now: number],
]

/** What no limit lets start now would be asked for again and again. */
async function obeyLimits(
  { database, limited }: StoreContext,
  lanes: readonly number[],
  rows: readonly PeekRow[],
): Promise<readonly PeekRow[]> {
  const names = rows.filter(([what, , , bits]) => what === 3 && ((bits ?? 0) & LIMITED) !== 0)
  const ids = names.map(([, , lane]) => lane)
  limited.seen(lanes, new Set(ids))
  if (ids.length === 0) return rows
  const looks = await database.statement("peek", "peek_limits", [ids], { reads: true })
  const byLane = new Map((looks as unknown as readonly LimitedRow[]).map((row) => [row[0], row]))
  return rows.map((row) => {
    const look = row[0] === 3 ? byLane.get(row[2]) : undefined
    return look === undefined ? row : limitedRow(row, look)
  })
}

function limitedRow([what, name, lane, bits, dueIn, , reason]: PeekRow, look: LimitedRow): PeekRow {
  const [, isOpen, freeAt, ordinary, alone, windowAt, spread, due, dueAt, now] = look
  if (!isOpen) return [what, name, lane, 0, freeAt === null ? null : freeAt - now, spread, reason]
  const waits = ordinary || due || (windowAt !== null && windowAt <= now)
  const more = (waits ? ORDINARY : 0) | (alone ? ALONE : 0)
  const times = [windowAt, dueAt].flatMap((at) => (at !== null && at > now ? [at - now] : []))
  if (dueIn !== null) times.push(dueIn)
  const next = times.length === 0 ? null : Math.min(...times)
  const isWindow = windowAt !== null && next === windowAt - now
  return [what, name, lane, (bits ?? 0) | more, next, isWindow ? spread : null, reason]
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
  let spreadMs = 0
  for (const [index, { queue }] of request.queues.entries()) {
    // An exchange would bring nothing, and asking again at once would go on until the next beat.
    if (lease !== 1) break
    if (settings.some((stored) => stored.queue === queue && stored.paused)) continue
    let bits = 0
    for (const lane of lanes[index] ?? []) {
      const [, , , seen, dueIn, spread] = outlooks.get(lane) as PeekRow
      bits |= seen ?? 0
      if (dueIn !== null && (nextDueInMs === null || dueIn < nextDueInMs)) {
        nextDueInMs = dueIn
        spreadMs = spread ?? 0
      }
    }
    // A job that came due is promoted by the next claim, so until then the first one stands for all of them.
    if ((bits & (ORDINARY | DUE)) !== 0) claimable.push(queue)
    solo ||= (bits & (ALONE | DUE_ALONE)) !== 0
  }
  return {
    claimable,
    solo,
    nextDueInMs,
    ...(spreadMs > 0 && { spreadMs }),
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
