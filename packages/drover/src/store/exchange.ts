import type { ClaimedJob, SettleRequest, SettleStatus } from "./attempt.ts"
import type { JobState } from "./jobState.ts"
import type { EnqueueOutcome, NewJob } from "./newJob.ts"

/** A worker's row in the store, as its owner holds it. */
export interface WorkerRef {
  readonly workerId: string
  readonly ref: number | string
  /** Random; a beat or a claim without it is rejected. */
  readonly token: number
}

/**
 * Take up to `limit` jobs of these kinds from this queue: those that are due, lowest priority number first, then by due
 * time, then by id. Nothing is taken from a paused queue, nor under a lease that has ended, until a beat renews it.
 */
export interface ClaimRequest {
  readonly queue: string
  /** The kinds this worker can run. Jobs of other kinds stay for others, at no cost to this claim. */
  readonly kinds: readonly string[]
  readonly limit: number
  /**
   * So many more that may wait for a slot at the worker. Only jobs that nothing but their rank lets start: what limits
   * count starts with its claim. @default 0
   */
  readonly ahead?: number
}

/**
 * Settle what ended and claim more, in one round trip and one sync to disk. What is rare (jobs that come due, have
 * expired or contend for a key) may take a store further transactions of its own; each is atomic, and all of it is
 * safe to repeat.
 */
export interface ExchangeRequest {
  readonly worker: WorkerRef
  /**
   * Jobs to write before the claims look, so that they may start with the commit that makes them. Safe to repeat, as any
   * enqueue is. @default none
   */
  readonly enqueues?: readonly NewJob[]
  readonly settlements: readonly SettleRequest[]
  readonly claims: readonly ClaimRequest[]
  /** The fence token of everything claimed by this call. */
  readonly token: number
  /**
   * Sent again because the reply was lost. Jobs that this worker already holds under `token` come first in the
   * reply, as they were claimed then, and count towards the limits of `claims` (they are returned even if
   * `claims` is empty now); so a job claimed by a commit whose reply was lost is never running without its worker
   * knowing. Settlements written then are `repeated`.
   */
  readonly repeat: boolean
  /** Claim one job that must run alone (after a crash) instead of ordinary ones. */
  readonly solo: boolean
}

/** The answer to an exchange. */
export interface ExchangeReply {
  /** One status for each settlement, in order. */
  readonly settled: readonly SettleStatus[]
  /** One outcome for each of `enqueues`, in order; absent without them. */
  readonly enqueued?: readonly EnqueueOutcome[]
  readonly claimed: readonly ClaimedJob[]
  /** The worker's row is gone or has another token: nothing was claimed, and what it runs is no longer its own. */
  readonly workerLost: boolean
  /** Queues of the claims in which jobs wait that only limits hold back; whatever ends may make room for them. */
  readonly heldBack?: readonly string[]
  /**
   * Queues in which the claim brought some jobs but fewer than asked for, and did not look everywhere for more, so that
   * these may start at once. Whoever wants more asks again.
   */
  readonly more?: readonly string[]
  /** Jobs that this exchange ended instead of claiming them: they had expired, or another job holds their unique key. */
  readonly ended: readonly EndedJob[]
}

/** A waiting job that ended without having run. */
export interface EndedJob {
  readonly jobId: string
  readonly kind: string
  readonly queue: string
  readonly state: Extract<JobState, "discarded" | "cancelled">
  readonly reason: string
}

/** What a worker can learn without writing. */
export interface PeekRequest {
  readonly worker: WorkerRef
  readonly queues: readonly { readonly queue: string; readonly kinds: readonly string[] }[]
}

/** What is waiting for a worker. All of it hints: claims decide. */
export interface PeekReply {
  /** Queues in which an ordinary job of these kinds is due now and may start. Paused queues are left out. */
  readonly claimable: readonly string[]
  /** Whether a job that must run alone is due now. */
  readonly solo: boolean
  /**
   * When the next job of these queues and kinds becomes due, or a window of a rate has room for one that waits, in ms
   * from now by the store's clock; `null` for neither.
   */
  readonly nextDueInMs: number | null
  /** Over how long after that those who wait for the same window had better come, each at random. @default 0 */
  readonly spreadMs?: number
  /** Attempts of this worker whose cancel was requested. */
  readonly cancels: readonly {
    readonly jobId: string
    readonly attempt: number
    readonly reason: string
  }[]
  readonly settings: readonly QueueSettings[]
  /** Whether this worker's row is still there with its token. */
  readonly workerHeld: boolean
}

/** What is stored about a queue, seen by every process. */
export interface QueueSettings {
  readonly queue: string
  readonly paused: boolean
  /** Slots in each worker process, set by an operator; `null` leaves each worker its own. */
  readonly slots: number | null
  /** How long a wait counts as one step of priority; `null` for strict order. */
  readonly agingMs: number | null
}
