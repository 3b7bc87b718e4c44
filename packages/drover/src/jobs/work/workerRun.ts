import { AsyncLocalStorage } from "node:async_hooks"
import { hostname } from "node:os"
import { DroverError, LeaseLost, Shutdown } from "../../errors/index.ts"
import type { AbortReason } from "../../errors/index.ts"
import type { Events } from "../../events/index.ts"
import { Reachability } from "../../lease/index.ts"
import type { Reservation } from "../../slots/index.ts"
import { maintenanceInfo } from "../../store/index.ts"
import type {
  ClaimedJob,
  EndedJob,
  PeekReply,
  Settlement,
  SettleStatus,
  Store,
  WorkerRef,
} from "../../store/index.ts"
import type { Clock, Rng } from "../../time/index.ts"
import type { JobDefinition } from "../define/jobDefinition.ts"
import { Attempt, cancelReason } from "./attempt.ts"
import type { AttemptHost, EndedAttempt, IsolatedRunner } from "./attemptHost.ts"
import { Deadlines } from "./deadlines.ts"
import { Exchanger } from "./exchanger.ts"
import type { ExchangerHost } from "./exchanger.ts"
import { LeaseKeeper } from "./leaseKeeper.ts"
import { Observer } from "./observer.ts"
import { emitSettled } from "./settledEvents.ts"
import { SoloTurn } from "./soloTurn.ts"
import { runUnowned } from "./strayErrors.ts"
import { within } from "./within.ts"
import { StoreHealth } from "./storeHealth.ts"
import type { ResolvedWorkerOptions } from "./workerOptions.ts"
import type { WorkerQueue } from "./workerQueue.ts"

/** What one period of a worker, from its start to its stop, is made of. */
export interface WorkerRunOptions {
  readonly store: Store
  readonly clock: Clock
  readonly rng: Rng
  readonly events: Events
  readonly definitions: ReadonlyMap<string, JobDefinition>
  readonly queues: readonly WorkerQueue[]
  readonly children: IsolatedRunner
  readonly options: ResolvedWorkerOptions
  readonly asLeader: object | null | undefined
  /** Something broke or must end the worker: it stops gracefully and fails with this. */
  fail(error: unknown): void
}

/**
 * One period of a worker: what connects the exchanger, the lease, the observer and the attempts. All state of a
 * period is in here, so nothing of an old one can reach into the next.
 */
export class WorkerRun implements AttemptHost, ExchangerHost {
  readonly clock: Clock
  readonly rng: Rng
  readonly store: Store
  readonly events: Events
  readonly queues: readonly WorkerQueue[]
  readonly children: IsolatedRunner
  readonly health: StoreHealth
  readonly reachability: Reachability
  readonly deadlines: Deadlines
  readonly solo: SoloTurn
  readonly payloadLimit: number
  readonly stuckAfterMs: number
  readonly lease: LeaseKeeper
  readonly exchanger: Exchanger
  /** Handlers run in the context of whoever started the worker, not of whoever happened to wake it. */
  readonly #context: <T>(run: () => T) => T = runUnowned(() => AsyncLocalStorage.snapshot())
  readonly #observer: Observer
  readonly #options: WorkerRunOptions
  readonly #attempts: Map<string, Attempt> = new Map()
  readonly #unsubscribe: (() => void)[] = []
  // Ends a recovery when the worker stops.
  readonly #leaving: AbortController = new AbortController()
  #stopping = false
  #allEnded: PromiseWithResolvers<void> | undefined
  #recovery: Promise<void> | undefined

  constructor(run: WorkerRunOptions) {
    const { clock, rng, store, events, queues, options } = run
    this.#options = run
    this.clock = clock
    this.rng = rng
    this.store = store
    this.events = events
    this.queues = queues
    this.children = run.children
    this.payloadLimit = options.payloadLimit
    this.stuckAfterMs = options.stuckAfterMs
    this.reachability = new Reachability(options.lease)
    const { reachability } = this
    const onGone = (error: unknown): void => this.fail(error)
    this.health = new StoreHealth({ clock, rng, events, reachability, onGone })
    this.deadlines = new Deadlines(clock)
    // Jittered, so that a fleet does not stop claiming in step.
    this.solo = new SoloTurn(options.soloPatienceMs * (0.75 + 0.5 * rng.next()))
    this.lease = new LeaseKeeper({
      clock,
      rng,
      store,
      health: this.health,
      lease: options.lease,
      stallLimitMs: options.stallLimitMs,
      host: hostname(),
      pid: process.pid,
      info: describeWorker(run),
      onLost: (sinceMs) => this.#onLeaseLost(sinceMs),
    })
    this.exchanger = new Exchanger(this)
    this.#observer = new Observer({
      clock,
      rng,
      store,
      health: this.health,
      queues,
      pollMs: options.pollMs,
      worker: () => this.worker,
      onSeen: (reply, worker) => this.#onSeen(reply, worker),
      onDue: () => this.hint(),
      ...(store.claimsOnHint === true && { onHint: () => this.#claimOnHint() }),
      fail: (error) => this.fail(error),
    })
  }

