import { DroverError, isDroverError, Shutdown } from "../../errors/index.ts"
import type { Events } from "../../events/index.ts"
import { Service } from "../../service/index.ts"
import type { ServiceScope, ServiceState, Startable } from "../../service/index.ts"
import type { Store } from "../../store/index.ts"
import { parseDuration } from "../../time/index.ts"
import type { Clock, Duration, Rng } from "../../time/index.ts"
import type { JobDefinition } from "../define/jobDefinition.ts"
import { Drain } from "./drain.ts"
import type { Exchanger } from "./exchanger.ts"
import { ChildPools } from "./isolation/childPools.ts"
import { StallMonitor } from "./stallMonitor.ts"
import { watchStrayErrors } from "./strayErrors.ts"
import { checkSlots, defaultSlots, resolveWorkerOptions } from "./workerOptions.ts"
import type { ResolvedWorkerOptions, WorkerOptions } from "./workerOptions.ts"
import { WorkerQueue } from "./workerQueue.ts"
import { WorkerRun } from "./workerRun.ts"

/** What a worker is made of. */
export interface WorkerParts {
  /** Open, and closed only after the worker has stopped. */
  readonly store: Store
  readonly clock: Clock
  readonly rng: Rng
  readonly events: Events
  /** The kinds it can run. Jobs of other kinds stay for others. */
  readonly definitions: readonly JobDefinition[]
  /**
   * The queues it works on, with their slots. A queue that is not named here is not worked on.
   * @default the queues of its definitions, 100 slots each
   */
  readonly queues?: Readonly<Record<string, { readonly slots?: number }>> | undefined
  readonly options?: WorkerOptions | undefined
  /** What its client would do as a leader, for operators; `null` when it never leads. @default nothing is said of it */
  readonly asLeader?: object | null
  /** Called when a period begins to run, with what it takes jobs by, and with `null` when it begins to stop. */
  readonly onRunning?: (running: EnqueuesAtOnce | null) => void
  /** Called when a period begins, before it touches anything; what it throws refuses the start. */
  readonly onStarting?: () => void
  /** Called when nothing of a period is left, and with it no error that a stop has still to tell. */
  readonly onStopped?: () => void
}

/** A worker that may start a job of its own program with the commit that makes it. */
export type EnqueuesAtOnce = Pick<Exchanger, "enqueue">

/** One attempt that runs now. */
export interface RunningAttempt {
  readonly jobId: string
  readonly kind: string
  readonly queue: string
  readonly attempt: number
  readonly runningMs: number
  /** Whether it was told to end. */
  readonly aborted: boolean
}

/**
 * Runs jobs: claims as many as there are free slots, runs their handlers, writes what became of them. It keeps the
 * start and stop contract of every service; a stop waits for handlers up to the grace, then hands their jobs back.
 */
export class Worker implements Startable, AsyncDisposable {
  readonly name = "worker"
  readonly #parts: WorkerParts
  readonly #options: ResolvedWorkerOptions
  readonly #queues: readonly WorkerQueue[]
  readonly #definitions: ReadonlyMap<string, JobDefinition>
  readonly #service: Service
  #run: WorkerRun | undefined
  #drain: Drain | undefined
  #graceMs: number

