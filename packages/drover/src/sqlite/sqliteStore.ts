import type {
  ActionReply,
  AttemptRef,
  BeatThread,
  BeatThreadOptions,
  DueSchedules,
  BidReply,
  BidRequest,
  CleanReply,
  EnqueueOutcome,
  ExchangeReply,
  ExchangeRequest,
  ExpiredJob,
  Fenced,
  FinishedJob,
  HealthCheck,
  HistoryPage,
  JobAction,
  JobLog,
  JobPage,
  JobPatch,
  JobRow,
  JobSelection,
  LeaderRow,
  LimitDeclaration,
  LimitId,
  LimitRepairs,
  LimitRow,
  LimitSetting,
  LogLine,
  MigrationStatus,
  NewJob,
  NewWorker,
  OpenOptions,
  PeekReply,
  PeekRequest,
  PruneReply,
  QueueCounts,
  QueueSample,
  QueueSettings,
  RescuedJob,
  RescueRequest,
  Retention,
  ScheduleChange,
  ScheduleChangeReply,
  ScheduleChangeRow,
  ScheduleDeployment,
  ScheduleDeploymentReply,
  ScheduleRow,
  ScheduleTickReply,
  ScheduleTicks,
  ScheduleTrigger,
  Store,
  StoreTransaction,
  TermRef,
  TickRow,
  TrailEntry,
  Turn,
  WorkerRef,
  WorkerRow,
} from "../store/index.ts"
import { systemClock } from "../time/index.ts"
import { startBeatThread } from "./beatThread.ts"
import { watch } from "./changeSignal.ts"
import { doctor } from "./doctor.ts"
import { enqueue } from "./enqueue.ts"
import { exchange } from "./exchange.ts"
import { finished } from "./finished.ts"
import { limits } from "./limitReport.ts"
import { declareLimits, setLimit } from "./limitSettings.ts"
import { reconcileLimits } from "./limitUpkeep.ts"
import { appendLog, progress } from "./notes.ts"
import { act } from "./actOnJobs.ts"
import { addSamples, clean, samples } from "./leaderWork.ts"
import { edit, queueSettings, setQueue } from "./operators.ts"
import { peek } from "./peek.ts"
import { count, get, list, log, trail, trailAfter } from "./questions.ts"
import { queueCounts } from "./queueCounts.ts"
import type { SqliteDatabase } from "./sqliteDatabase.ts"
import { bid, claimTurn, leader, renewTerm, resignTerm } from "./terms.ts"
import {
  changeSchedule,
  deploySchedules,
  removeSchedule,
  schedule,
  scheduleChanges,
  schedules,
  scheduleTicks,
} from "./schedules.ts"
import { dueSchedules, tickSchedules, triggerSchedule } from "./ticks.ts"
import { expire, prune } from "./upkeep.ts"
import {
  beat,
  deadWorkers,
  nextLeaseEndMs,
  registerWorker,
  rescue,
  retireWorker,
  workerRows,
} from "./workers.ts"

/** `Store` on node:sqlite: the table of contents of this room. Each operation is in the file of its concern. */
export class SqliteStore implements Store {
  readonly dialect = "sqlite"
  readonly label: string
  readonly #database: SqliteDatabase
  /** Other processes and threads can reach the database, so a beat can come from a thread of its own. */
  readonly beatThread?: (options: BeatThreadOptions) => Promise<BeatThread>

  constructor(database: SqliteDatabase) {
    this.#database = database
    this.label = database.label
    // It beats by the machine's clock, so it cannot serve a store that was given another one.
    const hasThread = database.hasFile && database.clock === systemClock
    if (hasThread) this.beatThread = (options) => startBeatThread(database, options)
  }

  open(options: OpenOptions): Promise<void> {
    return this.#database.open(options)
  }

  close(): Promise<void> {
    return this.#database.close()
  }

  migrations(): Promise<readonly MigrationStatus[]> {
    return this.#database.migrations()
  }