  /** Registers, then claims. @throws what the store throws. */
  async begin(): Promise<void> {
    // Before the first claim: an operator may have left a queue fewer slots than this worker was made with.
    const stored = await this.store.queueSettings()
    for (const queue of this.queues)
      queue.apply(stored.find(({ queue: name }) => name === queue.name))
    await this.lease.register()
    for (const queue of this.queues) {
      queue.hint()
      this.#unsubscribe.push(queue.pool.onFree(() => this.exchanger.freed(queue)))
    }
    this.#unsubscribe.push(this.events.on("clock.jumped", () => this.#onClockJump()))
    this.#observer.start()
    this.exchanger.wake()
  }

  get worker(): WorkerRef {
    const { worker } = this.lease
    if (worker === undefined)
      throw new DroverError("DROVER_SERVICE_STATE", "the worker has not registered yet")
    return worker
  }

  get workerId(): string {
    return this.worker.workerId
  }

  get running(): number {
    return this.#attempts.size
  }

  get attempts(): Iterable<Attempt> {
    return this.#attempts.values()
  }

  get claimsAhead(): boolean {
    return this.#options.options.claimAhead
  }

  mayClaim(): boolean {
    return !this.#stopping && this.lease.trusted
  }

  /** There may be work in this queue, or in any. */
  hint(name?: string): void {
    for (const queue of this.queues) if (name === undefined || queue.name === name) queue.hint()
    // While it registers there is nobody yet to claim for: `begin` looks when there is.
    if (this.lease.worker !== undefined) this.exchanger.wake()
  }

  take(job: ClaimedJob, slot: Reservation, solo: boolean, nowMono: number): void {
    const definition = this.#options.definitions.get(job.kind)
    if (definition === undefined || !this.mayClaim()) {
      slot.release()
      if (solo) this.solo.ended()
      this.handBack(job, "the worker stopped before the handler started", nowMono)
      return
    }
    const attempt = new Attempt(this, job, definition, slot, solo, nowMono)
    this.#attempts.set(job.jobId, attempt)
    if (this.events.wanted("job.started")) {
      const { jobId, kind, queue } = job
      this.events.emit("job.started", {
        jobId,
        kind,
        queue,
        attempt: job.attempt,
        worker: this.workerId,
      })
    }
    this.#context(() => attempt.start())
  }

  handBack(job: ClaimedJob, reason: string, nowMono: number): void {
    this.#settleUnstarted(job, { to: "interrupted", reason }, nowMono)
  }

