import { assert } from "../errors/index.ts"
import { readKeys } from "../store/index.ts"
import type { JobKeys } from "../store/index.ts"
import type { Lane } from "./lanes.ts"
import type { ActiveLimit, Limits } from "./limits.ts"
import type { WriteTx } from "./writeTx.ts"

/** A job that becomes available, or is available and changes. */
export interface StandingJob {
  readonly seq: number
  readonly lane: number
  readonly rank: number
  /** A job that crashed before runs alone. */
  readonly crashes: number
  /** drover_job.keys */
  readonly keys: string | null
}

/**
 * Where an available job stands in its lane, for drover_job.solo: 0 among the ordinary ones, 1 among those that run
 * alone, or the number of the track of its keys, which then knows of it.
 */
export function standingOf(tx: WriteTx, job: StandingJob): number {
  const alone = aloneOf(job.crashes)
  if (job.keys === null) return alone
  const found = tx.statements.first("find_track", job.lane, alone, job.keys)
  if (found === undefined) return addTrack(tx, job, alone, job.keys)
  const [id, rank, first] = found as readonly [number, number, number]
  if (job.rank < rank || (job.rank === rank && job.seq < first)) {
    tx.statements.run("rank_track", job.rank, job.seq, id)
  }
  return id
}

/** drover_job.solo of a job that is not available. */
export function aloneOf(crashes: number): 0 | 1 {
  return crashes > 0 ? 1 : 0
}

function addTrack(tx: WriteTx, job: StandingJob, alone: number, keys: string): number {
  if (!tx.limits.isKeyed(job.lane)) {
    tx.statements.run("add_keyed_lane", job.lane)
    tx.bumpGeneration()
  }
  const lane = tx.lanes.byId(tx.statements, job.lane)
  const share = shareOf(tx.limits, lane, readKeys(keys))
  const values = share === undefined ? [0, "", 0] : [share.limit.id, share.key, turnOf(tx, share)]
  const row = tx.statements.first(
    "add_track",
    ...[job.lane, alone, keys, job.rank, job.seq, ...values],
  )
  assert(row !== undefined, "insert returning gives a row")
  return row[0] as number
}

/** The fair limit that a job is subject to, and whose turn it shares: its queue's, or else its kind's. */
export interface Share {
  readonly limit: ActiveLimit
  /** Empty for jobs without a key of this limit. */
  readonly key: string
}

/** Whose turn jobs of a lane with these keys share; `undefined` where nobody takes turns. */
export function shareOf(limits: Limits, lane: Lane, keys: JobKeys): Share | undefined {
  const limit = limits.fair("queue", lane.queue) ?? limits.fair("kind", lane.kind)
  if (limit === undefined) return undefined
  return { limit, key: keys.find(([name]) => name === limit.name)?.[1] ?? "" }
}

/** The turn of a key that comes, or came back from being blocked: nobody saves turns up. */
export function turnOf(tx: WriteTx, { limit, key }: Share): number {
  const own = (tx.statements.first("turn_of_key", limit.id, key)?.[0] as number | undefined) ?? 0
  return Math.max(lastTurnOf(tx, limit), own)
}

/** The turn of the last start under a fair limit. */
export function lastTurnOf({ statements }: WriteTx, limit: ActiveLimit): number {
  return (statements.first("limit_turn", limit.id)?.[0] as number | undefined) ?? 0
}

/** An attempt of a job with these keys ended: what waits for one of them may go on. */
export function freeKeys(tx: WriteTx, keys: string): void {
  for (const [name, key] of readKeys(keys)) {
    const limit = tx.limits.named(name)
    if (limit?.type === "concurrency") tx.statements.run("unblock_key", limit.id, key)
  }
}