  /** Touches nothing until `start`. @throws DroverError `DROVER_CONFIG`, `DROVER_DUPLICATE_KIND`. */
  constructor(parts: WorkerParts) {
    this.#parts = parts
    this.#options = resolveWorkerOptions(parts.options)
    this.#graceMs = this.#options.stopGraceMs
    this.#definitions = byKind(parts.definitions)
    this.#queues = makeQueues(parts)
    this.#service = new Service({
      name: this.name,
      events: parts.events,
      start: (scope) => this.#body(scope),
      ...(parts.onStopped && { onStopped: parts.onStopped }),
    })
  }

  get state(): ServiceState {
    return this.#service.state
  }

  /** Id of its row in the store; another one after each start and after a lost lease. `undefined` before the first start. */
  get id(): string | undefined {
    return this.#run?.lease.worker?.workerId
  }

  onFailed(listener: (error: unknown) => void): () => void {
    return this.#service.onFailed(listener)
  }

  /** Resolves when it is registered and looks for work. @throws what the store throws, or what isolated kinds lack. */
  start(): Promise<void> {
    // What a stop said that found nothing to stop is not for the next one.
    if (this.state === "stopped") this.#graceMs = this.#options.stopGraceMs
    return this.#service.start()
  }

  /**
   * Claims nothing more, waits for what runs, hands back what is not done when the grace is over, and leaves. It
   * resolves within the grace and a few seconds, whatever handlers and the store do. Called again with a shorter
   * grace, it hurries the stop in progress.
   */
  stop(
    options: { readonly grace?: Duration; readonly reason?: DroverError } | DroverError = {},
  ): Promise<void> {
    const { grace, reason } = isDroverError(options)
      ? { grace: undefined, reason: options }
      : options
    this.#graceMs =
      grace === undefined ? this.#options.stopGraceMs : parseDuration(grace, "stop.grace")
    if (grace !== undefined) this.#drain?.hurry(this.#graceMs)
    return this.#service.stop(reason ?? new Shutdown("the worker is stopping"))
  }

  /** Stops without waiting: aborts all handlers now, and hands their jobs back. */
  stopNow(): Promise<void> {
    return this.stop({ grace: 0 })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  /** There may be work in this queue, or in any: something was committed here. Costs next to nothing. */
  hint(queue?: string): void {
    this.#run?.hint(queue)
  }

  /** Time to live of its lease. */
  get leaseMs(): number {
    return this.#options.lease.ttlMs
  }

  /** How long until it will have seen the store for a full lease without interruption, so that others had their chance to beat; 0 when it has. */
  blindMs(): number {
    const blindMs = this.#run?.reachability.blindMs(this.#parts.clock.monotonic())
    return blindMs ?? Number.POSITIVE_INFINITY
  }

  /**
   * Changes the slots of a queue in this worker. Lowering never ends what runs, 0 pauses. What an operator has stored
   * for the queue goes first.
   * @throws DroverError `DROVER_UNKNOWN_QUEUE`, `DROVER_CONFIG`.
   */
  resize(queue: string, slots: number): void {
    const found = this.#queues.find(({ name }) => name === queue)
    if (found === undefined) {
      throw new DroverError(
        "DROVER_UNKNOWN_QUEUE",
        `This worker does not work on queue "${queue}"; it knows ${this.#queues.map(({ name }) => name).join(", ")}`,
        { details: { queue } },
      )
    }
    found.resize(checkSlots(slots, queue))
    this.#run?.hint(queue)
  }

  /** What runs now. */
  running(): readonly RunningAttempt[] {
    const nowMono = this.#parts.clock.monotonic()
    return Array.from(this.#run?.attempts ?? [], ({ claimed, startedMono, abortReason }) => ({
      jobId: claimed.jobId,
      kind: claimed.kind,
      queue: claimed.queue,
      attempt: claimed.attempt,
      runningMs: nowMono - startedMono,
      aborted: abortReason !== null,
    }))
  }

  async #body(scope: ServiceScope): Promise<void> {
    this.#parts.onStarting?.()
    const { clock, rng, events, store } = this.#parts
    const options = this.#options
    const children = new ChildPools({
      clock,
      definitions: this.#definitions,
      maxHeapMb: options.maxHeapMb,
      payloadLimit: options.payloadLimit,
    })
    scope.defer(() => children.close())
    await children.check()
    const run = new WorkerRun({
      store,
      clock,
      rng,
      events,
      definitions: this.#definitions,
      queues: this.#queues,
      children,
      options,
      asLeader: this.#parts.asLeader,
      fail: (error) => scope.fail(error),
    })
    this.#run = run
    scope.defer(watchStrayErrors(clock))
    scope.defer(() => run.close())
    await run.begin()
    events.emit("worker.started", {
      worker: run.workerId,
      queues: this.#queues.map(({ name }) => name),
    })
    this.#watch(scope, run)
    this.#stopWith(scope, run)
    if (!scope.signal.aborted) this.#parts.onRunning?.(run.exchanger)
  }

  #watch(scope: ServiceScope, run: WorkerRun): void {
    const { clock, events } = this.#parts
    const monitor = new StallMonitor({
      clock,
      onTurn: () => run.lease.touch(),
      onStall: (gapMs) => {
        const running = Array.from(run.attempts, ({ claimed }) => claimed.jobId)
        events.emit("worker.stalled", { worker: run.workerId, gapMs, running })
      },
    })
    scope.defer(() => monitor.stop())
  }

  #stopWith(scope: ServiceScope, run: WorkerRun): void {
    const { events } = this.#parts
    // In the very step in which the stop begins: nothing is claimed after it.
    const begin = (): void => {
      events.emit("worker.stopping", {
        worker: run.workerId,
        reason: scope.signal.reason as DroverError,
      })
      this.#drain = new Drain(run, this.#graceMs)
      this.#parts.onRunning?.(null)
    }
    if (scope.signal.aborted) begin()
    else scope.signal.addEventListener("abort", begin, { once: true })
    scope.defer(async () => {
      await this.#drain?.run()
      this.#drain = undefined
      this.#graceMs = this.#options.stopGraceMs
      events.emit("worker.stopped", { worker: run.workerId })
    })
  }
}

/** Makes a worker and starts it. @throws what its constructor and its `start` throw. */
export async function startWorker(parts: WorkerParts): Promise<Worker> {
  const worker = new Worker(parts)
  await worker.start()
  return worker
}

function byKind(definitions: readonly JobDefinition[]): ReadonlyMap<string, JobDefinition> {
  const map = new Map<string, JobDefinition>()
  for (const definition of definitions) {
    if (map.has(definition.kind)) {
      throw new DroverError(
        "DROVER_DUPLICATE_KIND",
        `Two definitions have the kind "${definition.kind}"`,
        {
          details: { kind: definition.kind },
        },
      )
    }
    map.set(definition.kind, definition)
  }
  return map
}

// Every queue knows every kind: an enqueue may send a job to another queue than its kind's.
function makeQueues({ definitions, queues, events }: WorkerParts): readonly WorkerQueue[] {
  const kinds = definitions.map(({ kind }) => kind)
  const named: NonNullable<WorkerParts["queues"]> =
    queues ?? Object.fromEntries(definitions.map(({ queue }) => [queue, {}]))
  return Object.entries(named).map(([name, { slots = defaultSlots }]) => {
    return new WorkerQueue({ name, kinds, slots: checkSlots(slots, name), events })
  })
}
