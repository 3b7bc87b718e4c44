import type { Fenced, TermRef } from "./leadershipStore.ts"
import type { EnqueueOutcome, NewJob } from "./newJob.ts"

/**
 * A schedule as it is stored. What it means (cron, zones, policies) is JSON that only `schedules/` reads; the store
 * keeps the pointer, the version and the history. Times are ms since 1970 by the store's clock.
 */
export interface ScheduleRow {
  readonly name: string
  /** Grows with every write to the row. Whoever writes names the version it has read. */
  readonly version: number
  /** The deployment that declares it; `null` when no code ever did. */
  readonly deployment: string | null
  /** JSON object of the fields as code declares them; `null` when no code does. */
  readonly declared: string | null
  /** JSON object of the fields that operators set; they go before those of the code. */
  readonly changed: string
  /** Where an interval is counted from. */
  readonly anchorAt: number
  /** The planned instant that comes next; `null` when none does. */
  readonly nextAt: number | null
  /** When that tick is due, its jitter included; `null` while nothing may fire. */
  readonly fireAt: number | null
  /** The planned instant of a tick that waits for the former job to end. */
  readonly heldAt: number | null
  readonly pausedAt: number | null
  /** No deployment declares it any more. */
  readonly retiredAt: number | null
  /** An operator removed it; code that still declares it does not bring it back. */
  readonly deletedAt: number | null
  /** Why it cannot go on by itself, or `null`. */
  readonly failure: string | null
  /** The latest tick that became a job, and that job. */
  readonly lastAt: number | null
  readonly lastJobId: string | null
  readonly createdAt: number
  readonly updatedAt: number
  readonly updatedBy: string
}

/** What a write puts into a schedule's row. */
export type SchedulePatch = Partial<
  Pick<
    ScheduleRow,
    "declared" | "changed" | "anchorAt" | "nextAt" | "fireAt" | "heldAt" | "failure" | "deployment"
  >
> & {
  readonly paused?: boolean
  readonly retired?: boolean
  readonly deleted?: boolean
}

/** One planned instant, or a stretch of them that shares a fate, as the history keeps it. */
export interface TickRecord {
  readonly at: number
  /** The last planned instant of the stretch; `at` itself for one tick. */
  readonly throughAt: number
  /** How many planned instants; `null` when they are too many to count. */
  readonly count: number | null
  /** The job that it becomes, or `null` when it is skipped. */
  readonly job: NewJob | null
  /** Why it is skipped. */
  readonly reason: string | null
}

/** A line of a schedule's history. */
export interface TickRow {
  /** Grows within one schedule. */
  readonly n: number
  readonly at: number
  readonly throughAt: number
  readonly count: number | null
  readonly jobId: string | null
  /** Why there is no job: "overlap", "missed", "paused", …; "held" while it waits for the former job. */
  readonly reason: string | null
  /** Who asked for it, when it was not planned. */
  readonly actor: string | null
  readonly recordedAt: number
}

/** A line of the list of changes. Never changed once written. */
export interface ScheduleChangeRow {
  readonly seq: number
  readonly schedule: string
  readonly at: number
  readonly actor: string
  /** "created", "declared", "edited", "paused", "resumed", "retired", "deleted", "restored", "failed", … */
  readonly action: string
  /** JSON of what changed, or `null`. */
  readonly detail: string | null
}

/** A change to one schedule. */
export interface ScheduleChange {
  /** Of this change: sent again under the same id, it is the same change. */
  readonly id: string
  readonly name: string
  /** As it was read; `null` creates the schedule. */
  readonly version: number | null
  readonly patch: SchedulePatch
  /** Planned instants that the change passes over. */
  readonly passed: readonly TickRecord[]
  readonly actor: string
  readonly action: string
  readonly detail: string | null
}

/** What became of a change. After "stale" nothing was written: read the row and decide anew. */
export type ScheduleChangeReply = "changed" | "repeated" | "stale"

/** A configuration that code brings along. */
export interface ScheduleDeployment {
  /** The program that declares these schedules, and alone retires them. */
  readonly deployment: string
  /** Tells one configuration from another. */
  readonly hash: string
  /** Its number when the program counts its deployments itself, else `null`: numbered by first appearance. */
  readonly number: number | null
  /** Makes a configuration that was replaced the current one again, under a new number. Not with `number`. */
  readonly force: boolean
  readonly changes: readonly ScheduleChange[]
}

