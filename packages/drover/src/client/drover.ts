import { checkOptions, DroverError, orDefault, Shutdown, show } from "../errors/index.ts"
import { logEvents } from "../events/index.ts"
import type { EventListener, EventName, Unsubscribe } from "../events/index.ts"
import { defineJob } from "../jobs/define/jobDefinition.ts"
import type { JobDefinition } from "../jobs/define/jobDefinition.ts"
import { JobHandle } from "../jobs/define/jobHandle.ts"
import type { JobOperations } from "../jobs/define/jobHandle.ts"
import { checkEnqueueOptions, checkId } from "../jobs/define/newJobs.ts"
import type { EnqueueOptions } from "../jobs/define/newJobs.ts"
import { Producer } from "../jobs/define/producer.ts"
import type { EnqueueItem, EnqueueTarget } from "../jobs/define/producer.ts"
import { ResultWaiter } from "../jobs/define/resultWaiter.ts"
import { checkName } from "../jobs/define/names.ts"
import { Worker } from "../jobs/work/worker.ts"
import type { SingletonService } from "../maintenance/index.ts"
import { Schedules } from "../schedules/index.ts"
import type { EnqueueOutcome, MigrationStatus, NewJob, Store } from "../store/index.ts"
import { parseDuration, UuidMaker } from "../time/index.ts"
import type { Duration } from "../time/index.ts"
import { Administration } from "./administration.ts"
import { ClientLeadership } from "./clientLeadership.ts"
import { resolveOptions } from "./droverOptions.ts"
import type { DroverOptions } from "./droverOptions.ts"
import { checkEventName } from "./eventName.ts"
import type { InputArguments } from "../jobs/define/inputArguments.ts"
import type { OwnLimit } from "../jobs/define/limitOptions.ts"
import { EnqueueTargets } from "./enqueueTargets.ts"
import { keepInternals } from "./internals.ts"
import { declarationOf } from "./limitAdministration.ts"
import { closedError, StoreGate } from "./storeGate.ts"
import { checkWorkOptions, chooseQueues } from "./workOptions.ts"
import type { WorkOptions } from "./workOptions.ts"
import { Transaction } from "./transaction.ts"

/** What an enqueue through the client may say: the job's own options, and where it is written. */
export interface ClientEnqueueOptions extends EnqueueOptions {
  /**
   * Take part in a transaction: one of `drover.transaction`, or your own connection to the same database
   * with a transaction open on it (a `DatabaseSync` on SQLite). The job exists if and only if it commits.
   */
  readonly transaction?: unknown
}

const TRANSACTION_TIMEOUT = "10s"

/**
 * A client of one database of jobs: enqueues, waits for results, looks, changes, and runs workers. Making
 * one does nothing; the first use opens the store.
 */
export class Drover extends Administration implements AsyncDisposable {
  /** Schedules: list, look ahead, pause, change, trigger, and who did what. */
  readonly schedules: Schedules
  readonly #ids: UuidMaker
  readonly #producer: Producer
  readonly #waiter: ResultWaiter
  readonly #enqueues: EnqueueTargets
  readonly #adHoc: Map<string, JobDefinition> = new Map()
  /** Those that start, run or stop. */
  readonly #workers: Set<Worker> = new Set()
  readonly #leadership: ClientLeadership
  #closing: Promise<void> | null = null

