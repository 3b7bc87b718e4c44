import type { StoredError } from "./jobRow.ts"

/** How a store finds the row of a job fast. Opaque: only the store that made it reads it. */
export type JobRef = number | string

/**
 * The fence of one attempt. Every write about an attempt carries it and must hit exactly the row that
 * has this attempt number and token and is still running; otherwise the attempt was superseded.
 */
export interface AttemptRef {
  readonly jobId: string
  readonly ref: JobRef
  /** 1-based number of this claim. */
  readonly attempt: number
  /** Random, drawn for each claim: it survives a restored backup that issues the same attempt number again. */
  readonly token: number
}

/** A job that was claimed, with all that its attempt needs. */
export interface ClaimedJob extends AttemptRef {
  readonly kind: string
  readonly queue: string
  readonly priority: number
  readonly failures: number
  readonly crashes: number
  readonly interruptions: number
  readonly maxAttempts: number
  readonly maxCrashes: number
  readonly timeoutMs: number | false | null
  readonly retry: string | null
  /** JSON texts, read only when somebody asks. */
  readonly input: string
  readonly tags: string | null
  readonly metadata: string | null
  readonly enqueuedAt: number
  readonly runAt: number
  /** Store time of the claim. */
  readonly startedAt: number
  /** Store-private: what the store keeps to settle without reading again. */
  readonly mark: number
}

/** Where an attempt leaves its job. */
export type Settlement =
  | {
      readonly to: "completed"
      /** JSON text, or `null` when the handler returned nothing. */
      readonly result: string | null
    }
  /** The handler failed and may try again: counts one failure. */
  | { readonly to: "retryable"; readonly delayMs: number; readonly error: StoredError }
  /** No further attempt. `failed` counts one failure; a handler's own `discard()` does not. */
  | {
      readonly to: "discarded"
      readonly reason: string
      readonly failed: boolean
      readonly error: StoredError | null
    }
  | { readonly to: "cancelled"; readonly reason: string; readonly error: StoredError | null }
  /** The handler asked to run again later: counts nothing. */
  | { readonly to: "snoozed"; readonly delayMs: number; readonly reason: string | null }
  /** Cut short by a shutdown: back to waiting at once, counts one interruption. */
  | { readonly to: "interrupted"; readonly reason: string }
  /** Its thread or child process died under it: counts one crash, runs alone next time. */
  | { readonly to: "crashed"; readonly reason: string; readonly error: StoredError | null }

/** One settlement with its fence. */
export interface SettleRequest {
  readonly attempt: ClaimedJob
  readonly settlement: Settlement
}

/** What became of a settlement. */
export type SettleStatus =
  /** Written now. */
  | "settled"
  /** It was written before, by this very attempt; the reply was lost. Nothing changed, whatever this one says. */
  | "repeated"
  /** A cancel had been requested or another job holds its unique key by now: it is cancelled instead of waiting again. */
  | "cancelled"
  /** A crash budget ended the job instead of letting it wait again. */
  | "discarded"
  /** The attempt was superseded; nothing was written. */
  | "fenced"
