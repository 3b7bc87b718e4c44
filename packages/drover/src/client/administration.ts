import { checkOptions, DroverError } from "../errors/index.ts"
import type { Events } from "../events/index.ts"
import { keysAfterEdit, preparePatch } from "../jobs/define/jobEdit.ts"
import type { JobEdit } from "../jobs/define/jobEdit.ts"
import type { ActionOutcome } from "../jobs/define/jobHandle.ts"
import { viewJob, viewLog, viewTrail } from "../jobs/define/jobView.ts"
import type { Job, StoredLog, Transition } from "../jobs/define/jobView.ts"
import type { JobDefinition } from "../jobs/define/jobDefinition.ts"
import { checkCount, checkName } from "../jobs/define/names.ts"
import { decodePayload, limitName } from "../store/index.ts"
import type {
  HealthCheck,
  JobAction,
  JobRow,
  LimitSetting,
  LeaderRow,
  QueueCounts,
  QueueSample,
  QueueSettings,
  Store,
  WorkerRow,
} from "../store/index.ts"
import { checkSlots } from "../jobs/work/workerOptions.ts"
import { parseDuration } from "../time/index.ts"
import type { Duration } from "../time/index.ts"
import { actOn } from "./bulkAction.ts"
import type { ActionOptions, ActionReport, ActionTarget } from "./bulkAction.ts"
import type { ResolvedOptions } from "./droverOptions.ts"
import { declarationOf, limitOf, requireDeclared, settingOf } from "./limitAdministration.ts"
import type { LimitChange, LimitView } from "./limitAdministration.ts"
import { resolveFilter } from "./jobFilter.ts"
import type { JobFilter } from "./jobFilter.ts"
import type { StoreGate } from "./storeGate.ts"

/** A page of jobs, newest first. */
export interface JobList {
  /** Fewer than asked for, or none, where the filter's jobs are rare: a page looks at a few hundred thousand jobs at most. */
  readonly jobs: readonly Job[]
  /** Pass it as `after` to get the next page; `null` when all jobs were looked at. */
  readonly next: string | null
}

/** A worker process as others see it. */
export interface WorkerView extends Omit<
  WorkerRow,
  "startedAt" | "beatAt" | "leaseUntil" | "info"
> {
  readonly startedAt: Date
  readonly beatAt: Date
  readonly leaseUntil: Date
  /** Its version, queues with slots, and kinds. */
  readonly info: unknown
}

/** A queue, its stored settings and its counts. */
export interface QueueView extends Omit<QueueCounts, "oldestDueAt"> {
  readonly oldestDueAt: Date | null
}

/** Who leads. */
export interface LeaderView extends Omit<
  LeaderRow,
  "electedAt" | "renewedAt" | "untilAt" | "info"
> {
  readonly electedAt: Date
  readonly renewedAt: Date
  /** The term ends here unless it is renewed. */
  readonly untilAt: Date
  readonly info: unknown
}

/** What a queue looked like at one instant. */
export interface QueueStatistics extends Omit<QueueSample, "at"> {
  readonly at: Date
}

const MAX_SAMPLES = 10_000
const MAX_PAGE = 1_000
// Where no index helps, a second's worth or less on the slower store.
const MOST_LOOKED_AT = 200_000
const DEFAULT_CAP = 100_000

/** What people and programs ask of jobs, queues and workers, beside enqueueing and running them. */
export abstract class Administration {
  protected readonly options: ResolvedOptions
  protected readonly gate: StoreGate

  constructor(options: ResolvedOptions, gate: StoreGate) {
    this.options = options
    this.gate = gate
  }

  /** Everything that happens in this process; see `DroverEvents`. */
  get events(): Events {
    return this.options.events
  }

  // — questions

  /** The job with this id, or `null`. */
  async get(id: string): Promise<Job | null> {
    const row = await (await this.gate.open()).get(id)
    return row === null ? null : viewJob(row)
  }

  /** Jobs that a filter matches, newest first. @param page at most 1000; 50 unless told otherwise. */
  async list(
    filter: JobFilter = {},
    page: { readonly limit?: number; readonly after?: string | null } = {},
  ): Promise<JobList> {
    checkOptions(page, ["limit", "after"], "list")
    const limit = Math.min(checkCount(page.limit ?? 50, "list.limit"), MAX_PAGE)
    const store = await this.gate.open()
    const { jobs, next } = await store.list(resolveFilter(filter), {
      limit,
      after: page.after ?? null,
      look: MOST_LOOKED_AT,
    })
    return { jobs: jobs.map((row) => viewJob(row)), next }
  }

  /** How many jobs a filter matches; counting stops at `cap`. @param cap 100 000 unless told otherwise. */
  async count(filter: JobFilter = {}, cap: number = DEFAULT_CAP): Promise<number> {
    return (await this.gate.open()).count(resolveFilter(filter), checkCount(cap, "count.cap"))
  }

