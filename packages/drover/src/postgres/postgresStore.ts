import type {
  ActionReply,
  AttemptRef,
  EnqueueOutcome,
  ExchangeReply,
  ExchangeRequest,
  FinishedJob,
  JobAction,
  JobLog,
  JobPage,
  JobPatch,
  JobRow,
  JobSelection,
  LogLine,
  MigrationStatus,
  NewJob,
  NewWorker,
  OpenOptions,
  PeekReply,
  PeekRequest,
  QueueCounts,
  QueueSettings,
  StoreTransaction,
  TrailEntry,
  WorkerRef,
  WorkerRow,
} from "../store/index.ts"
import { act } from "./actOnJobs.ts"
import { adopt } from "./adoptedTransaction.ts"
import type { StoreContext } from "./context.ts"
import type { PostgresDatabase } from "./database.ts"
import { enqueue } from "./enqueue.ts"
import { exchange } from "./exchange.ts"
import { finished } from "./finished.ts"
import { transaction } from "./heldTransaction.ts"
import { Lanes } from "./lanes.ts"
import { LowMarks } from "./lowMarks.ts"
import { appendLog, progress } from "./notes.ts"
import { OpenClaims } from "./openClaims.ts"
import { edit, queueSettings, setQueue } from "./operators.ts"
import { peek } from "./peek.ts"
import { count, get, list, log, now, trail } from "./questions.ts"
import { closedError } from "./postgresErrors.ts"
import { queueCounts } from "./queueCounts.ts"
import { trailAfter } from "./trailAfter.ts"
import { beat, registerWorker, retireWorker, workerRows } from "./workers.ts"

/** `Store` on Postgres: the table of contents of this room. Each operation is in the file of its concern. */
export class PostgresStore {
  readonly dialect = "postgres"
  readonly label: string
  readonly #database: PostgresDatabase
  readonly #context: StoreContext
  readonly #underWay: Set<Promise<unknown>> = new Set()
  #isClosing = false

  constructor(database: PostgresDatabase) {
    this.#database = database
    this.label = database.label
    this.#context = {
      database,
      lanes: new Lanes(database),
      marks: new LowMarks(database.clock),
      claims: new OpenClaims(),
    }
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

  enqueue(jobs: readonly NewJob[]): Promise<readonly EnqueueOutcome[]> {
    return this.#during("enqueue", () => enqueue(this.#context, jobs))
  }

  transaction<T>(
    body: (tx: StoreTransaction) => Promise<T> | T,
    options: { readonly timeoutMs: number },
  ): Promise<T> {
    return this.#during("transaction", () => transaction(this.#context, body, options))
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
    return this.#during("retireWorker", () => retireWorker(this.#context, worker))
  }

  exchange(request: ExchangeRequest): Promise<ExchangeReply> {
    return this.#during("exchange", () => exchange(this.#context, request))
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
    page: { readonly limit: number; readonly after: string | null },
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
}
