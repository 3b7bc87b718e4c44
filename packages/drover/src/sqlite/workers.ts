import { assert } from "../errors/index.ts"
import type {
  Fenced,
  NewWorker,
  RescuedJob,
  RescueRequest,
  WorkerRef,
  WorkerRow,
} from "../store/index.ts"
import type { StoreContext } from "./context.ts"
import { handBack } from "./handBack.ts"
import { isProvedDead, ownProof } from "./processProof.ts"
import { checkIdentity } from "./safety.ts"
import type { Statements } from "./statements.ts"
import { fenced } from "./terms.ts"
import type { WriteTx } from "./writeTx.ts"

// So many rows at once hold up the event loop for a few milliseconds at most.
const BATCH = 500

/** Adds a worker's row with its first lease. Sent twice, it is one registration. */
export function registerWorker(context: StoreContext, worker: NewWorker): Promise<WorkerRef> {
  const { workerId, token } = worker
  return context.write("registerWorker", (tx) => {
    tx.persistTime()
    const { host, pid, info } = worker
    // A worker that speaks for another process has no proof of it.
    const proof = context.file !== null && pid === process.pid ? ownProof() : null
    const values = [token, host, pid, proof, tx.now, tx.now, tx.now + worker.leaseMs, info]
    const known = tx.statements.first("worker_by_id", workerId)
    if (known === undefined) {
      const row = tx.statements.first("add_worker", workerId, ...values)
      assert(row !== undefined, "insert returning gives a row")
      return { workerId, ref: row[0] as number, token }
    }
    const ref = known[0] as number
    // Whoever registers anew does not know of the jobs that the former registration holds.
    if (known[1] !== token) handBackAll(tx, ref, "its worker registered again")
    tx.statements.run("renew_worker", ...values, ref)
    return { workerId, ref, token }
  })
}

/** Prolongs a worker's lease from now by the store's clock. */
export async function beat(
  context: StoreContext,
  worker: WorkerRef,
  leaseMs: number,
): Promise<"held" | "lost"> {
  // A lease in a file that nobody else sees any more is none.
  if (context.file !== null) checkIdentity(context.file)
  return context.write("beat", (tx) => {
    const { now } = tx
    const held = tx.statements.run("beat_worker", now, now + leaseMs, refOf(worker), worker.token)
    if (held === 0) return "lost"
    tx.persistTime()
    return "held"
  })
}

/** Ends a worker cleanly. What it still runs is handed back; rescued or retired before, it changes nothing. */
export async function retireWorker(context: StoreContext, worker: WorkerRef): Promise<void> {
  const ref = refOf(worker)
  const retire = (tx: WriteTx): boolean => {
    if (tx.statements.first("held_worker", ref, worker.token) === undefined) return true
    const handed = handBack(tx, ref, interrupted("its worker stopped"), BATCH)
    if (handed.length === BATCH) return false
    end(tx, ref, "retired")
    return true
  }
  while (!(await context.write("retireWorker", retire, BATCH)));
}

/** Takes back the jobs of dead workers. See `Store.rescue`. */
export function rescue(
  context: StoreContext,
  request: RescueRequest,
): Promise<Fenced<readonly RescuedJob[]>> {
  const { term, limit } = request
  return fenced<readonly RescuedJob[]>(context, "rescue", term, {
    // Nearly always there is nothing, and a write transaction would cost every process a look.
    look: (tx) => (lostWorkers(tx, context, request).length === 0 ? [] : "write"),
    // Asked again under the write lock: a worker that beat in between keeps its jobs.
    write: (tx) => takeBack(tx, lostWorkers(tx, context, request), limit),
    rows: limit,
  })
}

