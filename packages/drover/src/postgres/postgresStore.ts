import type {
  ActionReply,
  AttemptRef,
  BidReply,
  BidRequest,
  CleanReply,
  DueSchedules,
  EnqueueOutcome,
  ExchangeReply,
  ExchangeRequest,
  ExpiredJob,
  Fenced,
  IndexWork,
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
  LogLine,
  LimitDeclaration,
  LimitId,
  LimitRepairs,
  LimitRow,
  LimitSetting,
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
  StoreTransaction,
  TermRef,
  TickRow,
  TrailEntry,
  Turn,
  WorkerRef,
  WorkerRow,
} from "../store/index.ts"
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
import { act } from "./actOnJobs.ts"
import { adopt } from "./adoptedTransaction.ts"
import { tellChange, watch } from "./changeSignal.ts"
import type { StoreContext } from "./context.ts"
import type { PostgresDatabase } from "./database.ts"
import { doctor } from "./doctor.ts"
import { enqueue, mayShare } from "./enqueue.ts"
import { finished } from "./finished.ts"
import { transaction } from "./heldTransaction.ts"
import { keepIndexes } from "./indexKeeper.ts"
import { Lanes } from "./lanes.ts"
import { addSamples, clean, samples } from "./leaderWork.ts"
import { LimitedLanes } from "./limitedLanes.ts"
import { limits } from "./limitReport.ts"
import { declareLimits, reconcileLimits, setLimit } from "./limitSettings.ts"
import { LowMarks } from "./lowMarks.ts"
import { appendLog, progress } from "./notes.ts"
import { OpenClaims } from "./openClaims.ts"
import { edit, queueSettings, setQueue } from "./operators.ts"
import { peek } from "./peek.ts"
import { count, get, list, log, now, trail } from "./questions.ts"
import { SharedEnqueues } from "./sharedEnqueues.ts"
import { exchangeWithJobs } from "./startJob.ts"
import { closedError } from "./postgresErrors.ts"
import { queueCounts } from "./queueCounts.ts"
import { bid, claimTurn, expire, leader, prune, renewTerm, rescue, resignTerm } from "./terms.ts"
import { trailAfter } from "./trailAfter.ts"
import { beat, nextLeaseEndMs, registerWorker, retireWorker, workerRows } from "./workers.ts"

/** `Store` on Postgres: the table of contents of this room. Each operation is in the file of its concern. */
export class PostgresStore {
  readonly dialect = "postgres"
  // The server works on one while this process starts what the other brought.
  readonly flights = 2
  readonly claimsOnHint = true
  readonly label: string
  readonly #database: PostgresDatabase
  readonly #context: StoreContext
  readonly #enqueues: SharedEnqueues
  readonly #underWay: Set<Promise<unknown>> = new Set()
  #isClosing = false

