import { DroverError } from "../../packages/drover/src/errors/index.ts"
import type {
  ExchangeReply,
  ExchangeRequest,
  Store,
  StoreTransaction,
} from "../../packages/drover/src/store/index.ts"
import type { Rng } from "../../packages/drover/src/time/index.ts"
import type { Life } from "../engine/life.ts"
import type { CallFault, FaultPlan } from "./faultPlan.ts"
import { isWrite, reads } from "./operations.ts"
import type { Operation } from "./operations.ts"

/** One call of a store by a simulated process, as the checkers see it. */
export interface StoreCall {
  readonly op: Operation
  readonly args: readonly unknown[]
  readonly process: number
  readonly life: Life
  readonly sentAtMs: number
}

/** Sees every call at the three instants that matter. */
export interface CallObserver {
  /** The store carried it out, whether or not the caller will ever know. */
  executed(call: StoreCall, reply: unknown): void
  /** The caller was answered. */
  delivered(call: StoreCall, reply: unknown): void
  /** The caller got an error; `executed` may have come before. `planned` names the fault that made it. */
  failed(call: StoreCall, error: unknown, planned: string | undefined): void
  /** A planned fault struck. */
  struck(call: StoreCall, fault: CallFault): void
}

/** Spreads the hint that something changed to the other processes. */
export interface HintHub {
  subscribe(process: number, life: Life, listener: () => void): () => void
  /** @param toSelf whether this process wants to know too; what its worker does it knows already. */
  changed(process: number, toSelf: boolean): void
}

/** What a fault store needs to know about where it stands. */
export interface FaultStoreOptions {
  readonly inner: Store
  readonly process: number
  readonly life: Life
  readonly rng: Rng
  readonly plan: FaultPlan
  readonly observer: CallObserver
  readonly hub: HintHub
  /** A user's transaction holds the connection from now on, or does not any more. */
  readonly onHold: (life: Life, holds: boolean) => void
  /** Calls back when no other process has a transaction open; now if none has. */
  readonly whenFree: (life: Life, run: () => void) => void
  /** Kills the process now; it is started again after a while. */
  readonly kill: (downMs: number) => void
  /** Begins a graceful stop of the process; it is started again after a while. */
  readonly stop: (downMs: number) => void
  /** Workers whose process is gone; stands in for the operating system. */
  readonly deadWorkers: () => Promise<readonly string[]>
}

// How long a call takes when nothing is wrong: the write lock, the sync, the loop.
const LATENCY_MS: readonly [number, number] = [0.05, 2]

/**
 * A store whose every call crosses a gap in virtual time in which it may be delayed, refused, lost on the way
 * back or delivered twice, as the fault plan says. The store inside is the real one. Calls of a dead life
 * never return; those of a paused one are carried out when it resumes.
 */
export class FaultStore implements Store {
  readonly dialect: Store["dialect"]
  readonly label: string
  readonly #at: FaultStoreOptions

  constructor(options: FaultStoreOptions) {
    this.#at = options
    this.dialect = options.inner.dialect
    this.label = options.inner.label
  }

