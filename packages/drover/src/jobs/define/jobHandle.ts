import { DroverError } from "../../errors/index.ts"
import type { EnqueueOutcome, JobState } from "../../store/index.ts"
import type { Duration, Rng } from "../../time/index.ts"
import type { Job, StoredLog, Transition } from "./jobView.ts"
import type { JobEdit } from "./jobEdit.ts"
import { followJob } from "./jobFollower.ts"
import type { FollowOptions } from "./jobFollower.ts"
import type { ResultOptions } from "./resultWaiter.ts"

/**
 * What became of something that was asked of one job: `changed` now; `requested` of the attempt that runs;
 * `refused` by the state the job is in; `not_found`.
 */
export type ActionOutcome = "changed" | "requested" | "refused" | "not_found"

/** What a handle does, it does through its client. */
export interface JobOperations {
  /** Spreads the looks of those who follow. */
  readonly rng: Rng
  result(id: string, options?: ResultOptions): Promise<unknown>
  get(id: string): Promise<Job | null>
  trail(id: string): Promise<readonly Transition[]>
  log(id: string): Promise<StoredLog>
  cancel(id: string, reason?: string): Promise<ActionOutcome>
  retry(id: string, reason?: string): Promise<ActionOutcome>
  discard(id: string, reason?: string): Promise<ActionOutcome>
  delete(id: string, reason?: string): Promise<ActionOutcome>
  edit(id: string, edit: JobEdit): Promise<ActionOutcome>
}

/** One job, by its id. What its methods say is true when they are called; the handle itself holds no state. */
export class JobHandle<Result = unknown> {
  readonly id: string
  readonly kind: string | null
  /**
   * What the enqueue did: `enqueued` a new job; `repeated` with an id that was there; `duplicate`: a job
   * with the same unique key is there, and this is its handle; `replaced`: that job took over the new
   * input. `null` on a handle that was made from an id.
   */
  readonly status: EnqueueOutcome["status"] | null
  readonly #operations: JobOperations

  constructor(
    operations: JobOperations,
    id: string,
    kind: string | null,
    status: EnqueueOutcome["status"] | null,
  ) {
    this.#operations = operations
    this.id = id
    this.kind = kind
    this.status = status
  }

  /**
   * Waits until the job has ended, in whichever process.
   * @returns what the handler returned.
   * @throws DroverError `DROVER_DISCARDED`, `DROVER_CANCELLED`, `DROVER_EXPIRED` (its last error is the
   * `cause`), `DROVER_RESULT_TIMEOUT`, `DROVER_JOB_NOT_FOUND`, `DROVER_CLOSED`, or the signal's reason.
   */
  result(options?: ResultOptions): Promise<Result> {
    return this.#operations.result(this.id, options) as Promise<Result>
  }

  /** The job as it is now. @throws DroverError `DROVER_JOB_NOT_FOUND`. */
  async get(): Promise<Job<unknown, Result>> {
    const job = await this.#operations.get(this.id)
    if (job !== null) return job as Job<unknown, Result>
    throw new DroverError("DROVER_JOB_NOT_FOUND", `Job ${this.id} is not there`, {
      details: { jobId: this.id },
    })
  }

  /**
   * Gives the job as it is now, then again whenever its state, attempt or progress has changed, and for the last time when
   * it has ended; from whichever process it runs in. It looks every half second (`every`), so of changes that come faster
   * only the last is seen. To show progress: `for await (const { progress } of handle.follow({ signal }))`.
   * @throws DroverError `DROVER_CONFIG` at once; in the iteration `DROVER_JOB_NOT_FOUND`, `DROVER_CLOSED`, `DROVER_STORE_…`, or
   * the signal's reason.
   */
  follow(options?: FollowOptions): AsyncGenerator<Job<unknown, Result>, void, undefined> {
    const jobs = followJob(this.#operations, this.id, options)
    return jobs as AsyncGenerator<Job<unknown, Result>, void, undefined>
  }

  /** The state that the job is in now. @throws DroverError `DROVER_JOB_NOT_FOUND`. */
  async state(): Promise<JobState> {
    return (await this.get()).state
  }

  /** Every transition so far, oldest first. */
  trail(): Promise<readonly Transition[]> {
    return this.#operations.trail(this.id)
  }

  /** What its attempts logged. */
  log(): Promise<StoredLog> {
    return this.#operations.log(this.id)
  }

  /** Cancels it: a waiting job now; of a running one the signal aborts with `Cancelled`. */
  cancel(reason?: string): Promise<ActionOutcome> {
    return this.#operations.cancel(this.id, reason)
  }

  /** Makes a waiting or finished job run now, with one more attempt if none was left. */
  retry(reason?: string): Promise<ActionOutcome> {
    return this.#operations.retry(this.id, reason)
  }

  /** Ends a waiting job as discarded. */
  discard(reason?: string): Promise<ActionOutcome> {
    return this.#operations.discard(this.id, reason)
  }

  /** Deletes it with its trail and log, unless it runs. */
  delete(reason?: string): Promise<ActionOutcome> {
    return this.#operations.delete(this.id, reason)
  }

  /** Changes a waiting job. */
  edit(edit: JobEdit): Promise<ActionOutcome> {
    return this.#operations.edit(this.id, edit)
  }

  /** Gives a waiting job a new due time: an instant, or a wait from now. */
  reschedule(due: Date | { readonly runIn: Duration }): Promise<ActionOutcome> {
    return this.edit(due instanceof Date ? { runAt: due } : { runIn: due.runIn })
  }

  /** Gives a waiting job a new priority, 0 (first) to 1000 (last). */
  reprioritise(priority: number): Promise<ActionOutcome> {
    return this.edit({ priority })
  }
}
