import type { JobState } from "./jobState.ts"

/** A failure as it is stored: bounded, without control characters, safe for every store. */
export interface StoredError {
  readonly name: string
  readonly message: string
  readonly code?: string
  readonly stack?: string
  readonly cause?: StoredError
}

/** A job as the store gives it out. Times are ms since 1970 by the store's clock. */
export interface JobRow {
  readonly id: string
  readonly kind: string
  readonly queue: string
  readonly state: JobState
  readonly priority: number
  /** How many times the job was claimed. */
  readonly attempt: number
  /** How many attempts the handler failed. */
  readonly failures: number
  /** How many times the process that ran it died. */
  readonly crashes: number
  /** How many attempts were cut short through no fault of the job. */
  readonly interruptions: number
  readonly maxAttempts: number
  readonly maxCrashes: number
  readonly timeoutMs: number | false | null
  readonly retry: string | null
  readonly enqueuedAt: number
  /** When the job is or was due. */
  readonly runAt: number
  readonly expiresAt: number | null
  readonly startedAt: number | null
  readonly finishedAt: number | null
  readonly cancelRequestedAt: number | null
  /** The actor who asked for it first. */
  readonly cancelRequestedBy: string | null
  /** Id of the worker that runs it, `null` unless running. */
  readonly workerId: string | null
  /** JSON texts. */
  readonly input: string
  readonly result: string | null
  readonly metadata: string | null
  readonly tags: readonly string[]
  readonly error: StoredError | null
  /** Why the job ended or waits, in a word or a sentence: "expired", "crashed", "cancelled by …". */
  readonly reason: string | null
  readonly uniqueKey: string | null
  readonly progress: JobProgress | null
}

/** The last progress that a handler reported. */
export interface JobProgress {
  /** JSON text of whatever the handler reported. */
  readonly value: string
  readonly at: number
}

/** One line of a job's trail: a transition, who made it, when, in which attempt. Never changed once written. */
export interface TrailEntry {
  /** Grows with every transition of the whole store. */
  readonly seq: number
  readonly jobId: string
  readonly kind: string
  readonly queue: string
  readonly at: number
  readonly from: JobState | null
  readonly to: JobState
  readonly attempt: number
  /** The worker that made it, or `null`. */
  readonly workerId: string | null
  /** Who else made it ("cli:ann@host", "rescue", "sweep"), or `null`. */
  readonly actor: string | null
  readonly reason: string | null
  readonly error: StoredError | null
}

/** One line that a handler logged. */
export interface LogLine {
  readonly attempt: number
  readonly at: number
  readonly level: "debug" | "info" | "warn" | "error"
  readonly message: string
  /** JSON text of the fields, or `null`. */
  readonly fields: string | null
}

/** The log of a job, and how many lines were not kept. */
export interface JobLog {
  readonly lines: readonly LogLine[]
  readonly dropped: number
}