  open: Store["open"] = (...args) => this.#at.inner.open(...args)
  close: Store["close"] = (...args) => this.#at.inner.close(...args)
  migrations: Store["migrations"] = (...args) => this.#call("migrations", args)
  migrate: Store["migrate"] = (...args) => this.#call("migrate", args)
  now: Store["now"] = (...args) => this.#call("now", args)
  enqueue: Store["enqueue"] = (...args) => this.#call("enqueue", args)
  registerWorker: Store["registerWorker"] = (...args) => this.#call("registerWorker", args)
  beat: Store["beat"] = (...args) => this.#call("beat", args)
  retireWorker: Store["retireWorker"] = (...args) => this.#call("retireWorker", args)
  exchange: Store["exchange"] = (...args) => this.#call("exchange", args)
  peek: Store["peek"] = (...args) => this.#call("peek", args)
  progress: Store["progress"] = (...args) => this.#call("progress", args)
  appendLog: Store["appendLog"] = (...args) => this.#call("appendLog", args)
  rescue: Store["rescue"] = (...args) => this.#call("rescue", args)
  expire: Store["expire"] = (...args) => this.#call("expire", args)
  prune: Store["prune"] = (...args) => this.#call("prune", args)
  get: Store["get"] = (...args) => this.#call("get", args)
  finished: Store["finished"] = (...args) => this.#call("finished", args)
  list: Store["list"] = (...args) => this.#call("list", args)
  count: Store["count"] = (...args) => this.#call("count", args)
  trail: Store["trail"] = (...args) => this.#call("trail", args)
  trailAfter: Store["trailAfter"] = (...args) => this.#call("trailAfter", args)
  log: Store["log"] = (...args) => this.#call("log", args)
  queueCounts: Store["queueCounts"] = (...args) => this.#call("queueCounts", args)
  workers: Store["workers"] = (...args) => this.#call("workers", args)
  nextLeaseEndMs: Store["nextLeaseEndMs"] = (...args) => this.#call("nextLeaseEndMs", args)
  doctor: Store["doctor"] = (...args) => this.#call("doctor", args)
  edit: Store["edit"] = (...args) => this.#call("edit", args)
  act: Store["act"] = (...args) => this.#call("act", args)
  queueSettings: Store["queueSettings"] = (...args) => this.#call("queueSettings", args)
  setQueue: Store["setQueue"] = (...args) => this.#call("setQueue", args)
  bid: Store["bid"] = (...args) => this.#call("bid", args)
  renewTerm: Store["renewTerm"] = (...args) => this.#call("renewTerm", args)
  resignTerm: Store["resignTerm"] = (...args) => this.#call("resignTerm", args)
  leader: Store["leader"] = (...args) => this.#call("leader", args)
  claimTurn: Store["claimTurn"] = (...args) => this.#call("claimTurn", args)
  clean: Store["clean"] = (...args) => this.#call("clean", args)
  addSamples: Store["addSamples"] = (...args) => this.#call("addSamples", args)
  samples: Store["samples"] = (...args) => this.#call("samples", args)
  limits: Store["limits"] = (...args) => this.#call("limits", args)
  schedules: Store["schedules"] = (...args) => this.#call("schedules", args)
  schedule: Store["schedule"] = (...args) => this.#call("schedule", args)
  dueSchedules: Store["dueSchedules"] = (...args) => this.#call("dueSchedules", args)
  scheduleTicks: Store["scheduleTicks"] = (...args) => this.#call("scheduleTicks", args)
  scheduleChanges: Store["scheduleChanges"] = (...args) => this.#call("scheduleChanges", args)
  declareLimits: Store["declareLimits"] = (...args) => this.#call("declareLimits", args)
  setLimit: Store["setLimit"] = (...args) => this.#call("setLimit", args)
  reconcileLimits: Store["reconcileLimits"] = (...args) => this.#call("reconcileLimits", args)
  deploySchedules: Store["deploySchedules"] = (...args) => this.#call("deploySchedules", args)
  changeSchedule: Store["changeSchedule"] = (...args) => this.#call("changeSchedule", args)
  removeSchedule: Store["removeSchedule"] = (...args) => this.#call("removeSchedule", args)
  tickSchedules: Store["tickSchedules"] = (...args) => this.#call("tickSchedules", args)
  triggerSchedule: Store["triggerSchedule"] = (...args) => this.#call("triggerSchedule", args)

  deadWorkers(): Promise<readonly string[]> {
    return this.#at.deadWorkers()
  }

  watch(listener: () => void): () => void {
    return this.#at.hub.subscribe(this.#at.process, this.#at.life, listener)
  }

  transaction<T>(
    body: (tx: StoreTransaction) => Promise<T> | T,
    options: { readonly timeoutMs: number },
  ): Promise<T> {
    const { life, onHold } = this.#at
    const holding = async (tx: StoreTransaction): Promise<T> => {
      onHold(life, true)
      return body(tx)
    }
    return this.#call("transaction", [holding, options]) as Promise<T>
  }

  adopt(connection: unknown): StoreTransaction {
    return this.#at.inner.adopt(connection)
  }

