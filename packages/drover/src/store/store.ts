import type { Events } from "../events/index.ts"
import type { Clock, Rng } from "../time/index.ts"
import type { AttemptRef, SettleRequest, SettleStatus } from "./attempt.ts"
import type {
  ExchangeReply,
  ExchangeRequest,
  PeekReply,
  PeekRequest,
  QueueSettings,
  WorkerRef,
} from "./exchange.ts"
import type { JobLog, JobRow, LogLine, StoredError, TrailEntry } from "./jobRow.ts"
import type { JobState } from "./jobState.ts"
import type { Fenced, LeadershipStore, TermRef } from "./leadershipStore.ts"
import type { LimitStore } from "./limitStore.ts"
import type { MoveStore } from "./moveStore.ts"
import type { EnqueueOutcome, NewJob } from "./newJob.ts"
import type { ScheduleStore } from "./scheduleStore.ts"
import type { ActionReply, JobAction, JobPage, JobPatch, JobSelection } from "./selection.ts"
import type {
  ExpiredJob,
  HealthCheck,
  MigrationStatus,
  PruneReply,
  QueueCounts,
  RescuedJob,
  RescueRequest,
  Retention,
  WorkerRow,
} from "./upkeep.ts"

/** What a store is handed instead of globals. */
export interface StoreEnvironment {
  readonly clock: Clock
  readonly rng: Rng
  readonly events: Events
}

/** Names a database without touching it: what users pass as `store`, made by `sqlite(…)` or `postgres(…)`. */
export interface StoreSource {
  /** For messages: the path or the address without secrets. */
  readonly label: string
  /** Makes the store; it does nothing until `open`. */
  connect(environment: StoreEnvironment): Store
  /** Makes what moves the database to another or takes one in. Absent where only this process can reach it. */
  connectMove?(environment: StoreEnvironment): MoveStore
}

/** How `open` treats a schema that is not up to date. */
export interface OpenOptions {
  /** `true` applies pending migrations; `false` refuses to open when there are some. */
  readonly migrate: boolean
}

/** Writes inside a transaction that the caller commits or rolls back. */
export interface StoreTransaction {
  /** Takes the jobs as part of the transaction: they are visible and wake workers when it commits. */
  enqueue(jobs: readonly NewJob[]): Promise<readonly EnqueueOutcome[]>
  /**
   * Settles an attempt as part of the transaction, under its fence: what the transaction writes and the end of the
   * attempt are committed together or not at all. The job stays locked until then.
   */
  settle(request: SettleRequest): Promise<SettleStatus>
  /**
   * The connection for the user's statements in the same transaction (`DatabaseSync` on SQLite). One that the store
   * opened is dead after the end, however it ended; a database in memory has only the store's own, which is not.
   */
  readonly connection: unknown
}

/** Identity of a worker that registers. */
export interface NewWorker {
  readonly workerId: string
  readonly token: number
  readonly leaseMs: number
  readonly host: string
  readonly pid: number
  /** JSON text shown to operators. */
  readonly info: string
}

/** A beat that runs apart from the main loop. */
export interface BeatThreadOptions {
  readonly worker: WorkerRef
  readonly leaseMs: number
  readonly everyMs: number
  /** Stop beating when `touch` was not called for this long: the main loop hangs, so others may take over. */
  readonly stallMs: number
  /** A beat reached the store; `sentMono` is the monotonic time before it was sent. */
  onBeat(sentMono: number): void
  /** The store said that the worker's row is gone. */
  onLost(): void
  /** A beat failed; the thread goes on trying. */
  onError(error: unknown): void
}

/** Handle of a running beat thread. */
export interface BeatThread {
  /** Tells the thread that the main loop is alive. Cheap. */
  touch(): void
  stop(): Promise<void>
}

/**
 * The contract of a database. Coarse, atomic operations: each is one statement or one transaction, decided
 * by the store's own clock, safe to repeat after a lost reply. Every implementation passes the same
 * conformance suite, and no method reports an expected outcome by throwing.
 *
 * All methods reject with `DROVER_CLOSED` before `open` and after `close`, and with a `DROVER_STORE_…`
 * code when the database fails; a busy database is retried inside, with jitter, up to a bound.
 */
export interface Store extends LeadershipStore, LimitStore, ScheduleStore {
  readonly dialect: "sqlite" | "postgres"
  readonly label: string
  /** How many exchanges of one worker at once are worth while, where more than one is. @default 1 */
  readonly flights?: number
  /** Whether a claim that finds nothing costs about as much as a look and holds up nobody, so that a hint is worth one. @default false */
  readonly claimsOnHint?: boolean

  open(options: OpenOptions): Promise<void>
  /** Waits for what is under way, then closes. Safe to call twice. */
  close(): Promise<void>
  migrations(): Promise<readonly MigrationStatus[]>
  /** Applies pending migrations; with `dryRun` only says which. */
  migrate(options: { readonly dryRun: boolean }): Promise<readonly MigrationStatus[]>
  /** The store's time in ms since 1970: monotone, the one that decides. */
  now(): Promise<number>
  /**
   * Calls back when anything may have changed that another process did. A hint: it may come late, often or never.
   * "ends": attempts ended, and nothing may start because of it; a store that cannot tell says nothing.
   */
  watch(listener: (what?: "ends") => void): () => void

