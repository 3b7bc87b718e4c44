import type { JobState } from "./jobState.ts"
import type { TermRef } from "./leadershipStore.ts"

/** A job that was taken back from a dead worker. */
export interface RescuedJob {
  readonly jobId: string
  readonly kind: string
  readonly queue: string
  readonly attempt: number
  readonly crashes: number
  /** `available`, or `discarded` / `cancelled` when a budget or a cancel request ended it. */
  readonly state: JobState
  /** The worker that held it. */
  readonly workerId: string
}

/** Whose jobs the leader takes back. */
export interface RescueRequest {
  readonly term: TermRef
  /** Workers that the caller has proved dead. */
  readonly deadWorkers: readonly string[]
  /** Whether a lease that ended counts as death. */
  readonly expiredLeases: boolean
  readonly limit: number
}

/** A waiting job that was discarded because it was not started in time. */
export interface ExpiredJob {
  readonly jobId: string
  readonly kind: string
  readonly queue: string
}

/** How long finished jobs stay. `false` keeps them for ever. */
export interface Retention {
  readonly completedMs: number | false
  readonly discardedMs: number | false
  readonly cancelledMs: number | false
  /** Finished jobs beyond this many bytes go, oldest first, whatever their age. */
  readonly bytes: number | false
}

/** What one prune did. */
export interface PruneReply {
  readonly jobs: number
  /** Whether there is more to prune now. */
  readonly more: boolean
}

/** How many jobs of a queue are in each state; counts stop at `cap`. */
export interface QueueCounts {
  readonly queue: string
  readonly paused: boolean
  readonly slots: number | null
  readonly agingMs: number | null
  readonly counts: Readonly<Record<JobState, number>>
  /** Counts that reached this number may be higher. */
  readonly cap: number
  /** When the oldest job that is due now became due; `null` for none. */
  readonly oldestDueAt: number | null
}

/** A worker process as others see it. */
export interface WorkerRow {
  readonly workerId: string
  readonly host: string
  readonly pid: number
  readonly startedAt: number
  readonly beatAt: number
  readonly leaseUntil: number
  readonly running: number
  /** JSON text: version, queues with slots, kinds. */
  readonly info: string
}

/** One finding of `drover doctor`. */
export interface HealthCheck {
  /** Stable name, such as "wal" or "stuck_leases". */
  readonly check: string
  readonly status: "ok" | "warn" | "fail"
  /** What was seen, and for warn and fail what to do about it. */
  readonly message: string
  readonly value?: number | string
}

/** A migration and whether it has been applied. */
export interface MigrationStatus {
  readonly number: number
  readonly name: string
  readonly appliedAt: number | null
}
