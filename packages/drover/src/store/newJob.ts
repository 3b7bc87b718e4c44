import type { JobState } from "./jobState.ts"
import type { NewKey } from "./limitStore.ts"

/** What happens when a job with the same unique key is already there. */
export type UniqueMode =
  /** Nothing: the caller gets the job that is there. */
  | "skip"
  /** The waiting job takes over the new input and options, and keeps its due time unless one was given. */
  | "replace"
  /** Like replace, and the waiting job's due time moves back by the new delay each time, at most `maxWaitMs` after its enqueue. */
  | "debounce"
  /**
   * The first job of a window runs at once; the last one of the same window runs when the window ends; those between
   * are folded into it. The job that runs at the end of a window is the first of the next one, so no two are due
   * closer together than a window. One that starts late, because no slot was free, may start closer to the next.
   */
  | "throttle"

/** A unique key, ready for the store. */
export interface NewUnique {
  /** SHA-256 of kind (or scope) and key: equal on every store and of bounded length. */
  readonly hash: Uint8Array
  /** The key as the user wrote it, cut to 200 characters, for people. */
  readonly label: string
  readonly mode: UniqueMode
  /** The key is held while its job is in one of these states. */
  readonly states: readonly JobState[]
  /** And only until this long after the job's enqueue; `null` for no limit. Window length for `throttle`. */
  readonly forMs: number | null
  /** Longest wait of a debounced job after its first enqueue; `null` for no limit. */
  readonly maxWaitMs: number | null
}

/** A job as the store takes it: validated, complete, with every default filled in. */
export interface NewJob {
  /** UUIDv7 made by the client, so that the same enqueue sent twice is one job. */
  readonly id: string
  readonly kind: string
  readonly queue: string
  /** 0 (first) to 1000. */
  readonly priority: number
  /** JSON text of the input. */
  readonly input: string
  /** Wait before the job is due, counted by the store's clock. Ignored when `runAt` is given. */
  readonly delayMs: number
  /** Due time in ms since 1970, or `null`. A time in the past counts as now for the order of claims. */
  readonly runAt: number | null
  /** Discard the job if it was not started this long after it became due; `null` for never. */
  readonly expireMs: number | null
  /** How many failures end the job. */
  readonly maxAttempts: number
  /** How many crashes of its process end the job. */
  readonly maxCrashes: number
  /** Timeout of an attempt, if it differs from the kind's; `false` for none, `null` for the kind's. */
  readonly timeoutMs: number | false | null
  /** JSON text of a retry policy that differs from the kind's, or `null`. */
  readonly retry: string | null
  readonly tags: readonly string[]
  /** JSON text of the metadata object, or `null`. */
  readonly metadata: string | null
  readonly unique: NewUnique | null
  /** Its keys under keyed limits, each limit once. @default none */
  readonly keys?: readonly NewKey[]
}

/** What became of one `NewJob`, in the order in which they were given. */
export interface EnqueueOutcome {
  /** The job to wait for: the new one, or the one that was already there. */
  readonly id: string
  readonly status:
    /** A new row was written. */
    | "enqueued"
    /** A job with this very id was already there: the same enqueue was sent twice. */
    | "repeated"
    /** A job with the same unique key is there; nothing was written. */
    | "duplicate"
    /** A waiting job with the same unique key took over the new input. */
    | "replaced"
  readonly state: JobState
}