  constructor(database: PostgresDatabase) {
    this.#database = database
    this.label = database.label
    this.#context = {
      database,
      lanes: new Lanes(database),
      marks: new LowMarks(database.clock),
      limited: new LimitedLanes(),
      claims: new OpenClaims(),
    }
    this.#enqueues = new SharedEnqueues((jobs) => enqueue(this.#context, jobs), mayShare)
  }

  open(options: OpenOptions): Promise<void> {
    return this.#database.open(options)
  }

  async close(): Promise<void> {
    this.#isClosing = true
    // An operation may take several calls of the database.
    await Promise.allSettled(this.#underWay)
    await this.#database.close()
  }

  migrations(): Promise<readonly MigrationStatus[]> {
    return this.#database.migrations()
  }

  migrate(options: { readonly dryRun: boolean }): Promise<readonly MigrationStatus[]> {
    return this.#database.migrate(options)
  }

  now(): Promise<number> {
    return now(this.#database)
  }

  watch(listener: (what?: "ends") => void): () => void {
    return watch(this.#database, listener)
  }

  enqueue(jobs: readonly NewJob[]): Promise<readonly EnqueueOutcome[]> {
    return this.#during("enqueue", () => this.#told(this.#enqueues.enqueue(jobs)))
  }

  transaction<T>(
    body: (tx: StoreTransaction) => Promise<T> | T,
    options: { readonly timeoutMs: number },
  ): Promise<T> {
    return this.#during("transaction", () => this.#told(transaction(this.#context, body, options)))
  }

  adopt(connection: unknown): StoreTransaction {
    return adopt(this.#context, connection)
  }

  registerWorker(worker: NewWorker): Promise<WorkerRef> {
    return this.#during("registerWorker", () => registerWorker(this.#context, worker))
  }

  beat(worker: WorkerRef, leaseMs: number): Promise<"held" | "lost"> {
    return this.#during("beat", () => beat(this.#context, worker, leaseMs))
  }

  retireWorker(worker: WorkerRef): Promise<void> {
    return this.#during("retireWorker", () => this.#told(retireWorker(this.#context, worker)))
  }

  exchange(request: ExchangeRequest): Promise<ExchangeReply> {
    return this.#during("exchange", () => exchangeWithJobs(this.#context, request))
  }

  peek(request: PeekRequest): Promise<PeekReply> {
    return this.#during("peek", () => peek(this.#context, request))
  }

  progress(attempt: AttemptRef, value: string): Promise<"stored" | "fenced"> {
    return this.#during("progress", () => progress(this.#context, attempt, value))
  }

  appendLog(
    attempt: AttemptRef,
    lines: readonly LogLine[],
    dropped: number,
  ): Promise<"stored" | "fenced"> {
    return this.#during("appendLog", () => appendLog(this.#context, attempt, lines, dropped))
  }

  get(id: string): Promise<JobRow | null> {
    return get(this.#database, id)
  }

  finished(ids: readonly string[]): Promise<readonly FinishedJob[]> {
    return finished(this.#context, ids)
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
    return workerRows(this.#context)
  }

  /** Another machine's processes cannot be looked at, and this one's are not told from them. */
  deadWorkers(): Promise<readonly string[]> {
    return Promise.resolve([])
  }

  nextLeaseEndMs(): Promise<number | null> {
    return nextLeaseEndMs(this.#context)
  }

  doctor(): Promise<readonly HealthCheck[]> {
    return doctor(this.#database)
  }

  edit(
    id: string,
    patch: JobPatch,
    actor: string,
  ): Promise<"edited" | "not_found" | "wrong_state"> {
    return this.#told(edit(this.#database, id, patch, actor))
  }

  act(
    action: JobAction,
    selection: JobSelection,
    options: { readonly actor: string; readonly reason: string; readonly limit: number },
  ): Promise<ActionReply> {
    return this.#told(act(this.#database, action, selection, options))
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
    return this.#told(setQueue(this.#database, queue, change, actor))
  }

  /** Lets other processes know of a write once it is there. */
  async #told<T>(writing: Promise<T>): Promise<T> {
    const result = await writing
    tellChange(this.#database)
    return result
  }

  rescue(request: RescueRequest): Promise<Fenced<readonly RescuedJob[]>> {
    return this.#during("rescue", async () => {
      const reply = await rescue(this.#context, request)
      if (reply.length > 0) tellChange(this.#database)
      return reply
    })
  }

  expire(request: {
    readonly term: TermRef
    readonly limit: number
  }): Promise<Fenced<readonly ExpiredJob[]>> {
    return this.#during("expire", () => expire(this.#context, request))
  }

  prune(request: {
    readonly term: TermRef
    readonly retention: Retention
    readonly limit: number
  }): Promise<Fenced<PruneReply>> {
    return this.#during("prune", () => prune(this.#context, request))
  }

  bid(request: BidRequest): Promise<BidReply> {
    return this.#during("bid", () => bid(this.#context, request))
  }

  renewTerm(term: TermRef, ttlMs: number): Promise<"held" | "ended"> {
    return this.#during("renewTerm", () => renewTerm(this.#context, term, ttlMs))
  }

  resignTerm(term: TermRef): Promise<"resigned" | "ended"> {
    return this.#during("resignTerm", async () => {
      const reply = await resignTerm(this.#context, term)
      // Others need not wait for their next bid.
      if (reply === "resigned") tellChange(this.#database)
      return reply
    })
  }

  leader(): Promise<LeaderRow | null> {
    return leader(this.#context)
  }

  claimTurn(request: {
    readonly term: TermRef
    readonly service: string
    readonly everyMs: number
  }): Promise<Fenced<Turn>> {
    return this.#during("claimTurn", () => claimTurn(this.#context, request))
  }

  clean(request: {
    readonly term: TermRef
    readonly idleMs: number
    readonly limit: number
  }): Promise<Fenced<CleanReply>> {
    return this.#during("clean", () => clean(this.#context, request))
  }

  addSamples(request: {
    readonly term: TermRef
    readonly samples: readonly Omit<QueueSample, "at">[]
    readonly keepMs: number
    readonly limit: number
  }): Promise<Fenced<{ readonly forgotten: number }>> {
    return this.#during("addSamples", () => addSamples(this.#context, request))
  }

  keepIndexes(request: {
    readonly term: TermRef
    readonly signal: AbortSignal
  }): Promise<Fenced<IndexWork>> {
    return this.#during("keepIndexes", () => keepIndexes(this.#context, request))
  }

  samples(request: {
    readonly queue: string | null
    readonly sinceMs: number
    readonly limit: number
  }): Promise<readonly QueueSample[]> {
    return samples(this.#context, request)
  }

  schedules(page: {
    readonly after: string | null
    readonly limit: number
  }): Promise<readonly ScheduleRow[]> {
    return schedules(this.#context, page)
  }

  schedule(name: string): Promise<ScheduleRow | null> {
    return schedule(this.#context, name)
  }

  deploySchedules(deployment: ScheduleDeployment): Promise<ScheduleDeploymentReply> {
    return this.#told(deploySchedules(this.#context, deployment))
  }

  changeSchedule(change: ScheduleChange): Promise<ScheduleChangeReply> {
    return this.#told(changeSchedule(this.#context, change))
  }

  removeSchedule(change: Omit<ScheduleChange, "patch" | "passed">): Promise<ScheduleChangeReply> {
    return this.#told(removeSchedule(this.#context, change))
  }

  dueSchedules(limit: number): Promise<DueSchedules> {
    return dueSchedules(this.#context, limit)
  }

  tickSchedules(request: ScheduleTicks): Promise<Fenced<readonly ScheduleTickReply[]>> {
    return this.#during("tickSchedules", () => this.#told(tickSchedules(this.#context, request)))
  }

  triggerSchedule(request: ScheduleTrigger): Promise<EnqueueOutcome | "not_found"> {
    return this.#during("triggerSchedule", () =>
      this.#told(triggerSchedule(this.#context, request)),
    )
  }

  scheduleTicks(request: HistoryPage<string>): Promise<readonly TickRow[]> {
    return scheduleTicks(this.#context, request)
  }

  scheduleChanges(request: HistoryPage<string | null>): Promise<readonly ScheduleChangeRow[]> {
    return scheduleChanges(this.#context, request)
  }

  async #during<T>(operation: string, body: () => Promise<T>): Promise<T> {
    if (this.#isClosing) throw closedError(operation, this.label)
    const running = body()
    this.#underWay.add(running)
    try {
      return await running
    } finally {
      this.#underWay.delete(running)
    }
  }

  async declareLimits(declaration: LimitDeclaration): Promise<readonly string[]> {
    const names = await declareLimits(this.#database, declaration)
    if (names.length > 0) tellChange(this.#database)
    return names
  }

  async setLimit(
    limit: LimitId,
    setting: LimitSetting | null,
    actor: string,
  ): Promise<LimitSetting | null> {
    const inForce = await setLimit(this.#database, limit, setting, actor)
    tellChange(this.#database)
    return inForce
  }

  limits(cap: number): Promise<readonly LimitRow[]> {
    return limits(this.#database, cap)
  }

  async reconcileLimits(request: {
    readonly term: TermRef
    readonly limit: number
  }): Promise<Fenced<LimitRepairs>> {
    const reply = await reconcileLimits(this.#context, request)
    if (reply !== "term_ended" && reply.opened > 0) tellChange(this.#database)
    return reply
  }
}
