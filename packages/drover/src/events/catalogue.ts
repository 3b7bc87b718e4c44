import type { DroverError } from "../errors/index.ts"

/** The identity of a job, in every event about one. */
export interface JobEvent {
  readonly jobId: string
  readonly kind: string
  readonly queue: string
}

/** The identity of one attempt, in every event about one. */
export interface AttemptEvent extends JobEvent {
  /** 1 for the first run. */
  readonly attempt: number
}

/** Why a service stopped or an attempt was aborted, and what it carries for a log. */
export type EventReason = DroverError | string

/**
 * Everything that happens in Drover and may be watched: name → data. Rooms emit these and nothing else;
 * logs, metrics, tests and users subscribe. The first word of a name is the room's noun. Names and fields
 * are public: they are added to, not changed.
 */
export interface DroverEvents {
  /** A job was committed by this process. */
  "job.enqueued": JobEvent
  /** An enqueue found a job with the same unique key and made none; `jobId` is the one that exists. */
  "job.deduplicated": JobEvent & { readonly key?: string }
  /** A handler is about to be called. */
  "job.started": AttemptEvent & { readonly worker: string }
  /** The result was recorded. */
  "job.completed": AttemptEvent & { readonly durationMs: number }
  /** The handler said no. `retryInMs` is `false` when it will not run again (then `job.discarded` follows). */
  "job.failed": AttemptEvent & {
    readonly error: unknown
    readonly failures: number
    readonly retryInMs: number | false
  }
  /** The job ended without a result and will not run again. */
  "job.discarded": JobEvent & {
    readonly attempt?: number
    readonly reason: string
    readonly error?: unknown
  }
  /**
   * An attempt or a rescue ended as cancelled, or a claim found that another job holds the job's unique key. A waiting
   * job that somebody cancelled is told only in its trail.
   */
  "job.cancelled": JobEvent & { readonly attempt?: number }
  /** The handler asked to be run again later; costs no failure. */
  "job.snoozed": AttemptEvent & { readonly delayMs: number }
  /** The attempt was handed back (shutdown, lost lease); costs no failure. */
  "job.interrupted": AttemptEvent & { readonly reason: EventReason }
  /** The thread or process of an isolated kind died under the attempt; counts one crash. */
  "job.crashed": AttemptEvent & { readonly reason: string }
  /** A sweep or a claim found that the job was not started before its expiry. */
  "job.expired": JobEvent
  /** A job of a dead worker was taken back. */
  "job.rescued": {
    readonly jobId: string
    readonly kind: string
    readonly attempt: number
    readonly crashes: number
    /** The worker that was found dead. */
    readonly worker: string
  }
  /** A write of a superseded attempt was rejected by the store. */
  "job.fenced": { readonly jobId: string; readonly attempt: number; readonly operation: string }
  /** A handler did not end although its attempt was aborted; it keeps its slot. */
  "job.stuck": {
    readonly jobId: string
    readonly kind: string
    readonly attempt: number
    readonly sinceMs: number
  }
  /** An attempt's code let an error loose outside of its handler's promise; the attempt fails, if it still runs. */
  "job.strayed": AttemptEvent & { readonly error: unknown }
  "job.progress": AttemptEvent & { readonly progress: unknown }

  "queue.paused": { readonly queue: string }
  "queue.resumed": { readonly queue: string }
  /**
   * What holds under a limit changed through this process; `null` is no limit any more. `by` is the operator, `null` for
   * this process's own code.
   */
  "limit.changed": {
    readonly limit: string
    readonly setting: {
      readonly max: number | null
      readonly perMs: number | null
      readonly weights: Readonly<Record<string, number>> | null
    } | null
    readonly by: string | null
  }
  "queue.resized": { readonly queue: string; readonly slots: number }

  "worker.started": { readonly worker: string; readonly queues: readonly string[] }
  "worker.stopping": { readonly worker: string; readonly reason: EventReason }
  "worker.stopped": { readonly worker: string }
  /** The worker can no longer prove that it is alive: it aborts what it runs and claims nothing. */
  "worker.lease_lost": { readonly worker: string; readonly sinceMs: number }
  "worker.lease_regained": { readonly worker: string }
  /** The event loop did not turn for `gapMs`; `running` are the ids of the jobs that may be the cause. */
  "worker.stalled": {
    readonly worker: string
    readonly gapMs: number
    readonly running: readonly string[]
  }

