import { stateCode } from "../store/index.ts"
import type { ExpiredJob, PruneReply, Retention } from "../store/index.ts"
import type { Connection } from "./connection.ts"

// Pages of the trail that are read to know how much finished jobs take: some ten milliseconds. A trail of a million jobs
// that ran in batches has that many, and their sum is exact.
const SAMPLE_PAGES = 2_000

/** Whether a waiting job's expiry has passed. */
export async function hasExpired(connection: Connection): Promise<boolean> {
  return (await connection.query("has_expired"))[0]?.[0] === true
}

/** Discards waiting jobs whose expiry has passed, at most `limit`. */
export async function expireJobs(
  connection: Connection,
  limit: number,
): Promise<readonly ExpiredJob[]> {
  const rows = await connection.query("expire_jobs", [limit])
  return rows.map(([jobId, kind, queue]) => ({ jobId, kind, queue }) as ExpiredJob)
}

/**
 * Deletes finished jobs that are older than their state may get, and the oldest ones beyond the bytes, with all their
 * traces. `false` keeps for ever.
 */
export async function pruneJobs(
  connection: Connection,
  retention: Retention,
  limit: number,
): Promise<PruneReply> {
  const found = await overdue(connection, retention, limit)
  if (found.length === 0) return { jobs: 0, more: false }
  const locked = await connection.query("lock_finished", [found])
  const ids = locked.map(([id]) => id as string)
  const deleted = await connection.query("delete_jobs", [ids])
  // What is left and could not be locked is for the next turn, not for now.
  const more = deleted.length > 0 && (await overdue(connection, retention, 1)).length > 0
  return { jobs: deleted.length, more }
}

/** The jobs to delete now, at most `limit`. */
export async function overdue(
  connection: Connection,
  retention: Retention,
  limit: number,
): Promise<readonly string[]> {
  const found: string[] = []
  const add = (rows: readonly (readonly unknown[])[]): void => {
    for (const [id] of rows) found.push(id as string)
  }
  const { completedMs, discardedMs, cancelledMs, bytes } = retention
  if (completedMs !== false) add(await connection.query("completed_by_age", [completedMs, limit]))
  for (const [state, ageMs] of [
    ["discarded", discardedMs] as const,
    ["cancelled", cancelledMs] as const,
  ]) {
    const left = limit - found.length
    if (ageMs === false || left === 0) continue
    add(await connection.query("stopped_by_age", [stateCode(state), ageMs, left]))
  }
  if (bytes === false || found.length > 0) return found
  const excess = (await finishedBytes(connection)) - bytes
  if (excess > 0) add(await connection.query("oldest_ended", [excess, limit]))
  return found
}

/** How much finished jobs take, with their payloads. Of a long history an estimate, a few hundredths off. */
export async function finishedBytes(connection: Connection): Promise<number> {
  const [row] = await connection.query("finished_bytes", [SAMPLE_PAGES])
  return row?.[0] as number
}