/** What became of a deployment. */
export type ScheduleDeploymentReply =
  | { readonly status: "applied"; readonly generation: number }
  /** A schedule changed since it was read; nothing was written. */
  | { readonly status: "stale" }
  /** A newer configuration is there; nothing was written. */
  | { readonly status: "superseded"; readonly generation: number; readonly current: number }
  /** Another configuration has the same number; nothing was written. */
  | { readonly status: "conflict"; readonly current: number }

/** What is due, and when to look again. */
export interface DueSchedules {
  /** The store's time of this look. */
  readonly now: number
  /** Whose tick is due, the longest overdue first. */
  readonly due: readonly ScheduleRow[]
  /** Whose held tick may go on, because the former job has ended. */
  readonly released: readonly ScheduleRow[]
  /** Whether any tick is held. */
  readonly holds: boolean
  /** Until the next tick that is not due yet; `null` for none. */
  readonly nextInMs: number | null
}

/** What a tick does when the schedule's former job has not ended. */
export type OverlapPolicy =
  /** Runs beside it. */
  | "allow"
  /** Is skipped, with the reason "overlap". */
  | "skip"
  /** Waits for its end; while one waits, further ones are skipped. */
  | "queue-one"

/** The ticks of one schedule that are due, and where its pointer goes. */
export interface ScheduleTick {
  readonly name: string
  readonly version: number
  /** In order; empty to release a held tick, or to stop a schedule that cannot go on. */
  readonly records: readonly TickRecord[]
  readonly overlap: OverlapPolicy
  readonly nextAt: number | null
  readonly fireAt: number | null
  /** The job of a held tick that goes on now. */
  readonly release: { readonly at: number; readonly job: NewJob } | null
  /** Stops the schedule, and says why. */
  readonly failure: string | null
}

/** What became of one record: its job, or why there is none. */
export interface TickOutcome {
  readonly at: number
  readonly throughAt: number
  readonly count: number | null
  readonly job: EnqueueOutcome | null
  readonly reason: string | null
}

/** What became of the ticks of one schedule. */
export interface ScheduleTickReply {
  readonly name: string
  readonly status:
    | "ticked"
    /** The same ticks are there already; nothing was written. */
    | "repeated"
    /** The schedule changed since it was read, or is not due by the store's clock; nothing was written. */
    | "stale"
  readonly outcomes: readonly TickOutcome[]
}

/** Which lines of a history: the newest `limit` ones, of those before `before` if it is given. */
export interface HistoryPage<Name> {
  readonly name: Name
  readonly limit: number
  readonly before: number | null
}

/** Ticks to write under a term. */
export interface ScheduleTicks {
  readonly term: TermRef
  readonly ticks: readonly ScheduleTick[]
}

/** A job of a schedule that was not planned. */
export interface ScheduleTrigger {
  readonly name: string
  readonly job: NewJob
  readonly actor: string
}

/** How many lines of its history a schedule keeps. */
export const keptTicks = 1_000

/** Schedules: pointers, ticks and who changed what. */
export interface ScheduleStore {
  /** All schedules by name, those after `after` first to `limit`. */
  schedules(page: {
    readonly after: string | null
    readonly limit: number
  }): Promise<readonly ScheduleRow[]>
  schedule(name: string): Promise<ScheduleRow | null>
  /** Applies all changes of a configuration, or none. */
  deploySchedules(deployment: ScheduleDeployment): Promise<ScheduleDeploymentReply>
  changeSchedule(change: ScheduleChange): Promise<ScheduleChangeReply>
  /** Removes a schedule with its history of ticks; its changes stay. For those that no code declares. */
  removeSchedule(change: Omit<ScheduleChange, "patch" | "passed">): Promise<ScheduleChangeReply>
  dueSchedules(limit: number): Promise<DueSchedules>
  /**
   * Writes ticks, their jobs and the pointers behind them, in one transaction of this term. A planned instant is
   * written once for ever, and nothing is written before it is due by the store's clock.
   */
  tickSchedules(request: ScheduleTicks): Promise<Fenced<readonly ScheduleTickReply[]>>
  /** Enqueues a job of a schedule that was not planned, and notes who asked for it. The pointer stays. */
  triggerSchedule(request: ScheduleTrigger): Promise<EnqueueOutcome | "not_found">
  /** The history of a schedule, newest first, those before `before`. */
  scheduleTicks(request: HistoryPage<string>): Promise<readonly TickRow[]>
  /** The changes of a schedule, or with `null` of all, newest first, those before `before`. */
  scheduleChanges(request: HistoryPage<string | null>): Promise<readonly ScheduleChangeRow[]>
}