  /** Every transition of a job so far, oldest first. */
  async trail(id: string): Promise<readonly Transition[]> {
    return viewTrail(await (await this.gate.open()).trail(id))
  }

  /**
   * Transitions of all jobs after `position`, oldest first; without one only the present position, to follow from there.
   */
  async trailAfter(
    position: number | null,
    limit = 1_000,
  ): Promise<{ readonly entries: readonly Transition[]; readonly position: number }> {
    const { entries, seq } = await (
      await this.gate.open()
    ).trailAfter(position, checkCount(limit, "trailAfter.limit"))
    return { entries: viewTrail(entries), position: seq }
  }

  /** What the attempts of a job logged. */
  async log(id: string): Promise<StoredLog> {
    return viewLog(await (await this.gate.open()).log(id))
  }

  /** All queues with their settings and counts; counting stops at `cap` in each state. */
  async queues(cap: number = DEFAULT_CAP): Promise<readonly QueueView[]> {
    const counts = await (await this.gate.open()).queueCounts(checkCount(cap, "queues.cap"))
    return counts.map((queue) => ({
      ...queue,
      oldestDueAt: queue.oldestDueAt === null ? null : new Date(queue.oldestDueAt),
    }))
  }

  /** Who leads now; `null` when nobody does, for which a fleet with a worker has seconds at most. */
  async leader(): Promise<LeaderView | null> {
    const row = await (await this.gate.open()).leader()
    if (row === null) return null
    const { id, term, host, pid, info, electedAt, renewedAt, untilAt } = row
    return {
      ...{ id, term, host, pid, info: JSON.parse(info) as unknown },
      electedAt: new Date(electedAt),
      renewedAt: new Date(renewedAt),
      untilAt: new Date(untilAt),
    }
  }

  /** How many jobs queues had over time, as the leader sampled it; oldest first, at most 10 000. */
  async statistics(
    options: {
      /** @default all */
      readonly queue?: string
      /** How far back. @default "1h" */
      readonly since?: Duration
    } = {},
  ): Promise<readonly QueueStatistics[]> {
    checkOptions(options, ["queue", "since"], "statistics")
    const { queue, since = "1h" } = options
    const samples = await (
      await this.gate.open()
    ).samples({
      queue: queue === undefined ? null : checkName(queue, "queue"),
      sinceMs: parseDuration(since, "statistics.since"),
      limit: MAX_SAMPLES,
    })
    return samples.map((sample) => ({ ...sample, at: new Date(sample.at) }))
  }

  /** The worker processes that are registered. */
  async workers(): Promise<readonly WorkerView[]> {
    const rows = await (await this.gate.open()).workers()
    return rows.map((row) => ({
      ...row,
      startedAt: new Date(row.startedAt),
      beatAt: new Date(row.beatAt),
      leaseUntil: new Date(row.leaseUntil),
      info: JSON.parse(row.info) as unknown,
    }))
  }

  /** The health of the database, one finding for each check. */
  async doctor(): Promise<readonly HealthCheck[]> {
    return (await this.gate.open()).doctor()
  }

  // — jobs

  /** Cancels waiting jobs now and asks running ones to stop. */
  cancel(target: ActionTarget, options: ActionOptions = {}): Promise<ActionReport> {
    return this.#act("cancel", target, options)
  }

  /** Makes finished or waiting jobs run now, with one more attempt if none was left. */
  retry(target: ActionTarget, options: ActionOptions = {}): Promise<ActionReport> {
    return this.#act("retry", target, options)
  }

  /** Ends waiting jobs as discarded. */
  discard(target: ActionTarget, options: ActionOptions = {}): Promise<ActionReport> {
    return this.#act("discard", target, options)
  }

  /** Deletes jobs that do not run, with their trail and log. */
  delete(target: ActionTarget, options: ActionOptions = {}): Promise<ActionReport> {
    return this.#act("delete", target, options)
  }

  /** Changes a waiting job: input, due time, priority, queue, tags, metadata, retry, timeout. */
  async edit(id: string, edit: JobEdit): Promise<ActionOutcome> {
    const store = await this.gate.openToWrite("edit")
    // The kind decides which schema a new input must satisfy.
    const needsKind = "input" in edit || "retry" in edit || "queue" in edit
    const row = needsKind ? await store.get(id) : undefined
    if (row === null) return "not_found"
    const definition = row === undefined ? undefined : this.options.definitions.get(row.kind)
    const patch = await preparePatch(edit, definition, this.options.payloadLimit)
    const keys = row === undefined ? {} : this.#keysAfter(edit, definition, row)
    const reply = await store.edit(id, { ...patch, ...keys }, this.options.actor)
    if (reply === "edited") this.changed([id])
    return reply === "edited" ? "changed" : reply === "wrong_state" ? "refused" : "not_found"
  }

  // — queues

  /** Stops claims from a queue, in every process, until it is resumed. Running jobs go on. */
  async pauseQueue(queue: string): Promise<void> {
    await this.#setQueue(queue, { paused: true })
  }

