import { isWaiting, jobStates, stateCode } from "../store/index.ts"
import type { JobPatch, JobState, QueueSettings } from "../store/index.ts"
import type { StoreContext } from "./context.ts"
import { keysText, keysWithout } from "../store/index.ts"
import { LARGEST_INLINE_INPUT, storedTimeout } from "./newJobRow.ts"
import { PRIORITY_STEP, rankOf } from "./queues.ts"
import type { Row } from "./statements.ts"
import { aloneOf, standingOf } from "./tracks.ts"
import type { WriteTx } from "./writeTx.ts"

const SCHEDULED = stateCode("scheduled")
const AVAILABLE = stateCode("available")
const RETRYABLE = stateCode("retryable")

/** Changes a waiting job. See `Store.edit`. */
export function edit(
  context: StoreContext,
  id: string,
  patch: JobPatch,
  actor: string,
): Promise<"edited" | "not_found" | "wrong_state"> {
  return context.write("edit", (tx) => {
    const row = tx.statements.first("edited_job", id)
    if (row === undefined) return "not_found"
    if (!isWaiting(jobStates[row[1] as number] as JobState)) return "wrong_state"
    editWaiting(tx, row, patch, actor)
    return "edited"
  })
}

function editWaiting(tx: WriteTx, row: Row, patch: JobPatch, actor: string): void {
  const [seq, state, attempt, trail, queue, kind, priority, runAt, enqueuedAt] = row as [
    ...[number, number, number, number, string, string, number, number, number],
  ]
  const [expiresAt, maxAttempts, timeout, tags, metadata, retry, crashes, oldKeys] = row.slice(9)
  const dueAt = patch.runAt ?? (patch.delayMs === undefined ? runAt : tx.now + patch.delayMs)
  const isMoved = patch.runAt !== undefined || patch.delayMs !== undefined
  const to = isMoved ? stateDueAt(tx, state, dueAt) : state
  const newQueue = patch.queue ?? queue
  const newPriority = patch.priority ?? priority
  // A due time in the past is kept for display only; the place in the queue counts from the enqueue.
  const orderAt = Math.max(dueAt, enqueuedAt)
  const shiftMs = orderAt - Math.max(runAt, enqueuedAt)
  const moved = tx.addTrail({
    job: seq,
    prev: trail,
    from: state,
    to,
    attempt,
    actor,
    reason: `edited: ${Object.keys(patch).join(", ")}`,
  })
  const lane = tx.lanes.make(tx.statements, newQueue, kind).id
  const rank = rankOf(newPriority, orderAt, tx.queue(newQueue).agingMs)
  const keys = keysAfter(patch, queue, oldKeys as string | null)
  const standing = { seq, lane, rank, crashes: crashes as number, keys }
  tx.statements.run(
    "edit_job",
    lane,
    to,
    rank,
    dueAt,
    newPriority,
    expiresAt === null ? null : (expiresAt as number) + shiftMs,
    patch.maxAttempts ?? (maxAttempts as number),
    patch.timeoutMs === undefined ? (timeout as number | null) : storedTimeout(patch.timeoutMs),
    patch.tags === undefined ? (tags as string | null) : tagsText(patch.tags),
    patch.metadata === undefined ? (metadata as string | null) : patch.metadata,
    patch.retry === undefined ? (retry as string | null) : patch.retry,
    to === AVAILABLE ? standingOf(tx, standing) : aloneOf(standing.crashes),
    keys,
    moved,
    seq,
  )
  if (patch.input !== undefined) setInput(tx, seq, patch.input)
}

// Keys of the queue that a job leaves mean nothing in another one.
function keysAfter(patch: JobPatch, queue: string, old: string | null): string | null {
  if (patch.keys !== undefined) return keysText(patch.keys)
  const isMoved = patch.queue !== undefined && patch.queue !== queue
  return isMoved ? keysWithout(old, "queue", queue) : old
}

// A job that failed before keeps saying so while it waits.
function stateDueAt(tx: WriteTx, before: number, dueAt: number): number {
  if (dueAt <= tx.now) return AVAILABLE
  return before === RETRYABLE ? RETRYABLE : SCHEDULED
}

function tagsText(tags: readonly string[]): string | null {
  return tags.length === 0 ? null : JSON.stringify(tags)
}

function setInput(tx: WriteTx, seq: number, input: string): void {
  const isBig = input.length > LARGEST_INLINE_INPUT
  tx.statements.run("set_input", isBig ? null : input, seq)
  if (isBig) tx.statements.run("add_input", seq, input)
  else tx.statements.run("drop_input", seq)
}

/** Everything that is stored about queues; a queue that was never changed is not in it. */
export function queueSettings(context: StoreContext): Promise<readonly QueueSettings[]> {
  return context.read("queueSettings", ({ statements }) =>
    statements.all("all_queues").map(([queue, pausedAt, slots, agingMs]) => {
      return { queue, paused: pausedAt !== null, slots, agingMs } as QueueSettings
    }),
  )
}

/** Changes what is stored about a queue. See `Store.setQueue`. */
export function setQueue(
  context: StoreContext,
  queue: string,
  change: {
    readonly paused?: boolean
    readonly slots?: number | null
    readonly agingMs?: number | null
  },
  actor: string,
): Promise<QueueSettings> {
  return context.write("setQueue", (tx) => {
    const stored = tx.statements.first("stored_queue", queue) ?? [null, null, null]
    const [pausedBefore, slotsBefore, agingBefore] = stored as [
      number | null,
      number | null,
      number | null,
    ]
    const paused = change.paused ?? pausedBefore !== null
    const slots = change.slots === undefined ? slotsBefore : change.slots
    const agingMs = change.agingMs === undefined ? agingBefore : change.agingMs
    const pausedAt = paused ? (pausedBefore ?? tx.now) : null
    tx.statements.run("put_queue", queue, pausedAt, slots, agingMs, tx.now, actor)
    tx.bumpGeneration()
    if (agingMs !== agingBefore) rerank(tx, queue, agingMs)
    return { queue, paused, slots, agingMs }
  })
}

function rerankTracks(tx: WriteTx, step: number, lane: number): void {
  tx.statements.run("rerank_tracks", step, lane)
  for (const [track] of tx.statements.all("tracks_of_lane", lane)) {
    const first = tx.statements.first("first_of_track", lane, track as number)
    if (first === undefined) continue
    tx.statements.run("rank_track", first[0] as number, first[1] as number, track as number)
  }
}

/** Gives every waiting job of a queue its place by the new rule, in this transaction: no claim ever mixes two. */
function rerank(tx: WriteTx, queue: string, agingMs: number | null): void {
  const step = agingMs ?? PRIORITY_STEP
  for (const [lane, name] of tx.statements.all("all_lanes")) {
    if (name !== queue) continue
    for (const query of ["rerank_ready", "rerank_solo", "rerank_due"] as const) {
      tx.statements.run(query, step, lane as number)
    }
    if (tx.limits.isKeyed(lane as number)) rerankTracks(tx, step, lane as number)
  }
}
