import { assert } from "../../errors/index.ts"
import type { EnqueueOutcome, ExchangeReply, NewJob } from "../../store/index.ts"
import type { WorkerQueue } from "./workerQueue.ts"

/** What became of a job that an exchange enqueued. */
export interface EnqueuedAtOnce {
  readonly outcome: EnqueueOutcome
  /** It starts here, and nobody has to be told that it waits. */
  readonly isStarted: boolean
}

/** A job that a round enqueues, and who waits to hear what became of it. */
export interface EnqueueBeside {
  readonly job: NewJob
  /** `undefined`: nobody knows. */
  readonly tell: (enqueued: EnqueuedAtOnce | undefined) => void
}

/**
 * The queue in which a job that its own program enqueues may start with the commit that makes it: there is a slot for it,
 * and as far as this worker knows nothing waits in any queue. `undefined` where it had better take its turn.
 */
export function startsAtOnce(
  { queue: name, kind, delayMs, runAt, unique }: NewJob,
  queues: readonly WorkerQueue[],
): WorkerQueue | undefined {
  if (delayMs > 0 || runAt !== null) return undefined
  // A user's transaction may hold its key for as long as it likes, and nothing else of this worker would be written.
  if (unique !== null) return undefined
  if (queues.some((queue) => queue.wants || queue.isHeldBack || queue.room.size > 0)) {
    return undefined
  }
  const queue = queues.find((one) => one.name === name)
  const isFit = queue !== undefined && queue.kinds.includes(kind) && !queue.paused
  return isFit && queue.pool.free > 0 ? queue : undefined
}

/** What an exchange with one job to enqueue says of it. */
export function enqueuedBy({ enqueued, claimed }: ExchangeReply): EnqueuedAtOnce {
  const outcome = enqueued?.[0]
  assert(outcome !== undefined, "an exchange tells what became of each job that it enqueues")
  return { outcome, isStarted: claimed.some(({ jobId }) => jobId === outcome.id) }
}