  /** Lets a paused queue go on, in every process. */
  async resumeQueue(queue: string): Promise<void> {
    await this.#setQueue(queue, { paused: false })
    this.changed([])
  }

  /** Sets how many jobs of a queue each worker runs at once; `null` leaves it to each worker's own options. */
  async resizeQueue(queue: string, slots: number | null): Promise<void> {
    const checked = slots === null ? null : checkSlots(slots, queue)
    await this.#setQueue(queue, { slots: checked })
    this.changed([])
  }

  /**
   * Lets waiting jobs of a queue gain one step of priority for each `every` they have waited, so that low
   * priorities are not starved; `null` goes back to strict order.
   */
  async ageQueue(queue: string, every: Duration | null): Promise<void> {
    const agingMs = every === null ? null : Math.ceil(parseDuration(every, "ageQueue.every"))
    if (agingMs === 0)
      throw new DroverError(
        "DROVER_CONFIG",
        "ageQueue.every: must be longer than 0; use null for strict order",
      )
    await this.#setQueue(queue, { agingMs })
    this.changed([])
  }

  /** What is stored about queues by operators. */
  async queueSettings(): Promise<readonly QueueSettings[]> {
    return (await this.gate.open()).queueSettings()
  }

  // — limits

  /** All limits that code declares or operators set, with what is going on under them. @param cap where counting of waiting jobs stops. */
  async limits(cap: number = DEFAULT_CAP): Promise<readonly LimitView[]> {
    const rows = await (await this.gate.open()).limits(checkCount(cap, "limits.cap"))
    return rows.map((row) => ({
      ...row,
      setAt: row.setAt === null ? null : new Date(row.setAt),
    }))
  }

  /**
   * Sets a limit over what code declares, in every process at once and until `clearLimit`, whatever is deployed.
   * Lowering ends no running job, 0 starts none any more. A rate keeps its window unless `per` is given.
   * @param name as `limits()` shows it: `"kind:resize#concurrency"`, `"queue:mail#rate"`.
   * @throws DroverError `DROVER_CONFIG` for a name or a number that cannot be, or a keyed limit that no code declares.
   */
  async setLimit(name: string, change: LimitChange): Promise<void> {
    const limit = limitOf(name)
    const store = await this.gate.openToWrite("setLimit")
    const rows = await store.limits(1)
    const own = declarationOf(this.options.definitions, this.options.queueLimits, 0).limits
    const known = [...rows.map((row) => row.name), ...own.map((declared) => limitName(declared))]
    requireDeclared(limit, known)
    const stored = rows.find((row) => row.name === name)?.setting ?? null
    const setting = settingOf(limit, change, stored)
    const inForce = await store.setLimit(limit, setting, this.options.actor)
    this.#limitChanged(name, inForce)
  }

  /** Takes back what was set over a limit: what code declares holds again, or nothing. */
  async clearLimit(name: string): Promise<"cleared" | "not_set"> {
    const limit = limitOf(name)
    const store = await this.gate.openToWrite("clearLimit")
    const row = (await store.limits(1)).find((one) => one.name === name)
    if (row === undefined || row.set === null) return "not_set"
    this.#limitChanged(name, await store.setLimit(limit, null, this.options.actor))
    return "cleared"
  }

  #limitChanged(name: string, setting: LimitSetting | null): void {
    this.events.emit("limit.changed", { limit: name, setting, by: this.options.actor })
    this.changed([])
  }

  #keysAfter(
    edit: JobEdit,
    definition: JobDefinition | undefined,
    row: JobRow,
  ): ReturnType<typeof keysAfterEdit> {
    const { queueLimits } = this.options
    const input = "input" in edit ? undefined : decodePayload(row.input, "input")
    return keysAfterEdit(edit, definition, { queue: row.queue, input }, queueLimits)
  }

  /** Called after jobs or queues were changed through this client, to wake what waits for that in this process. */
  protected abstract changed(ids: readonly string[]): void

  /** Does something to one job; what its handle calls. */
  protected async actOne(action: JobAction, id: string, reason?: string): Promise<ActionOutcome> {
    const report = await this.#act(action, id, reason === undefined ? {} : { reason })
    if (report.changed.length > 0) return "changed"
    if (report.requested.length > 0) return "requested"
    return report.refused.length > 0 ? "refused" : "not_found"
  }

  async #act(
    action: JobAction,
    target: ActionTarget,
    options: ActionOptions,
  ): Promise<ActionReport> {
    const store = await this.gate.openToWrite(action)
    const report = await actOn(store, action, target, options, this.options.actor)
    if (report.changed.length > 0) this.changed(report.changed)
    return report
  }

  async #setQueue(queue: string, change: Parameters<Store["setQueue"]>[1]): Promise<void> {
    const store = await this.gate.openToWrite("setQueue")
    await store.setQueue(checkName(queue, "queue"), change, this.options.actor)
  }
}