  #call<K extends Operation>(op: K, args: Parameters<Store[K]>): ReturnType<Store[K]> {
    const { process, life, rng, plan, observer } = this.#at
    const call: StoreCall = { op, args, process, life, sentAtMs: life.engineMs() }
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const route: Route = {
      call,
      deliver: (reply) => {
        for (const [part, told] of partsOf(call, reply)) observer.delivered(part, told)
        resolve(reply)
      },
      refuse: (error, planned) => {
        observer.failed(call, error, planned)
        reject(error as Error)
      },
    }
    const [low, high] = LATENCY_MS
    life.after(low + (high - low) * rng.next() ** 4, () => {
      const fault = plan.take(process, op, isWrite(op), life.engineMs())
      if (fault === undefined) {
        this.#execute(call, route.deliver, (error) => route.refuse(error, undefined))
        return
      }
      observer.struck(call, fault)
      this.#strike(fault, route)
    })
    return promise as ReturnType<Store[K]>
  }

  #strike({ effect, ms }: CallFault, { call, deliver, refuse }: Route): void {
    const { life } = this.#at
    const plainly = (error: unknown): void => refuse(error, undefined)
    const later = (run: () => void): void => life.after(ms, run)
    const lose = (): void => refuse(faultError(call.op, effect), effect)
    // A body that runs twice makes two jobs, and rightly so.
    switch (call.op === "transaction" && effect === "twice" ? "late_reply" : effect) {
      case "delay":
        later(() => this.#execute(call, deliver, plainly))
        break
      case "late_reply":
        this.#execute(call, (reply) => later(() => deliver(reply)), plainly)
        break
      case "lost_reply":
        this.#execute(call, () => later(lose), plainly)
        break
      case "twice":
        this.#execute(call, () => this.#execute(again(call), deliver, plainly), plainly)
        break
      case "ghost":
        this.#execute(
          call,
          () => {
            lose()
            if (ghosts.has(call.op)) later(() => this.#execute(call, ignore, ignore))
          },
          plainly,
        )
        break
      case "die_before":
        this.#at.kill(ms)
        break
      case "die_after":
        this.#execute(call, () => this.#at.kill(ms), plainly)
        break
      case "stop_during":
        this.#at.stop(ms)
        this.#execute(call, deliver, plainly)
        break
      case "error_before":
      case "busy":
        later(lose)
        break
      case "full":
      case "outage":
        lose()
        break
    }
  }

  /**
   * Carries the call out. All processes share one connection, so a read would see what somebody else has not
   * committed; it waits until that is over. Writes wait by themselves, as for any other writer.
   */
  #execute(
    call: StoreCall,
    onReply: (reply: unknown) => void,
    onError: (error: unknown) => void,
  ): void {
    const { life, whenFree } = this.#at
    if (readsFirst.has(call.op)) whenFree(life, () => this.#carryOut(call, onReply, onError))
    else this.#carryOut(call, onReply, onError)
  }

  #carryOut(
    call: StoreCall,
    onReply: (reply: unknown) => void,
    onError: (error: unknown) => void,
  ): void {
    const { inner, observer, hub, process, life, onHold } = this.#at
    const run = inner[call.op] as (...args: readonly unknown[]) => Promise<unknown>
    const ended = (): void => {
      if (call.op === "transaction") onHold(life, false)
    }
    run.apply(inner, [...call.args]).then(
      (reply) => {
        if (life.isDead) return
        ended()
        for (const [part, told] of partsOf(call, reply)) observer.executed(part, told)
        if (telling.has(call.op)) hub.changed(process, operators.has(call.op))
        onReply(reply)
      },
      (error: unknown) => {
        if (life.isDead) return
        ended()
        onError(error)
      },
    )
  }
}

interface Route {
  readonly call: StoreCall
  readonly deliver: (reply: unknown) => void
  readonly refuse: (error: unknown, planned: string | undefined) => void
}

// Operations that read outside of a transaction of their own.
const readsFirst: ReadonlySet<string> = new Set([...reads, "rescue", "expire", "prune"])

// Operations that can concern others. The real hint also comes for beats and notes, and may always be left out.
const telling: ReadonlySet<string> = new Set([
  "enqueue",
  "transaction",
  "exchange",
  "retireWorker",
  "rescue",
  "edit",
  "act",
  "setQueue",
])

const operators: ReadonlySet<string> = new Set(["edit", "act", "setQueue"])

// Operations that may arrive once more at any later time. Of the others only the reply is lost: what an operator
// asked for twice is two requests, and a claim that comes late would claim for nobody.
const ghosts: ReadonlySet<string> = new Set([
  "enqueue",
  "beat",
  "progress",
  "appendLog",
  "expire",
  "prune",
  "renewTerm",
  "resignTerm",
])

/** An exchange that enqueues is seen as the enqueue and then the exchange, which is what it does. */
function partsOf(call: StoreCall, reply: unknown): readonly (readonly [StoreCall, unknown])[] {
  if (call.op !== "exchange") return [[call, reply]]
  const [{ enqueues }] = call.args as [ExchangeRequest]
  if (enqueues === undefined) return [[call, reply]]
  const { enqueued } = reply as ExchangeReply
  return [
    [{ ...call, op: "enqueue", args: [enqueues] }, enqueued],
    [call, reply],
  ]
}

/** The same call, sent again by somebody who does not know that it was carried out. */
function again(call: StoreCall): StoreCall {
  if (call.op !== "exchange") return call
  const [request] = call.args as [ExchangeRequest]
  return { ...call, args: [{ ...request, repeat: true }] }
}

function ignore(): void {
  // The caller of a ghost has long been answered.
}

function faultError(op: string, effect: CallFault["effect"]): DroverError {
  const message = `simulated: ${effect} of ${op}`
  if (effect === "busy") return new DroverError("DROVER_STORE_BUSY", message)
  if (effect === "full") return new DroverError("DROVER_STORE_FULL", message)
  return new DroverError("DROVER_STORE_IO", message)
}