  #settleUnstarted(job: ClaimedJob, settlement: Settlement, nowMono: number): void {
    this.exchanger.settle({ attempt: job, settlement, startedMono: nowMono, endedMono: nowMono })
  }

  settled(ended: EndedAttempt, status: SettleStatus): void {
    emitSettled(this.events, ended, status)
    // A job that waits again may be due before anything else is.
    const { to } = ended.settlement
    if (to === "retryable" || to === "snoozed" || to === "crashed") this.#observer.look()
  }

  endedUnrun({ jobId, kind, queue, state }: EndedJob): void {
    this.events.emit(state === "discarded" ? "job.expired" : "job.cancelled", {
      jobId,
      kind,
      queue,
    })
  }

  drained(): void {
    this.#observer.look()
  }

  workerLost(): void {
    this.lease.lost()
  }

  fail(error: unknown): void {
    this.#options.fail(error)
  }

  settle(ended: EndedAttempt): void {
    this.exchanger.settle(ended)
  }

  ended(attempt: Attempt): void {
    const { jobId } = attempt.claimed
    // A job that was taken back and claimed again by this very worker has a newer attempt under its id.
    if (this.#attempts.get(jobId) === attempt) this.#attempts.delete(jobId)
    if (attempt.solo) {
      this.solo.ended()
      // A process that died leaves as many such jobs as it ran, and only a look finds the next one.
      this.#observer.look()
    }
    if (this.#attempts.size > 0) return
    this.exchanger.wake()
    this.#allEnded?.resolve()
  }

  stuck(attempt: Attempt, sinceMs: number): void {
    const { jobId, kind, attempt: number } = attempt.claimed
    this.events.emit("job.stuck", { jobId, kind, attempt: number, sinceMs })
    if (this.#options.options.whenStuck !== "stop") return
    this.fail(
      new DroverError(
        "DROVER_STUCK",
        `the handler of ${kind} did not end although it was aborted`,
        { details: { jobId } },
      ),
    )
  }

  strayed(attempt: Attempt, error: unknown): void {
    const { jobId, kind, queue, attempt: number } = attempt.claimed
    this.events.emit("job.strayed", { jobId, kind, queue, attempt: number, error })
    if (this.#options.options.whenStray === "stop") this.fail(error)
  }

  /** Aborts everything that runs. */
  abortAll(reason: AbortReason): void {
    for (const attempt of this.#attempts.values()) attempt.abort(reason)
  }

  /** Resolves when no handler runs. */
  allEnded(): Promise<void> {
    if (this.#attempts.size === 0) return Promise.resolve()
    this.#allEnded = Promise.withResolvers()
    return this.#allEnded.promise
  }

  /** From now on nothing is claimed, and what a claim in flight brings is handed back. Cancels still arrive. */
  stopClaiming(): void {
    this.#stopping = true
    this.exchanger.waiting.handBack()
    this.#leaving.abort(new Shutdown("the worker is stopping"))
  }

  /** Ends all timers and subscriptions, and the beats. */
  async close(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
    this.#observer.stop()
    this.exchanger.close()
    this.deadlines.clear()
    await this.lease.stop()
    await this.#recovery
  }

  // Others cannot have beaten since the jump, so nobody is dead for want of a beat yet.
  #onClockJump(): void {
    this.reachability.interrupted()
    this.lease.renew()
  }

  // Where limits were met, a claim locks them; whether it would bring anything, a look says without.
  #claimOnHint(): boolean {
    const open = this.queues.filter(({ isHeldBack }) => !isHeldBack)
    for (const queue of open) queue.hint()
    this.exchanger.wake()
    return open.length === this.queues.length
  }

  #onSeen(reply: PeekReply, worker: WorkerRef): void {
    // An answer about a row of the past says nothing about this one.
    if (worker === this.worker && !reply.workerHeld) this.lease.lost()
    const nowMono = this.clock.monotonic()
    for (const queue of this.queues) {
      queue.apply(reply.settings.find((settings) => settings.queue === queue.name))
      if (reply.claimable.includes(queue.name)) queue.hint()
    }
    this.solo.seen(reply.solo, nowMono)
    for (const { jobId, attempt, reason } of reply.cancels) {
      const running = this.#attempts.get(jobId)
      if (running?.claimed.attempt === attempt) running.abort(cancelReason(reason))
      const waiting = this.exchanger.waiting.find(jobId, attempt)
      if (waiting !== undefined) {
        const { message } = cancelReason(reason)
        this.#settleUnstarted(waiting, { to: "cancelled", reason: message, error: null }, nowMono)
      }
    }
    const turnInMs = (this.solo.changesAtMono(nowMono) ?? Number.POSITIVE_INFINITY) - nowMono
    const dueInMs =
      reply.nextDueInMs === null
        ? Number.POSITIVE_INFINITY
        : reply.nextDueInMs + (reply.spreadMs ?? 0) * this.rng.next()
    this.#observer.dueIn(Math.min(dueInMs, turnInMs))
    this.exchanger.wake()
  }

  #onLeaseLost(sinceMs: number): void {
    this.events.emit("worker.lease_lost", { worker: this.workerId, sinceMs })
    this.abortAll(
      new LeaseLost(
        "the worker's lease ended before it could be renewed, so others may take its jobs",
      ),
    )
    this.exchanger.forgetClaims()
    if (this.#stopping) return
    this.#recovery ??= this.#recover().finally(() => {
      this.#recovery = undefined
    })
  }

  /**
   * Gets the worker a new row. The old one is retired first: it may still be there, and as long as it were beaten
   * nobody would rescue what was aborted; retired, its jobs go back at once, as interrupted. Before that, handlers
   * get the lease's own margin to end, and what was settled before the loss is written, if its fence still holds.
   */
  async #recover(): Promise<void> {
    const { signal } = this.#leaving
    const old = this.worker
    try {
      await this.lease.stop()
      await within(this.clock, this.allEnded(), this.#options.options.lease.marginMs, signal)
      await within(this.clock, this.exchanger.idle(), false, signal)
      await this.#replaceRow(old, signal)
    } catch (error) {
      if (!signal.aborted) this.fail(error)
      return
    }
    this.events.emit("worker.lease_regained", { worker: this.workerId })
    this.hint()
    this.#observer.look()
  }

  async #replaceRow(old: WorkerRef, signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await this.store.retireWorker(old)
        signal.throwIfAborted()
        await this.lease.register()
        return
      } catch (error) {
        signal.throwIfAborted()
        await this.clock.sleep(this.health.failed("register", error), { signal })
      }
    }
  }
}

function describeWorker({ queues, definitions, asLeader }: WorkerRunOptions): string {
  return JSON.stringify({
    node: process.version,
    queues: Object.fromEntries(queues.map(({ name, pool }) => [name, pool.limit])),
    kinds: [...definitions.keys()],
    [maintenanceInfo]: asLeader,
  })
}
