import { isWaiting, jobStates, keysText, keysWithout, stateCode } from "../store/index.ts"
import type { JobPatch, JobState, QueueSettings } from "../store/index.ts"
import type { Connection } from "./connection.ts"
import type { PostgresDatabase } from "./database.ts"
import { PRIORITY_STEP } from "./rank.ts"
import { isJobId } from "./selectJobs.ts"
import type { BoundValue, Row } from "./values.ts"

const SCHEDULED = stateCode("scheduled")
const AVAILABLE = stateCode("available")
const RETRYABLE = stateCode("retryable")

/** Changes a waiting job. See `Store.edit`. */
export function edit(
  database: PostgresDatabase,
  id: string,
  patch: JobPatch,
  actor: string,
): Promise<"edited" | "not_found" | "wrong_state"> {
  if (!isJobId(id)) return Promise.resolve("not_found")
  return database.write("edit", async (connection) => {
    const [row] = await connection.query("edited_job", [id])
    if (row === undefined) return "not_found"
    if (!isWaiting(jobStates[row[0] as number] as JobState)) return "wrong_state"
    await connection.run("edit_job", editOf(id, row, patch, actor))
    return "edited"
  })
}

/** The values of `edit_job`, in its order. */
function editOf(id: string, row: Row, patch: JobPatch, actor: string): readonly BoundValue[] {
  const [state, , , queue, kind, priority, runAt, enqueuedAt, solo, now, keys] = row as readonly [
    ...[number, number, number, string, string, number, number, number, boolean, number],
    string | null,
  ]
  const dueAt = patch.runAt ?? (patch.delayMs === undefined ? runAt : now + patch.delayMs)
  const isMoved = patch.runAt !== undefined || patch.delayMs !== undefined
  const to = isMoved ? stateDueAt(now, state, dueAt) : state
  // A due time in the past is kept for display only; the place in the queue counts from the enqueue.
  const orderAt = Math.max(dueAt, enqueuedAt)
  const shiftMs = orderAt - Math.max(runAt, enqueuedAt)
  const { tags, timeoutMs, metadata, retry } = patch
  const tagsText = tags === undefined || tags.length === 0 ? null : JSON.stringify(tags)
  return [
    id,
    patch.queue ?? queue,
    kind,
    to,
    waitsFor(to, solo),
    dueAt,
    patch.priority ?? priority,
    orderAt,
    shiftMs,
    patch.maxAttempts ?? null,
    ...[timeoutMs !== undefined, timeoutMs === false ? 0 : (timeoutMs ?? null)],
    ...[tags !== undefined, tagsText],
    ...[metadata !== undefined, metadata ?? null],
    ...[retry !== undefined, retry ?? null],
    patch.input ?? null,
    now,
    actor,
    `edited: ${Object.keys(patch).join(", ")}`,
    keysAfter(patch, queue, keys),
  ]
}

// Keys of the queue that a job leaves mean nothing in another one.
function keysAfter(patch: JobPatch, queue: string, old: string | null): string | null {
  if (patch.keys !== undefined) return keysText(patch.keys)
  const isMoved = patch.queue !== undefined && patch.queue !== queue
  return isMoved ? keysWithout(old, "queue", queue) : old
}

// A job that failed before keeps saying so while it waits.
function stateDueAt(now: number, before: number, dueAt: number): number {
  if (dueAt <= now) return AVAILABLE
  return before === RETRYABLE ? RETRYABLE : SCHEDULED
}

function waitsFor(state: number, solo: boolean): number {
  if (state !== AVAILABLE) return 0
  return solo ? 2 : 1
}

/** Everything that is stored about queues; a queue that was never changed is not in it. */
export async function queueSettings(database: PostgresDatabase): Promise<readonly QueueSettings[]> {
  const rows = await database.read("queueSettings", (connection) => connection.query("all_queues"))
  return rows.map(([queue, pausedAt, slots, agingMs]) => {
    return { queue, paused: pausedAt !== null, slots, agingMs } as QueueSettings
  })
}

/** Changes what is stored about a queue. See `Store.setQueue`. */
export async function setQueue(
  database: PostgresDatabase,
  queue: string,
  change: {
    readonly paused?: boolean
    readonly slots?: number | null
    readonly agingMs?: number | null
  },
  actor: string,
): Promise<QueueSettings> {
  const { paused, slots, agingMs } = change
  const values = [
    ...[queue, paused ?? null],
    ...[slots !== undefined, slots ?? null],
    ...[agingMs !== undefined, agingMs ?? null],
    actor,
  ]
  const { stored, isReranked } = await database.write(
    "setQueue",
    async (connection) => {
      const [row] = await connection.query("put_queue", values)
      const [isPaused, storedSlots, aging, agingBefore] = row as readonly [
        ...[boolean, number | null, number | null, number | null],
      ]
      const isChanged = aging !== agingBefore
      if (isChanged) await rerank(connection, queue, aging)
      const settings = { queue, paused: isPaused, slots: storedSlots, agingMs: aging }
      return { stored: settings, isReranked: isChanged }
    },
    { repeatable: true },
  )
  // Most of those who enqueued by the old rule meanwhile have committed; the leader places the others, see clean.
  if (isReranked) {
    await database.write("setQueue", (connection) => rerank(connection, queue, stored.agingMs), {
      repeatable: true,
    })
  }
  return stored
}

/** Gives every waiting job of a queue its place by the new rule, in this transaction: no claim ever mixes two. */
export async function rerank(
  connection: Connection,
  queue: string,
  agingMs: number | null,
): Promise<void> {
  await connection.run("rerank_waiting", [queue, agingMs ?? PRIORITY_STEP])
}
