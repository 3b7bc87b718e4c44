import { assert } from "../errors/index.ts"
import { jobStates } from "../store/index.ts"
import type {
  JobState,
  NewWorker,
  RescuedJob,
  RescueRequest,
  WorkerRef,
  WorkerRow,
} from "../store/index.ts"
import type { Connection } from "./connection.ts"
import type { StoreContext } from "./context.ts"
import type { Row } from "./values.ts"

const LEAST_BEAT_MS = 500

// As many jobs in one transaction.
const BATCH = 500
// A claim whose last job was not settled by the process that made it is looked through after this.
const IDLE_CLAIM_MS = 600_000

/** Adds a worker's row with its first lease. Sent twice, it is one registration. */
export async function registerWorker(context: StoreContext, worker: NewWorker): Promise<WorkerRef> {
  const { workerId, token, leaseMs, host, pid, info } = worker
  const again = { repeatable: true, role: "control" } as const
  const { database } = context
  for (;;) {
    const values = [workerId, token, host, pid, leaseMs, info]
    const [row] = await database.statement("registerWorker", "register_worker", values, again)
    if (row !== undefined) return { workerId, ref: row[0] as number, token }
    // Whoever registers anew does not know of the jobs that the former registration holds.
    const former = await database.statement(
      "registerWorker",
      "replace_worker",
      [workerId, token],
      again,
    )
    for (const [ref] of former) await handBackAll(context, ref as number, REGISTERED_AGAIN)
  }
}

const REGISTERED_AGAIN = "its worker registered again"
const STOPPED = "its worker stopped"
const RESCUED = "rescued"

/** Prolongs a worker's lease from now by the server's clock. */
export async function beat(
  { database }: StoreContext,
  worker: WorkerRef,
  leaseMs: number,
): Promise<"held" | "lost"> {
  const values = [worker.ref, worker.token, leaseMs]
  // A beat that takes longer is of no use: the next one goes over a connection that answers.
  const deadlineMs = Math.max(LEAST_BEAT_MS, leaseMs / 3)
  const options = { role: "control", repeatable: true, deadlineMs } as const
  const rows = await database.statement("beat", "beat_worker", values, options)
  return rows.length === 0 ? "lost" : "held"
}

/** Ends a worker cleanly. What it still runs is handed back; rescued or retired before, it changes nothing. */
export async function retireWorker(context: StoreContext, worker: WorkerRef): Promise<void> {
  const values = [worker.ref, worker.token]
  const options = { role: "control", repeatable: true } as const
  await context.database.statement("retireWorker", "retire_worker", values, options)
  const own = await context.database.statement("retireWorker", "own_worker", values, options)
  if (own.length > 0) await handBackAll(context, worker.ref as number, STOPPED)
}

/**
 * Takes back the jobs of dead workers, in a transaction that is open. See `Store.rescue`. A worker is ended first: from
 * then on it claims nothing, so that what it holds only shrinks. A claim that had begun before and commits after is found
 * by a later rescue, because the rows of `claim` of ended workers are looked for too.
 */
export async function rescueJobs(
  context: StoreContext,
  db: Connection,
  options: Omit<RescueRequest, "term">,
): Promise<readonly RescuedJob[]> {
  const { limit } = options
  const rescued: RescuedJob[] = []
  for (const lost of await lostWorkers(db, options)) {
    const left = limit - rescued.length
    if (left === 0) break
    if (!lost.hasEnded && !(await endWorker(db, lost))) continue
    const rows = await handBack(context, db, lost.ref, { ...causeOf(lost), limit: left })
    rescued.push(...(await rescuedJobs(context, db, lost.workerId, rows)))
  }
  await db.query("close_idle_claims", [IDLE_CLAIM_MS])
  return rescued
}

/** Whether a rescue would change anything. */
export async function needsRescue(
  db: Connection,
  options: Omit<RescueRequest, "term">,
): Promise<boolean> {
  if ((await lostWorkers(db, { ...options, limit: 1 })).length > 0) return true
  return (await db.query("has_idle_claims", [IDLE_CLAIM_MS]))[0]?.[0] === true
}

