import { assert } from "../errors/index.ts"
import { jobStates, stateCode } from "../store/index.ts"
import type { EnqueueOutcome, JobState, NewJob, NewUnique } from "../store/index.ts"
import { insertJob } from "./insertJobs.ts"
import { keysText } from "../store/index.ts"
import { planJob, storedTimeout } from "./newJobRow.ts"
import { aloneOf, standingOf } from "./tracks.ts"
import type { WriteTx } from "./writeTx.ts"

const AVAILABLE = stateCode("available")
const RETRYABLE = stateCode("retryable")
const SCHEDULED = stateCode("scheduled")

/** Who has a unique key, as the hold's row and the job's say. */
interface Holder {
  readonly job: number
  readonly folded: string | null
  readonly windowUntil: number | null
  readonly trailing: number | null
  /** `null` when the job was pruned. */
  readonly id: string | null
  readonly state: number
  readonly states: number
  readonly until: number | null
}

/** A job that may take over a newer enqueue. */
interface WaitingJob {
  readonly seq: number
  readonly id: string
  readonly state: number
  readonly trail: number
  readonly attempt: number
  readonly enqueuedAt: number
  readonly runAt: number
  readonly crashes: number
}

/**
 * Enqueues a job with a unique key. The write lock makes check and write one step, for all processes.
 * The caller has looked for the job's id.
 */
export function enqueueUnique(tx: WriteTx, job: NewJob, unique: NewUnique): EnqueueOutcome {
  const holder = findHolder(tx, unique.hash)
  if (unique.mode === "throttle") return throttle(tx, job, unique, holder)
  if (holder === undefined || !isHeld(tx, holder)) return addHolder(tx, job, unique)
  assert(holder.id !== null, "only a job that is there holds a key")
  const there = { id: holder.id, state: jobStates[holder.state] as JobState }
  if (unique.mode === "skip") return { ...there, status: "duplicate" }
  // The same enqueue again, after its reply was lost: it is in there already.
  if (holder.folded === job.id) return { ...there, status: "replaced" }
  const waiting = findWaiting(tx, holder.job)
  if (waiting === undefined) return { ...there, status: "duplicate" }
  return fold(tx, job, unique, waiting, dueAfterFold(tx, job, unique, waiting))
}

function findHolder(tx: WriteTx, hash: Uint8Array): Holder | undefined {
  const row = tx.statements.first("find_hold", hash)
  if (row === undefined) return undefined
  const [job, folded, windowUntil, trailing, id, state, states, until] = row
  return { job, folded, windowUntil, trailing, id, state, states: states ?? 0, until } as Holder
}

function findWaiting(tx: WriteTx, seq: number): WaitingJob | undefined {
  const row = tx.statements.first("waiting_job", seq)
  if (row === undefined) return undefined
  const [, id, state, trail, attempt, enqueuedAt, runAt, crashes] = row
  return { seq, id, state, trail, attempt, enqueuedAt, runAt, crashes } as WaitingJob
}

function isHeld(tx: WriteTx, holder: Holder): boolean {
  if (holder.id === null || (holder.states & (1 << holder.state)) === 0) return false
  return holder.until === null || tx.now < holder.until
}

function addHolder(tx: WriteTx, job: NewJob, unique: NewUnique): EnqueueOutcome {
  const plan = planJob(tx, job)
  const seq = insertJob(tx, job, plan)
  setKey(tx, seq, unique)
  tx.statements.run("put_hold", unique.hash, seq, null, null)
  return { id: job.id, status: "enqueued", state: jobStates[plan.state] as JobState }
}

function setKey(tx: WriteTx, seq: number, unique: NewUnique): void {
  const { hash, label } = unique
  tx.statements.run("set_key", hash, stateBits(unique), heldUntil(tx, unique), label, seq)
}

// Bit n stands for the state with code n. Throttled jobs hold nothing: their window does.
function stateBits(unique: NewUnique): number {
  if (unique.mode === "throttle") return 0
  return unique.states.reduce((bits, state) => bits | (1 << stateCode(state)), 0)
}

function heldUntil(tx: WriteTx, unique: NewUnique): number | null {
  return unique.forMs === null ? null : tx.now + unique.forMs
}