  /** @throws DroverError `DROVER_CONFIG` for an option that does not exist or cannot work, `DROVER_DUPLICATE_KIND`. */
  constructor(options: DroverOptions) {
    const resolved = resolveOptions(options)
    const { clock, rng, events, source, logger } = resolved
    super(resolved, new StoreGate(() => source.connect({ clock, rng, events }), resolved.migrate))
    if (logger !== null) logEvents(events, logger, this.options.logLevel)
    this.#ids = new UuidMaker(clock, rng)
    const { lead } = resolved
    this.#leadership = new ClientLeadership({ clock, rng, events, lead })
    this.#waiter = new ResultWaiter({ clock, rng, events, store: () => this.gate.open() })
    this.#enqueues = new EnqueueTargets({
      gate: this.gate,
      events,
      hint: (queue) => this.#hint(queue),
    })
    const queueLimits = limitedOnly(resolved.queueLimits)
    this.#producer = new Producer({
      clock,
      ids: this.#ids,
      payloadLimit: resolved.payloadLimit,
      queueLimits,
      operations: this.#operations(),
    })
    this.schedules = new Schedules({
      ...{ ids: this.#ids, events, actor: resolved.actor, queueLimits },
      store: (write) => (write === undefined ? this.gate.open() : this.gate.openToWrite(write)),
      definitionOf: (kind) => this.#definitionOf(kind),
      hint: (queue) => this.#hint(queue),
    })
    keepInternals(this, {
      options: resolved,
      store: () => this.gate.open(),
      declareLimits: (store) => this.#declareLimits(store),
    })
  }

  /**
   * Enqueues a job. When this resolves, the job is on disk and will run at least once or be accounted for.
   * @returns a handle whose `status` says whether the job is new.
   * @throws DroverError `DROVER_INPUT_INVALID`, `DROVER_PAYLOAD_INVALID`, `DROVER_PAYLOAD_TOO_LARGE`,
   * `DROVER_CONFIG`, `DROVER_TRANSACTION`, `DROVER_STORE_…`, `DROVER_CLOSED`.
   */
  async enqueue<Input, Result>(
    definition: JobDefinition<Input, Result>,
    ...[input, options]: InputArguments<Input, ClientEnqueueOptions>
  ): Promise<JobHandle<Result>> {
    let target = this.#enqueues.one()
    if (options !== undefined) {
      checkEnqueueOptions(options, definition.kind, ["transaction"])
      if (options.transaction !== undefined)
        target = await this.#enqueues.within(options.transaction, this.#producer)
    }
    const handle = await this.#producer.one(target, definition, input, options)
    return handle as JobHandle<Result>
  }

  /**
   * Enqueues many jobs of one kind, a thousand in each transaction. All inputs and options are checked before
   * the first is written; should the store fail half-way, repeat with the same ids.
   * @returns one handle for each item, in order.
   */
  async enqueueMany<Input, Result>(
    definition: JobDefinition<Input, Result>,
    items: Iterable<EnqueueItem<Input>>,
  ): Promise<JobHandle<Result>[]> {
    return (await this.#producer.many(
      this.#enqueues.store,
      definition,
      items,
    )) as JobHandle<Result>[]
  }

  /**
   * Enqueues a job by the name of its kind, for producers that do not have its definition. A kind that this
   * client knows is validated as usual; of another the input is only checked to be JSON.
   */
  async enqueueKind(
    kind: string,
    input?: unknown,
    options?: ClientEnqueueOptions,
  ): Promise<JobHandle> {
    return this.enqueue(this.#definitionOf(kind), input, options)
  }

  /**
   * Runs `body` in a transaction of the database: what it enqueues and what it does on `tx.connection` is
   * committed together when it resolves, and rolled back when it throws or takes too long; a body that goes on
   * afterwards finds its connection closed (in memory: `tx` only). It holds the database's write lock: keep it
   * short, and await nothing slow in it.
   * @throws what the body throws; DroverError `DROVER_TRANSACTION` after the timeout (10 s unless told otherwise).
   */
  async transaction<T>(
    body: (tx: Transaction) => Promise<T> | T,
    options: { readonly timeout?: Duration } = {},
  ): Promise<T> {
    checkOptions(options, ["timeout"], "transaction")
    if (typeof body !== "function") {
      throw new DroverError("DROVER_CONFIG", "transaction: takes a function of the transaction")
    }
    const timeoutMs = parseDuration(
      orDefault(options.timeout, TRANSACTION_TIMEOUT),
      "transaction.timeout",
    )
    const store = await this.gate.openToWrite("transaction")
    const jobs: NewJob[] = []
    const outcomes: EnqueueOutcome[] = []
    const result = await store.transaction(
      (tx) => {
        // A transaction may be run again after a busy database: only the last run counts.
        jobs.length = 0
        outcomes.length = 0
        const target: EnqueueTarget = {
          enqueue: (batch) => tx.enqueue(batch),
          written: (batch, replies) => {
            jobs.push(...batch)
            outcomes.push(...replies)
          },
        }
        const transaction = new Transaction(tx, this.#producer, target)
        return this.gate.selfWait.run(() => body(transaction))
      },
      { timeoutMs },
    )
    this.#enqueues.committed(jobs, outcomes)
    return result
  }

  /**
   * A handle of a job that was enqueued earlier, typed by its definition if one is given. Does not look whether it is there.
   * @throws DroverError `DROVER_CONFIG` for what cannot be an id. Where ids come from outside, `get` answers `null` then.
   */
  job<Input, Result>(id: string, definition?: JobDefinition<Input, Result>): JobHandle<Result> {
    return new JobHandle<Result>(
      this.#operations(),
      checkId(id, KNOWN_ID),
      definition?.kind ?? null,
      null,
    )
  }

  /** Makes an id, to give to an enqueue that may have to be repeated. */
  newId(): string {
    return this.#ids.next()
  }

  /**
   * Starts a worker in this process: it runs this client's kinds until it is stopped, disposed
   * (`await using`) or the client is closed.
   * @throws DroverError `DROVER_CONFIG`, `DROVER_UNKNOWN_QUEUE`, `DROVER_STORE_…`, `DROVER_CLOSED`.
   */
  async work(options: WorkOptions = {}): Promise<Worker> {
    const { queues, ...workerOptions } = checkWorkOptions(options)
    const store = await this.gate.open()
    // What may be refused comes first: a client that does not start must not change the limits of those that run.
    await this.deploySchedules()
    await this.#declareLimits(store)
    const { clock, rng, events, definitions } = this.options
    const worker: Worker = new Worker({
      store,
      clock,
      rng,
      events,
      definitions: [...definitions.values()],
      queues: chooseQueues(this.options.queues, queues),
      options: { ...this.options.worker, ...workerOptions },
      asLeader: this.#maintains(),
      onRunning: (running) => {
        this.#enqueues.onRunning(worker, running)
        if (running === null) this.#leadership.ending(worker)
        else this.#leadership.began(worker, store)
      },
      // Also when it is started again: a close stops what is there, and lets nothing begin beside it.
      onStarting: () => {
        if (this.#closing !== null) throw closedError()
        this.#workers.add(worker)
      },
      onStopped: () => this.#workers.delete(worker),
    })
    await worker.start()
    return worker
  }

  /**
   * Applies the schedules that this client was made with, as `work` does. Code of an older configuration changes
   * nothing and is told so by "superseded"; with `force` it becomes the current one, for a return to older code.
   * @throws DroverError `DROVER_CONFIG` for a name that another deployment declares, or a generation that is taken.
   */
  async deploySchedules(
    options: { readonly force?: boolean } = {},
  ): Promise<"applied" | "superseded" | "none"> {
    checkOptions(options, ["force"], "deploySchedules")
    const { schedules, deployment, generation } = this.options
    if (schedules === null) return "none"
    const configuration = { deployment, definitions: schedules }
    const number = generation === 0 ? null : generation
    return this.schedules.deploy(configuration, { number, force: options.force ?? false })
  }

  /**
   * Runs a service on one client at a time: it is started when this client begins to lead and stopped when its term
   * ends. Only a client with a running worker leads, and none with `lead: false`. Until the old leader has noticed
   * that its term is over, two may run for a moment: fence what it writes with `term`, which only grows.
   * @returns ends it; resolves when it has stopped.
   * @throws DroverError `DROVER_CONFIG` for a name that is taken or a service without `start`.
   */
  onlyOnLeader(name: string, service: SingletonService): () => Promise<void> {
    checkName(name, "service")
    if (typeof service?.start !== "function") {
      throw new DroverError("DROVER_CONFIG", `onlyOnLeader: "${name}" must have a method start()`)
    }
    return this.#leadership.onlyOnLeader(name, service)
  }

  /**
   * Applies pending migrations, for deployments whose clients have `migrate: false`. Does not open this client.
   * @returns those that were applied, or with `dryRun` would be.
   */
  async migrate(options: { readonly dryRun?: boolean } = {}): Promise<readonly MigrationStatus[]> {
    checkOptions(options, ["dryRun"], "migrate")
    const { source, clock, rng, events } = this.options
    const store = source.connect({ clock, rng, events })
    try {
      return await store.migrate({ dryRun: options.dryRun ?? false })
    } finally {
      await store.close()
    }
  }

  /**
   * Calls back for every event of this name in this process. Returns the end of the subscription.
   * @throws DroverError `DROVER_CONFIG` for a name that no event has: its listener would wait for ever.
   */
  on<N extends EventName>(name: N, listener: EventListener<N>): Unsubscribe {
    checkEventName(name)
    if (typeof listener !== "function") {
      throw new DroverError(
        "DROVER_CONFIG",
        `on: the listener of "${name}" must be a function, not ${show(listener)}`,
      )
    }
    return this.events.on(name, listener)
  }

  /** Stops this client's workers gracefully, ends waits with `DROVER_CLOSED` and closes the store. Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  protected override changed(ids: readonly string[]): void {
    for (const id of ids) this.#waiter.changed(id)
    this.#hint()
  }

  // Before anything is claimed: what starts is counted from the first job on.
  async #declareLimits(store: Store): Promise<void> {
    const { definitions, queueLimits, generation } = this.options
    const names = await store.declareLimits(declarationOf(definitions, queueLimits, generation))
    if (names.length === 0) return
    const rows = await store.limits(1)
    for (const limit of names) {
      const setting = rows.find(({ name }) => name === limit)?.setting ?? null
      this.events.emit("limit.changed", { limit, setting, by: null })
    }
    this.#hint()
  }

  async #close(): Promise<void> {
    // Together: each has its grace, and the process has only one. Handlers may enqueue until they have ended.
    const stops = await Promise.allSettled(Array.from(this.#workers, (worker) => worker.stop()))
    stops.push(...(await Promise.allSettled([this.#leadership.stopped()])))
    this.#waiter.close()
    await this.gate.close()
    for (const stop of stops) if (stop.status === "rejected") throw stop.reason
  }

  #definitionOf(kind: string): JobDefinition {
    const known = this.options.definitions.get(kind) ?? this.#adHoc.get(kind)
    if (known !== undefined) return known
    const definition = defineJob(kind, {
      run: () => {
        throw new Shutdown(`${kind} has no handler here`)
      },
    })
    this.#adHoc.set(kind, definition)
    return definition
  }

  // Workers of this process need not wait until the store tells them.
  #hint(queue?: string): void {
    for (const worker of this.#workers) worker.hint(queue)
  }

  // What all clients that may lead should say alike.
  #maintains(): object | null {
    const { timesFor, settings } = this.options.lead
    const { retention, ...rest } = settings
    return timesFor === null ? null : { ...retention, ...rest }
  }

  #operations(): JobOperations {
    return {
      rng: this.options.rng,
      result: (id, options) => this.#waiter.wait(id, options),
      get: (id) => this.get(id),
      trail: (id) => this.trail(id),
      log: (id) => this.log(id),
      cancel: (id, reason) => this.actOne("cancel", id, reason),
      retry: (id, reason) => this.actOne("retry", id, reason),
      discard: (id, reason) => this.actOne("discard", id, reason),
      delete: (id, reason) => this.actOne("delete", id, reason),
      edit: (id, edit) => this.edit(id, edit),
    }
  }
}

const KNOWN_ID = "give that of the job, as enqueue() answered with it"

// Most queues have none, and then nothing is looked up at an enqueue.
function limitedOnly(
  limits: ReadonlyMap<string, readonly OwnLimit[]>,
): ReadonlyMap<string, readonly OwnLimit[]> {
  return new Map([...limits].filter(([, own]) => own.length > 0))
}
