import type { JobRow } from "./jobRow.ts"
import type { JobState } from "./jobState.ts"
import type { NewKey } from "./limitStore.ts"

/** Which jobs. All given fields must match; a list matches if any of its entries does. At most 1000 entries each. */
export interface JobSelection {
  readonly ids?: readonly string[]
  readonly kinds?: readonly string[]
  readonly queues?: readonly string[]
  readonly states?: readonly JobState[]
  /** Jobs that carry all of these tags. */
  readonly tags?: readonly string[]
  readonly uniqueKey?: string
  /** Enqueued before / at or after, in ms since 1970. */
  readonly enqueuedBefore?: number
  readonly enqueuedAfter?: number
}

/**
 * A page of jobs, newest first. One that was only looked for has fewer jobs than it may, or none, and is followed by
 * others all the same.
 */
export interface JobPage {
  readonly jobs: readonly JobRow[]
  /** Give it back to get the next page; `null` at the end. */
  readonly next: string | null
}

/** A change to a waiting job. Absent fields stay as they are. */
export interface JobPatch {
  readonly input?: string
  readonly priority?: number
  /** A new due time, or a delay from now by the store's clock. */
  readonly runAt?: number
  readonly delayMs?: number
  readonly tags?: readonly string[]
  readonly metadata?: string | null
  readonly maxAttempts?: number
  readonly queue?: string
  readonly retry?: string | null
  readonly timeoutMs?: number | false | null
  /** New keys under limits. Absent: they stay, but those of the queue that the job leaves. */
  readonly keys?: readonly NewKey[]
}

/** What an operator does to jobs. Each is allowed in certain states only; others are counted as refused. */
export type JobAction =
  /** Waiting jobs are cancelled now; running ones are asked to stop. */
  | "cancel"
  /**
   * Finished or waiting jobs become available now, with one more attempt if they had none left; one that crashed before
   * still runs alone. Running ones are refused, and so are those whose unique key another job holds now.
   */
  | "retry"
  /** Waiting jobs end as discarded. Running and finished ones are refused. */
  | "discard"
  /** Jobs that do not run are deleted with their trail, log and progress. Running ones are refused. */
  | "delete"

/** How many jobs an action reached. */
export interface ActionReply {
  /** Jobs changed now. */
  readonly changed: readonly string[]
  /** Running jobs that were asked to stop (cancel only). */
  readonly requested: readonly string[]
  /** Jobs whose state does not allow the action. */
  readonly refused: readonly string[]
}