  /** An operation had to wait for the database; it succeeded or will be reported as failed. */
  "store.busy": { readonly operation: string; readonly waitedMs: number; readonly attempts: number }
  "store.failed": { readonly operation: string; readonly code: string; readonly message: string }
  /** The first success after `store.failed`; after a full disk, once what it refused is written or it refuses nothing more. */
  "store.recovered": { readonly operation: string; readonly afterMs: number }

  /**
   * Connections lead to a pooler that swaps them between transactions: nothing is kept on a session from now on, and
   * changes are found by polling.
   */
  "store.pooler_found": { readonly store: string; readonly reason: string }
  /** Changes that other processes make are not heard of at once, but found by polling. */
  "store.deaf": { readonly store: string; readonly reason: string }
  /** Changes are heard of again. */
  "store.listening": { readonly store: string; readonly afterMs: number }

  /** The wall clock and the monotonic clock disagree by this much since the last look. */
  "clock.jumped": { readonly byMs: number }

  /** This client leads from now on. `client` is its name among the candidates. */
  "leader.elected": { readonly term: number; readonly client: string }
  /** This client gave its term back: it stops, or its maintenance cannot run here. */
  "leader.resigned": {
    readonly term: number
    readonly client: string
    readonly reason: EventReason
  }
  /** The term was taken away, or could not be renewed in time. */
  "leader.lost": { readonly term: number; readonly client: string; readonly reason: EventReason }
  /** Maintenance failed here so often in a row; this client lets others lead for `forMs`. */
  "leader.stood_back": { readonly term: number; readonly failures: number; readonly forMs: number }

  /** All services of the leader run. */
  "maintenance.started": { readonly term: number; readonly attempt: number }
  /** The leader leads without maintenance. `retryInMs` is `false` when it gives the term back. */
  "maintenance.start_failed": {
    readonly term: number
    readonly attempt: number
    readonly error: unknown
    readonly retryInMs: number | false
  }
  /** Nothing of this term's maintenance runs any more. */
  "maintenance.stopped": { readonly term: number; readonly reason: EventReason }
  /** One round of a service of the leader changed so many rows. */
  "maintenance.swept": {
    readonly service: string
    readonly term: number
    readonly rows: number
  }

  /** A service that a user runs only on the leader has started, failed to, or stopped. */
  "singleton.started": { readonly name: string; readonly term: number }
  "singleton.start_failed": {
    readonly name: string
    readonly term: number
    readonly attempt: number
    readonly error: unknown
    readonly retryInMs: number
  }
  "singleton.stopped": {
    readonly name: string
    readonly term: number
    readonly reason: EventReason
    /** What its stop threw, if it did. */
    readonly error?: unknown
  }

  /** A planned instant became a job. */
  "schedule.ticked": {
    readonly schedule: string
    readonly tickAt: number
    readonly jobId: string
    /** Behind the instant at which the tick was due, by the store's clock. */
    readonly lateMs: number
  }
  /** Planned instants became no job: `count` from `tickAt` to `throughAt`, or more than anybody counted (`null`). */
  "schedule.skipped": {
    readonly schedule: string
    readonly tickAt: number
    readonly throughAt: number
    readonly count: number | null
    readonly reason: string
  }
  /** A tick waits for the job of the tick before to end. */
  "schedule.held": { readonly schedule: string; readonly tickAt: number }
  /** This process changed a schedule: it was created, edited, paused, retired, … */
  "schedule.changed": {
    readonly schedule: string
    readonly action: string
    readonly actor: string
  }
  /** A schedule cannot go on by itself: it stands still until somebody changes it. Others are not disturbed. */
  "schedule.failed": { readonly schedule: string; readonly error: unknown }
  /** The schedules of this program were not applied, because those of a newer deployment are there. */
  "schedule.superseded": {
    readonly deployment: string
    readonly generation: number
    readonly current: number
  }

  "service.started": { readonly service: string }
  "service.stopped": { readonly service: string; readonly reason: EventReason }
  /** A service could not start or stop cleanly, or a part of it failed while it ran. */
  "service.failed": {
    readonly service: string
    readonly phase: "start" | "run" | "stop"
    readonly error: unknown
  }
  /** One round of periodic work failed; the next one comes after a growing wait. */
  "service.round_failed": {
    readonly service: string
    readonly error: unknown
    /** Failed rounds in a row, this one included. */
    readonly failures: number
    readonly retryInMs: number
  }

  /** A listener threw or rejected. The emitter and the other listeners were not disturbed. */
  "drover.listener_failed": { readonly event: string; readonly error: unknown }
}

/** The name of an event. */
export type EventName = keyof DroverEvents
