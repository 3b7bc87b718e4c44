import type { JobRow, JobState } from "drover/store"

/** A job as the oracle has it: only what decides, nothing that a database needs. */
export interface ModelJob {
  readonly id: string
  readonly kind: string
  readonly key: string | null
  readonly enqueuedAt: number
  queue: string
  priority: number
  input: string
  state: JobState
  runAt: number
  expiresAt: number | null
  attempt: number
  failures: number
  crashes: number
  interruptions: number
  maxAttempts: number
  maxCrashes: number
  /** Runs alone, since a crash. */
  solo: boolean
  workerId: string | null
  /** Token of the attempt that runs or that settled the job last; `null` after it was taken away. */
  token: number | null
  /** Tokens of the attempts that wrote their own outcome. */
  readonly settled: Set<number>
  /** An operator changed the job since its attempt settled it. */
  touched: boolean
  cancelRequested: boolean
  finishedAt: number | null
  result: string | null
  progress: string | null
  logLines: number
  dropped: number
}

/** What the oracle and the store must agree on after every step. */
export interface Agreed {
  readonly id: string
  readonly kind: string
  readonly queue: string
  readonly state: JobState
  readonly priority: number
  readonly input: string
  readonly runAt: number
  readonly attempt: number
  readonly failures: number
  readonly crashes: number
  readonly interruptions: number
  readonly maxAttempts: number
  readonly maxCrashes: number
  readonly workerId: string | null
  readonly cancelRequested: boolean
  readonly finishedAt: number | null
  readonly result: string | null
  readonly progress: string | null
  readonly key: string | null
}

export function agreedOfModel(job: ModelJob): Agreed {
  const { id, kind, queue, state, priority, input, runAt, attempt, failures, crashes } = job
  const { interruptions, maxAttempts, maxCrashes, workerId, cancelRequested, finishedAt } = job
  const { result, progress, key } = job
  const counters = { attempt, failures, crashes, interruptions, maxAttempts, maxCrashes }
  const rest = { workerId, cancelRequested, finishedAt, result, progress, key }
  return { id, kind, queue, state, priority, input, runAt, ...counters, ...rest }
}

export function agreedOfRow(row: JobRow): Agreed {
  const { id, kind, queue, state, priority, input, runAt, attempt, failures, crashes } = row
  const { interruptions, maxAttempts, maxCrashes, workerId, finishedAt, result } = row
  const counters = { attempt, failures, crashes, interruptions, maxAttempts, maxCrashes }
  const cancelRequested = row.cancelRequestedAt !== null && state === "running"
  const progress = row.progress?.value ?? null
  const rest = { workerId, cancelRequested, finishedAt, result, progress, key: row.uniqueKey }
  return { id, kind, queue, state, priority, input, runAt, ...counters, ...rest }
}
