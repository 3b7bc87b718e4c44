import type { JobKeys, JobState } from "../../packages/drover/src/store/index.ts"

/** A job's row as the simulator reads it, behind the store's back. */
export interface JobRecord {
  readonly seq: number
  readonly id: string
  readonly kind: string
  readonly queue: string
  readonly state: JobState
  readonly runAt: number
  readonly attempt: number
  readonly token: number | null
  readonly worker: number | null
  readonly failures: number
  readonly crashes: number
  readonly interruptions: number
  readonly maxAttempts: number
  readonly maxCrashes: number
  readonly solo: boolean
  readonly enqueuedAt: number
  readonly expiresAt: number | null
  readonly finishedAt: number | null
  readonly cancelAt: number | null
  readonly trail: number
  readonly result: string | null
  readonly error: string | null
  readonly reason: string | null
  readonly uniqueHash: string | null
  readonly uniqueLabel: string | null
  readonly uniqueStates: number
  readonly uniqueUntil: number | null
  /** Pairs of a keyed limit and the job's key. */
  readonly keys: JobKeys
}

/** A committed transition, as the trail has it. */
export interface Move {
  readonly seq: number
  readonly prev: number | null
  readonly job: number
  readonly at: number
  readonly from: JobState | null
  readonly to: JobState
  readonly attempt: number
  readonly worker: number | null
  readonly actor: string | null
  readonly reason: string | null
}

/** One run of a handler, as the handler itself saw it. */
export interface HandlerRun {
  readonly jobId: string
  readonly kind: string
  readonly queue: string
  readonly attempt: number
  readonly process: number
  readonly life: {
    readonly isDead: boolean
    readonly isPaused: boolean
    readonly lastStalledMs: number
  }
  readonly signal: AbortSignal
  readonly startedMs: number
  endedMs: number | null
  /** What the handler meant to happen, set when it ended. */
  outcome: string | null
}
