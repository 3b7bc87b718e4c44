import { assert } from "../errors/index.ts"
import { stateCode } from "../store/index.ts"
import type { JobState } from "../store/index.ts"
import { keyLostReason, reclaimKey } from "./reclaimKey.ts"
import { freeKeys, standingOf } from "./tracks.ts"
import type { WriteTx } from "./writeTx.ts"

const RUNNING = stateCode("running")
const AVAILABLE = stateCode("available")

/** Why a worker's jobs are taken from it. */
export interface HandBackCause {
  /** A crash counts against the job and makes it run alone; an interruption does neither. */
  readonly kind: "crash" | "interruption"
  /** For the trail. */
  readonly actor: string | null
  readonly reason: string
}

/** A job that was handed back, and where it is now. */
export interface HandedBack {
  readonly jobId: string
  readonly lane: number
  readonly attempt: number
  readonly crashes: number
  readonly state: JobState
}

interface HeldJob {
  readonly seq: number
  readonly id: string
  readonly lane: number
  readonly trail: number
  readonly attempt: number
  readonly crashes: number
  readonly interruptions: number
  readonly maxCrashes: number
  readonly cancelReason: string | null
  readonly hash: Uint8Array | null
  readonly states: number | null
  readonly until: number | null
  readonly rank: number
  readonly keys: string | null
}

/**
 * Takes up to `limit` running jobs from a worker: they wait again, in the place they had, unless a cancel
 * was requested, the crash budget is spent or another job holds their unique key by now.
 */
export function handBack(
  tx: WriteTx,
  worker: number,
  cause: HandBackCause,
  limit: number,
): HandedBack[] {
  return tx.statements.all("jobs_of_worker", worker, limit).map((row) => {
    const [seq, id, lane, trail, attempt, crashes, interruptions, maxCrashes] = row
    const [cancelAt, cancelReason, hash, states, until, rank, keys] = row.slice(9)
    const job = {
      seq,
      id,
      lane,
      trail,
      attempt,
      crashes,
      interruptions,
      maxCrashes,
      hash,
      states,
      until,
      rank,
      keys,
      cancelReason: cancelAt === null ? null : (cancelReason ?? "cancelled"),
    } as HeldJob
    return handBackOne(tx, worker, job, cause)
  })
}

function handBackOne(tx: WriteTx, worker: number, job: HeldJob, cause: HandBackCause): HandedBack {
  const isCrash = cause.kind === "crash"
  const crashes = job.crashes + (isCrash ? 1 : 0)
  const interruptions = job.interruptions + (isCrash ? 0 : 1)
  const end = endOf(tx, job, crashes, isCrash)
  const to = stateCode(end?.state ?? "available")
  const reason = end?.reason ?? cause.reason
  const { seq, attempt } = job
  const trail = tx.addTrail({
    job: seq,
    prev: job.trail,
    from: RUNNING,
    to,
    attempt,
    worker,
    reason,
    actor: cause.actor,
  })
  if (end === undefined) {
    const solo = standingOf(tx, { ...job, crashes })
    tx.statements.run("hand_back_job", crashes, interruptions, solo, reason, trail, seq, worker)
  } else {
    endJob(tx, { seq, from: RUNNING, to, crashes, interruptions, reason, trail })
  }
  if (job.keys !== null) freeKeys(tx, job.keys)
  return { jobId: job.id, lane: job.lane, attempt, crashes, state: end?.state ?? "available" }
}

function endOf(
  tx: WriteTx,
  job: HeldJob,
  crashes: number,
  isCrash: boolean,
): { readonly state: "cancelled" | "discarded"; readonly reason: string } | undefined {
  if (job.cancelReason !== null) return { state: "cancelled", reason: job.cancelReason }
  if (isCrash && crashes >= job.maxCrashes) return { state: "discarded", reason: "crashed" }
  const key = { job: job.seq, hash: job.hash, states: job.states, until: job.until }
  if (!reclaimKey(tx, key, AVAILABLE)) return { state: "cancelled", reason: keyLostReason }
  return undefined
}

/** Writes the end of a job whose trail entry was added, and counts its bytes. */
export function endJob(
  tx: WriteTx,
  end: {
    readonly seq: number
    readonly from: number
    readonly to: number
    readonly crashes: number
    readonly interruptions: number
    readonly reason: string
    readonly trail: number
  },
): void {
  const { seq, from, to, crashes, interruptions, reason, trail } = end
  const row = tx.statements.first(
    "end_job",
    to,
    crashes,
    interruptions,
    tx.now,
    reason,
    trail,
    seq,
    from,
  )
  assert(row !== undefined, "a job that was read under the write lock is still as it was read")
  tx.addFinishedBytes(row[0] as number)
}