  // — producers
  /** Writes all or nothing. Concurrent calls share one sync to disk. */
  enqueue(jobs: readonly NewJob[]): Promise<readonly EnqueueOutcome[]>
  /** Runs the body with the database's write lock held; commits when it resolves, rolls back when it rejects or takes longer than `timeoutMs`. */
  transaction<T>(
    body: (tx: StoreTransaction) => Promise<T> | T,
    options: { readonly timeoutMs: number },
  ): Promise<T>
  /** Takes part in a transaction that is open on the user's own connection. @throws DroverError `DROVER_TRANSACTION` when it is not the right kind, not the same database, or not in a transaction. */
  adopt(connection: unknown): StoreTransaction

  // — workers
  registerWorker(worker: NewWorker): Promise<WorkerRef>
  /** Prolongs the lease; `lost` when the row is gone or rescued. */
  beat(worker: WorkerRef, leaseMs: number): Promise<"held" | "lost">
  /** Beats from a thread of its own, where the store can. */
  beatThread?(options: BeatThreadOptions): Promise<BeatThread>
  /** Removes the worker's row after a clean stop. Jobs it still holds are handed back as interrupted. */
  retireWorker(worker: WorkerRef): Promise<void>
  exchange(request: ExchangeRequest): Promise<ExchangeReply>
  peek(request: PeekRequest): Promise<PeekReply>
  /** Stores the latest progress. `fenced` when the attempt was superseded. */
  progress(attempt: AttemptRef, value: string): Promise<"stored" | "fenced">
  /** Appends lines; `dropped` is added to the job's count of lines not kept. */
  appendLog(
    attempt: AttemptRef,
    lines: readonly LogLine[],
    dropped: number,
  ): Promise<"stored" | "fenced">

  // — upkeep; the leader does these, each is one conditional transaction under its term
  /**
   * Takes back the jobs of `deadWorkers`, which the caller has proved dead, and, with `expiredLeases`, of workers
   * whose lease ended; without it nobody's silence counts as death (after an outage or a clock jump). At most
   * `limit` jobs; reads first, and writes nothing when there is nothing to take back.
   */
  rescue(request: RescueRequest): Promise<Fenced<readonly RescuedJob[]>>
  /** Workers on this machine that are proved dead: their process is gone. Empty where that cannot be proved. */
  deadWorkers(): Promise<readonly string[]>
  /** How long until the first of the leases that last ends, unless its worker beats; `null` when none lasts. */
  nextLeaseEndMs(): Promise<number | null>
  /** Discards waiting jobs whose expiry has passed. */
  expire(request: {
    readonly term: TermRef
    readonly limit: number
  }): Promise<Fenced<readonly ExpiredJob[]>>
  /** Deletes finished jobs that are older or more than they may be, with all their traces. */
  prune(request: {
    readonly term: TermRef
    readonly retention: Retention
    readonly limit: number
  }): Promise<Fenced<PruneReply>>

  // — questions
  get(id: string): Promise<JobRow | null>
  /** State and outcome of those jobs of the list that are finished. */
  finished(ids: readonly string[]): Promise<readonly FinishedJob[]>
  /** @param page `look`: where no index helps, so many jobs are looked at, and the next page goes on. @default all */
  list(
    selection: JobSelection,
    page: { readonly limit: number; readonly after: string | null; readonly look?: number },
  ): Promise<JobPage>
  /** Counts, stopping at `cap`. */
  count(selection: JobSelection, cap: number): Promise<number>
  /** Transitions of one job, oldest first. */
  trail(id: string): Promise<readonly TrailEntry[]>
  /** Transitions of all jobs after `seq`, oldest first; `null` starts at the end and returns only the position. */
  trailAfter(
    seq: number | null,
    limit: number,
  ): Promise<{ readonly entries: readonly TrailEntry[]; readonly seq: number }>
  log(id: string): Promise<JobLog>
  queueCounts(cap: number): Promise<readonly QueueCounts[]>
  workers(): Promise<readonly WorkerRow[]>
  doctor(): Promise<readonly HealthCheck[]>

  // — operators
  /** Changes a waiting job. */
  edit(id: string, patch: JobPatch, actor: string): Promise<"edited" | "not_found" | "wrong_state">
  /** At most `limit` jobs, oldest first. */
  act(
    action: JobAction,
    selection: JobSelection,
    options: { readonly actor: string; readonly reason: string; readonly limit: number },
  ): Promise<ActionReply>
  queueSettings(): Promise<readonly QueueSettings[]>
  /** Changes what is stored about a queue; absent fields stay. */
  setQueue(
    queue: string,
    change: {
      readonly paused?: boolean
      readonly slots?: number | null
      readonly agingMs?: number | null
    },
    actor: string,
  ): Promise<QueueSettings>
}

/** The end of a job, for those who wait for it. */
export interface FinishedJob {
  readonly id: string
  readonly state: Extract<JobState, "completed" | "discarded" | "cancelled">
  readonly result: string | null
  readonly reason: string | null
  readonly error: StoredError | null
}