/** When a job is due that took over a newer enqueue; `undefined` leaves its due time alone. */
function dueAfterFold(
  tx: WriteTx,
  job: NewJob,
  unique: NewUnique,
  waiting: WaitingJob,
): number | undefined {
  if (unique.mode === "debounce") {
    const latestAt = unique.maxWaitMs === null ? Infinity : waiting.enqueuedAt + unique.maxWaitMs
    return Math.min(job.runAt ?? tx.now + job.delayMs, latestAt)
  }
  return job.runAt ?? (job.delayMs > 0 ? tx.now + job.delayMs : undefined)
}

/** Lets a waiting job take over a newer enqueue's input and options. Its id, its counters and its trail stay. */
function fold(
  tx: WriteTx,
  job: NewJob,
  unique: NewUnique,
  waiting: WaitingJob,
  dueAt: number | undefined,
): EnqueueOutcome {
  const { enqueuedAt } = waiting
  const next = planJob(tx, job, { dueAt: dueAt ?? waiting.runAt, enqueuedAt })
  const state = dueAt === undefined ? waiting.state : stateDueAt(waiting.state, next.state)
  const trail = tx.addTrail({
    ...{ job: waiting.seq, prev: waiting.trail, from: waiting.state, to: state },
    ...{ attempt: waiting.attempt, actor: "unique", reason: `replaced by enqueue ${job.id}` },
  })
  // The newer input's keys: the older one's say nothing about it.
  const keys = keysText(job.keys)
  const { crashes } = waiting
  const standing = { seq: waiting.seq, lane: next.lane, rank: next.rank, crashes, keys }
  const solo = state === AVAILABLE ? standingOf(tx, standing) : aloneOf(crashes)
  tx.statements.run(
    "replace_job",
    ...[next.lane, state, next.rank, next.runAt, job.priority, job.maxAttempts, job.maxCrashes],
    ...[next.expiresAt, storedTimeout(job.timeoutMs), next.big ? null : job.input],
    ...[job.tags.length === 0 ? null : JSON.stringify(job.tags), job.metadata, job.retry],
    ...[stateBits(unique), heldUntil(tx, unique), solo, keys, trail, waiting.seq],
  )
  if (next.big) tx.statements.run("add_input", waiting.seq, job.input)
  else tx.statements.run("drop_input", waiting.seq)
  tx.statements.run("fold_hold", job.id, unique.hash)
  return { id: waiting.id, status: "replaced", state: jobStates[state] as JobState }
}

// A job that failed before keeps saying so while it waits.
function stateDueAt(before: number, next: number): number {
  return next === SCHEDULED && before === RETRYABLE ? RETRYABLE : next
}

/**
 * The first job of a window runs at once. Later ones become one job that runs when the window ends, with the
 * input of the last; that job's run opens the next window.
 */
function throttle(
  tx: WriteTx,
  job: NewJob,
  unique: NewUnique,
  holder: Holder | undefined,
): EnqueueOutcome {
  const { forMs } = unique
  assert(forMs !== null, "a throttle has a window")
  if (holder === undefined || holder.windowUntil === null) return openWindow(tx, job, unique, forMs)
  const waiting = holder.trailing === null ? undefined : findWaiting(tx, holder.trailing)
  if (waiting !== undefined) {
    if (holder.folded === job.id) {
      return { id: waiting.id, status: "replaced", state: jobStates[waiting.state] as JobState }
    }
    return fold(tx, job, unique, waiting, undefined)
  }
  // The job that ran when the window ended was the first of the window after it.
  const windowUntil = holder.windowUntil + (holder.trailing === null ? 0 : forMs)
  if (tx.now >= windowUntil) return openWindow(tx, job, unique, forMs)
  const plan = planJob(tx, job, { dueAt: windowUntil })
  const seq = insertJob(tx, job, plan)
  setKey(tx, seq, unique)
  tx.statements.run("put_hold", unique.hash, holder.job, windowUntil, seq)
  return { id: job.id, status: "enqueued", state: jobStates[plan.state] as JobState }
}

function openWindow(tx: WriteTx, job: NewJob, unique: NewUnique, forMs: number): EnqueueOutcome {
  const plan = planJob(tx, job)
  const seq = insertJob(tx, job, plan)
  setKey(tx, seq, unique)
  tx.statements.run("put_hold", unique.hash, seq, tx.now + forMs, null)
  return { id: job.id, status: "enqueued", state: jobStates[plan.state] as JobState }
}
