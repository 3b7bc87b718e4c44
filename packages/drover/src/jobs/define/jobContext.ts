/** What a handler is given. Every part can be taken out of it: `async run({ input, signal }) {…}`. */
export interface JobContext<Input = unknown> {
  /** The input, validated again just before this run: it may be older than the code. */
  readonly input: Input
  /**
   * Aborts when this attempt must stop. `signal.reason` is a `Timeout`, `Cancelled`, `Shutdown` or
   * `LeaseLost`. Pass it on to everything that takes a signal.
   */
  readonly signal: AbortSignal
  /** 1 for the first run. */
  readonly attempt: number
  /** Writes to the job's stored log, bounded in lines and bytes; what does not fit is counted. */
  readonly log: JobLogger
  /** Stores how far the job is, for people. Any JSON value of up to 16 KiB; the latest wins, writes are spaced out. */
  readonly progress: (value: unknown) => void
  /**
   * Ends the attempt inside of your own transaction: what you write in it and the completion of the job are committed
   * together or not at all. `transaction` is what an enqueue takes as `transaction`: that of `drover.transaction`, your
   * own connection with a transaction open on it, or what an adapter made of one; `result` is what the handler would
   * have returned, also an outcome such as `discard("…")`.
   *
   * Commit before the handler ends: the job is locked until then. After the commit nothing that the handler does changes
   * the job any more; after a rollback it was never called, and how the handler ends counts as always. Rejects with
   * `LeaseLost` when the attempt was superseded, with `DROVER_TRANSACTION` for what is no open transaction, for a second
   * call after one that counts, so that a transaction which is begun again has its effect once, and in a thread or child
   * process, which has no connection.
   */
  readonly settle: (transaction: unknown, result?: unknown) => Promise<void>
  /** The job itself, as it was when this attempt began. */
  readonly job: JobFacts
}

/**
 * Logs a text, and fields or an error before it (as pino does) or after it. Fields that are not JSON are written as texts,
 * errors with their stack and causes; an error alone is also the text. Never throws.
 */
export interface JobLogMethod {
  (message: string, fields?: Readonly<Record<string, unknown>> | Error): void
  (fields: Readonly<Record<string, unknown>> | Error, message?: string): void
}

/** Makes a method that takes either order. @param write `fields` are `undefined` where none were given. */
export function logMethod(write: (message: string, fields: unknown) => void): JobLogMethod {
  return (first: unknown, second?: unknown): void => {
    if (typeof first === "string") write(first, second)
    else if (typeof second === "string") write(second, first)
    else write(first instanceof Error ? first.message : "", first)
  }
}

/** The log of one attempt. */
export interface JobLogger {
  readonly debug: JobLogMethod
  readonly info: JobLogMethod
  readonly warn: JobLogMethod
  readonly error: JobLogMethod
}

/** What a handler may know about its job. */
export interface JobFacts {
  readonly id: string
  readonly kind: string
  readonly queue: string
  /** 0 (first) to 1000 (last). */
  readonly priority: number
  /** Earlier attempts in which the handler failed. */
  readonly failures: number
  /** Earlier attempts in which the process died. */
  readonly crashes: number
  /** Earlier attempts that were cut short through no fault of the job. */
  readonly interruptions: number
  /** How many failures end the job; `false` for no limit. */
  readonly maxAttempts: number | false
  readonly enqueuedAt: Date
  /** When the job was due. */
  readonly runAt: Date
  readonly startedAt: Date
  readonly tags: readonly string[]
  readonly metadata: Readonly<Record<string, unknown>>
}