function takeBack(tx: WriteTx, lost: readonly LostWorker[], limit: number): RescuedJob[] {
  const rescued: RescuedJob[] = []
  for (const { ref, id } of lost) {
    const left = limit - rescued.length
    if (left === 0) break
    const cause = { kind: "crash", actor: "rescue", reason: "worker_lost" } as const
    const handed = handBack(tx, ref, cause, left)
    for (const { jobId, lane, attempt, crashes, state } of handed) {
      const { kind, queue } = tx.lanes.byId(tx.statements, lane)
      rescued.push({ jobId, kind, queue, attempt, crashes, state, workerId: id })
    }
    // With jobs left, the worker stays until the next round: one that wakes up by then keeps those.
    if (handed.length < left) end(tx, ref, "rescued")
  }
  return rescued
}

/** Names the workers whose process on this machine is proved to be gone. */
export function deadWorkers(context: StoreContext): Promise<readonly string[]> {
  if (context.file === null) return Promise.resolve([])
  return context.read("deadWorkers", ({ statements }) =>
    statements
      .all("live_processes")
      .filter((row) => isProvedDead({ pid: row[1] as number, proof: row[2] as string }))
      .map((row) => row[0] as string),
  )
}

/** How long until the first lease ends. See `Store.nextLeaseEndMs`. */
export function nextLeaseEndMs(context: StoreContext): Promise<number | null> {
  return context.read("nextLeaseEnd", ({ statements, now }) => {
    const left = statements
      .all("next_lease_end")
      .map(([beatAt, leaseUntil]) => leftMs(context, { beatAt, leaseUntil } as LeaseRow, now))
      .filter((ms) => ms >= 0)
    return left.length === 0 ? null : Math.min(...left)
  })
}

/** Lists the workers that have not ended, also those whose lease has. */
export function workerRows(context: StoreContext): Promise<readonly WorkerRow[]> {
  return context.read("workers", ({ statements }) =>
    statements.all("live_workers").map((row) => {
      const [workerId, host, pid, startedAt, beatAt, leaseUntil, running, info] = row
      return { workerId, host, pid, startedAt, beatAt, leaseUntil, running, info } as WorkerRow
    }),
  )
}

interface LeaseRow {
  readonly beatAt: number
  readonly leaseUntil: number
}

/**
 * How much of a lease is left, less than 0 when it has ended: by the store's clock, and by its whole length having passed
 * by our monotonic clock. What the store's time leapt over, of a second or of minutes, makes nobody's lease shorter.
 */
function leftMs(context: StoreContext, { beatAt, leaseUntil }: LeaseRow, now: number): number {
  return Math.max(leaseUntil - now, leaseUntil - beatAt - context.msSince(beatAt))
}

interface LostWorker {
  readonly ref: number
  readonly id: string
}

function lostWorkers(
  tx: { readonly statements: Statements; readonly now: number },
  context: StoreContext,
  options: Omit<RescueRequest, "term">,
): LostWorker[] {
  const lost = new Map<number, LostWorker>()
  const add = (row: readonly unknown[] | undefined): void => {
    if (row !== undefined)
      lost.set(row[0] as number, { ref: row[0] as number, id: row[1] as string })
  }
  for (const id of options.deadWorkers) add(tx.statements.first("live_worker_named", id))
  if (options.expiredLeases) {
    for (const row of tx.statements.all("silent_workers", tx.now, options.limit)) {
      const [, , beatAt, leaseUntil] = row
      // Asked after the time of this transaction was read, which may have been what noticed a leap.
      if (leftMs(context, { beatAt, leaseUntil } as LeaseRow, tx.now) < 0) add(row)
    }
  }
  return [...lost.values()]
}

function handBackAll(tx: WriteTx, ref: number, reason: string): void {
  while (handBack(tx, ref, interrupted(reason), BATCH).length === BATCH);
}

function interrupted(reason: string): {
  readonly kind: "interruption"
  readonly actor: string
  readonly reason: string
} {
  // Named, so that a settle which comes too late is not taken for the one that ended the attempt.
  return { kind: "interruption", actor: "hand-back", reason }
}

function end(tx: WriteTx, ref: number, reason: string): void {
  tx.statements.run("end_worker", tx.now, reason, ref)
  tx.persistTime()
}

function refOf(worker: WorkerRef): number {
  assert(typeof worker.ref === "number", "a worker of this store has a number as its ref")
  return worker.ref
}