interface LostWorker {
  readonly ref: number
  readonly workerId: string
  readonly hasEnded: boolean
  readonly endReason: string
  readonly isProved: boolean
}

async function lostWorkers(
  db: Connection,
  { deadWorkers, expiredLeases, limit }: Omit<RescueRequest, "term">,
): Promise<readonly LostWorker[]> {
  const rows = await db.query("lost_workers", [deadWorkers, expiredLeases, limit])
  return rows.map(([ref, workerId, hasEnded, endReason]) => ({
    ref: ref as number,
    workerId: workerId as string,
    hasEnded: hasEnded as boolean,
    endReason: endReason as string,
    isProved: deadWorkers.includes(workerId as string),
  }))
}

/** @returns `false` when a beat came in between, or another process has ended it. */
async function endWorker(db: Connection, { ref, isProved }: LostWorker): Promise<boolean> {
  return (await db.query("end_lost_worker", [ref, isProved, RESCUED])).length > 0
}

/** What was left of a worker that had stopped, or registered again, was no crash. */
function causeOf({ hasEnded, endReason }: LostWorker): Omit<HandBackCause, "limit"> {
  if (hasEnded && endReason !== RESCUED) return interruption(endReason)
  return { isCrash: true, actor: "rescue", reason: "worker_lost" }
}

async function rescuedJobs(
  { lanes }: StoreContext,
  db: Connection,
  workerId: string,
  rows: readonly Row[],
): Promise<RescuedJob[]> {
  const ids = rows.map(([, lane]) => lane as number)
  const known = await lanes.byId(ids, db)
  return rows.map(([jobId, laneId, attempt, crashes, state]) => {
    const lane = known.get(laneId as number)
    assert(lane !== undefined, "the lane of a job is there")
    return {
      jobId: jobId as string,
      kind: lane.kind,
      queue: lane.queue,
      attempt: attempt as number,
      crashes: crashes as number,
      state: jobStates[state as number] as JobState,
      workerId,
    }
  })
}

/** How long until the first lease ends. See `Store.nextLeaseEndMs`. */
export async function nextLeaseEndMs({ database }: StoreContext): Promise<number | null> {
  const [row] = await database.read("nextLeaseEnd", (db) => db.query("next_lease_end"))
  return (row?.[0] ?? null) as number | null
}

/** Lists the workers that have not ended, also those whose lease has. */
export async function workerRows({ database }: StoreContext): Promise<readonly WorkerRow[]> {
  const rows = await database.statement("workers", "live_workers", [], { reads: true })
  return rows.map((row) => {
    const [workerId, host, pid, startedAt, beatAt, leaseUntil, running, info] = row
    return { workerId, host, pid, startedAt, beatAt, leaseUntil, running, info } as WorkerRow
  })
}

async function handBackAll(context: StoreContext, ref: number, reason: string): Promise<void> {
  const cause = { ...interruption(reason), limit: BATCH }
  const take = (): Promise<readonly Row[]> =>
    context.database.plain("handBack", (db) => handBack(context, db, ref, cause), {
      repeatable: true,
    })
  while ((await take()).length === BATCH);
}

interface HandBackCause {
  readonly isCrash: boolean
  readonly actor: string
  readonly reason: string
  readonly limit: number
}

// Named, so that a settle which comes too late is not taken for the one that ended the attempt.
function interruption(reason: string): Omit<HandBackCause, "limit"> {
  return { isCrash: false, actor: "hand-back", reason }
}

async function handBack(
  { marks, lanes }: StoreContext,
  db: Connection,
  ref: number,
  { isCrash, actor, reason, limit }: HandBackCause,
): Promise<readonly Row[]> {
  const rows = await db.query("hand_back", [ref, isCrash, actor, reason, Math.min(limit, BATCH)])
  const ids = rows.map(([, lane]) => lane as number)
  await lanes.byId(ids, db)
  // They have the place they had.
  marks.forget(ids)
  return rows
}