  migrate(options: { readonly dryRun: boolean }): Promise<readonly MigrationStatus[]> {
    return this.#database.migrate(options)
  }

  now(): Promise<number> {
    return this.#database.storeNow()
  }

  watch(listener: () => void): () => void {
    return watch(this.#database, listener)
  }

  enqueue(jobs: readonly NewJob[]): Promise<readonly EnqueueOutcome[]> {
    return enqueue(this.#database, jobs)
  }

  transaction<T>(
    body: (tx: StoreTransaction) => Promise<T> | T,
    options: { readonly timeoutMs: number },
  ): Promise<T> {
    return this.#database.transaction(body, options.timeoutMs)
  }

  adopt(connection: unknown): StoreTransaction {
    return this.#database.adopt(connection)
  }

  registerWorker(worker: NewWorker): Promise<WorkerRef> {
    return registerWorker(this.#database, worker)
  }

  beat(worker: WorkerRef, leaseMs: number): Promise<"held" | "lost"> {
    return beat(this.#database, worker, leaseMs)
  }

  retireWorker(worker: WorkerRef): Promise<void> {
    return retireWorker(this.#database, worker)
  }

  exchange(request: ExchangeRequest): Promise<ExchangeReply> {
    return exchange(this.#database, request)
  }

  peek(request: PeekRequest): Promise<PeekReply> {
    return peek(this.#database, request)
  }

  progress(attempt: AttemptRef, value: string): Promise<"stored" | "fenced"> {
    return progress(this.#database, attempt, value)
  }

  appendLog(
    attempt: AttemptRef,
    lines: readonly LogLine[],
    dropped: number,
  ): Promise<"stored" | "fenced"> {
    return appendLog(this.#database, attempt, lines, dropped)
  }

  rescue(request: RescueRequest): Promise<Fenced<readonly RescuedJob[]>> {
    return rescue(this.#database, request)
  }

  deadWorkers(): Promise<readonly string[]> {
    return deadWorkers(this.#database)
  }

  nextLeaseEndMs(): Promise<number | null> {
    return nextLeaseEndMs(this.#database)
  }

  expire(request: {
    readonly term: TermRef
    readonly limit: number
  }): Promise<Fenced<readonly ExpiredJob[]>> {
    return expire(this.#database, request)
  }

  prune(request: {
    readonly term: TermRef
    readonly retention: Retention
    readonly limit: number
  }): Promise<Fenced<PruneReply>> {
    return prune(this.#database, request)
  }

  get(id: string): Promise<JobRow | null> {
    return get(this.#database, id)
  }

  finished(ids: readonly string[]): Promise<readonly FinishedJob[]> {
    return finished(this.#database, ids)
  }

  list(
    selection: JobSelection,
    page: { readonly limit: number; readonly after: string | null; readonly look?: number },
  ): Promise<JobPage> {
    return list(this.#database, selection, page)
  }

  count(selection: JobSelection, cap: number): Promise<number> {
    return count(this.#database, selection, cap)
  }

  trail(id: string): Promise<readonly TrailEntry[]> {
    return trail(this.#database, id)
  }

  trailAfter(
    seq: number | null,
    limit: number,
  ): Promise<{ readonly entries: readonly TrailEntry[]; readonly seq: number }> {
    return trailAfter(this.#database, seq, limit)
  }

  log(id: string): Promise<JobLog> {
    return log(this.#database, id)
  }

  queueCounts(cap: number): Promise<readonly QueueCounts[]> {
    return queueCounts(this.#database, cap)
  }

  workers(): Promise<readonly WorkerRow[]> {
    return workerRows(this.#database)
  }

  doctor(): Promise<readonly HealthCheck[]> {
    return doctor(this.#database)
  }

  edit(
    id: string,
    patch: JobPatch,
    actor: string,
  ): Promise<"edited" | "not_found" | "wrong_state"> {
    return edit(this.#database, id, patch, actor)
  }

  act(
    action: JobAction,
    selection: JobSelection,
    options: { readonly actor: string; readonly reason: string; readonly limit: number },
  ): Promise<ActionReply> {
    return act(this.#database, action, selection, options)
  }

  queueSettings(): Promise<readonly QueueSettings[]> {
    return queueSettings(this.#database)
  }

  setQueue(
    queue: string,
    change: {
      readonly paused?: boolean
      readonly slots?: number | null
      readonly agingMs?: number | null
    },
    actor: string,
  ): Promise<QueueSettings> {
    return setQueue(this.#database, queue, change, actor)
  }

  bid(request: BidRequest): Promise<BidReply> {
    return bid(this.#database, request)
  }

  renewTerm(term: TermRef, ttlMs: number): Promise<"held" | "ended"> {
    return renewTerm(this.#database, term, ttlMs)
  }

  resignTerm(term: TermRef): Promise<"resigned" | "ended"> {
    return resignTerm(this.#database, term)
  }

  leader(): Promise<LeaderRow | null> {
    return leader(this.#database)
  }

  claimTurn(request: {
    readonly term: TermRef
    readonly service: string
    readonly everyMs: number
  }): Promise<Fenced<Turn>> {
    return claimTurn(this.#database, request)
  }

  clean(request: {
    readonly term: TermRef
    readonly idleMs: number
    readonly limit: number
  }): Promise<Fenced<CleanReply>> {
    return clean(this.#database, request)
  }

  addSamples(request: {
    readonly term: TermRef
    readonly samples: readonly Omit<QueueSample, "at">[]
    readonly keepMs: number
    readonly limit: number
  }): Promise<Fenced<{ readonly forgotten: number }>> {
    return addSamples(this.#database, request)
  }

  samples(request: {
    readonly queue: string | null
    readonly sinceMs: number
    readonly limit: number
  }): Promise<readonly QueueSample[]> {
    return samples(this.#database, request)
  }

  declareLimits(declaration: LimitDeclaration): Promise<readonly string[]> {
    return declareLimits(this.#database, declaration)
  }

  setLimit(
    limit: LimitId,
    setting: LimitSetting | null,
    actor: string,
  ): Promise<LimitSetting | null> {
    return setLimit(this.#database, limit, setting, actor)
  }

  limits(cap: number): Promise<readonly LimitRow[]> {
    return limits(this.#database, cap)
  }

  reconcileLimits(request: {
    readonly term: TermRef
    readonly limit: number
  }): Promise<Fenced<LimitRepairs>> {
    return reconcileLimits(this.#database, request)
  }

  schedules(page: {
    readonly after: string | null
    readonly limit: number
  }): Promise<readonly ScheduleRow[]> {
    return schedules(this.#database, page)
  }

  schedule(name: string): Promise<ScheduleRow | null> {
    return schedule(this.#database, name)
  }

  deploySchedules(deployment: ScheduleDeployment): Promise<ScheduleDeploymentReply> {
    return deploySchedules(this.#database, deployment)
  }

  changeSchedule(change: ScheduleChange): Promise<ScheduleChangeReply> {
    return changeSchedule(this.#database, change)
  }

  removeSchedule(change: Omit<ScheduleChange, "patch" | "passed">): Promise<ScheduleChangeReply> {
    return removeSchedule(this.#database, change)
  }

  dueSchedules(limit: number): Promise<DueSchedules> {
    return dueSchedules(this.#database, limit)
  }

  tickSchedules(request: ScheduleTicks): Promise<Fenced<readonly ScheduleTickReply[]>> {
    return tickSchedules(this.#database, request)
  }

  triggerSchedule(request: ScheduleTrigger): Promise<EnqueueOutcome | "not_found"> {
    return triggerSchedule(this.#database, request)
  }

  scheduleTicks(request: HistoryPage<string>): Promise<readonly TickRow[]> {
    return scheduleTicks(this.#database, request)
  }

  scheduleChanges(request: HistoryPage<string | null>): Promise<readonly ScheduleChangeRow[]> {
    return scheduleChanges(this.#database, request)
  }
}
