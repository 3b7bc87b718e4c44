import { stateCode } from "../store/index.ts"
import type { NewJob } from "../store/index.ts"
import { rankOf } from "./queues.ts"
import type { WriteTx } from "./writeTx.ts"

const AVAILABLE = stateCode("available")
const SCHEDULED = stateCode("scheduled")

/** Inputs up to this many characters stand in the job's row; longer ones would be rewritten by every claim and settle. */
export const LARGEST_INLINE_INPUT = 2_048

/** What a new job's row gets beside what the caller said. */
export interface JobPlan {
  readonly lane: number
  readonly state: number
  readonly rank: number
  readonly runAt: number
  readonly enqueuedAt: number
  readonly expiresAt: number | null
  readonly big: boolean
}

/**
 * Decides due time, state and place of a new job.
 * @param dueAt overrides what the job says.
 * @param enqueuedAt when an older enqueue is meant, whose place a newer one takes over. @default now
 */
export function planJob(
  tx: WriteTx,
  job: NewJob,
  { dueAt, enqueuedAt = tx.now }: { readonly dueAt?: number; readonly enqueuedAt?: number } = {},
): JobPlan {
  const runAt = dueAt ?? job.runAt ?? tx.now + job.delayMs
  // A time in the past is kept for display only; else a job could overtake those that have waited for longer.
  const orderAt = Math.max(runAt, enqueuedAt)
  return {
    lane: tx.lanes.make(tx.statements, job.queue, job.kind).id,
    state: runAt <= tx.now ? AVAILABLE : SCHEDULED,
    rank: rankOf(job.priority, orderAt, tx.queue(job.queue).agingMs),
    runAt,
    enqueuedAt,
    expiresAt: job.expireMs === null ? null : orderAt + job.expireMs,
    big: job.input.length > LARGEST_INLINE_INPUT,
  }
}

/** Appends the values of a new row, in the order of the insert's columns. */
export function jobValues(
  values: (string | number | null)[],
  job: NewJob,
  plan: JobPlan,
  seq: number,
  trail: number,
): void {
  values.push(
    seq,
    job.id,
    plan.lane,
    plan.state,
    plan.rank,
    plan.runAt,
    job.priority,
    job.maxAttempts,
    job.maxCrashes,
    plan.enqueuedAt,
    plan.expiresAt,
    trail,
    storedTimeout(job.timeoutMs),
    plan.big ? null : job.input,
    job.tags.length === 0 ? null : JSON.stringify(job.tags),
    job.metadata,
    job.retry,
  )
}

/** `false` (none) is stored as 0, `null` (the kind's) as null. */
export function storedTimeout(timeoutMs: number | false | null): number | null {
  return timeoutMs === false ? 0 : timeoutMs
}

/** The inverse of `storedTimeout`. */
export function givenTimeout(stored: number | null): number | false | null {
  return stored === 0 ? false : stored
}
