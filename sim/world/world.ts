import { DatabaseSync } from "node:sqlite"
import { isDroverError } from "../../packages/drover/src/errors/index.ts"
import { Events } from "../../packages/drover/src/events/index.ts"
import type { DroverEvents, EventName } from "../../packages/drover/src/events/index.ts"
import { sqliteShared } from "../../packages/drover/src/sqlite/index.ts"
import type {
  Retention,
  Store,
  StoreEnvironment,
  WorkerRow,
} from "../../packages/drover/src/store/index.ts"
import {
  randomBelow,
  SeededRng,
  systemClock,
  systemRng,
} from "../../packages/drover/src/time/index.ts"
import { Referee } from "../checks/checker.ts"
import type { HandlerRun } from "../checks/jobRecord.ts"
import { Ledger } from "../checks/ledger.ts"
import { Sometimes } from "../checks/sometimes.ts"
import { Violation } from "../checks/violation.ts"
import { Engine } from "../engine/engine.ts"
import { History } from "../engine/history.ts"
import { EPOCH_MS } from "../engine/life.ts"
import type { Life } from "../engine/life.ts"
import type { Fault } from "../faults/fault.ts"
import { FaultPlan } from "../faults/faultPlan.ts"
import { FaultStore } from "../faults/faultStore.ts"
import { makeCheckers } from "./checkers.ts"
import type { Checkers } from "./checkers.ts"
import { Hints } from "./hints.ts"
import type { SeedConfig } from "./seedConfig.ts"
import { SimProcess } from "./simProcess.ts"

// Events of the runtime that a full run must have met.
const MET: Partial<Record<EventName, string>> = {
  "worker.lease_lost": "a lease was lost",
  "worker.lease_regained": "a lease was regained",
  "worker.stalled": "a stall was noticed",
  "job.fenced": "a superseded attempt was told so",
  "job.stuck": "a handler was stuck",
  "job.interrupted": "a job was interrupted",
  "clock.jumped": "a clock jump was noticed",
  "store.recovered": "a store recovered",
}

/** One machine: a database, several processes, and everybody who watches them. */
export class World {
  readonly config: SeedConfig
  readonly engine: Engine
  readonly history: History
  readonly sometimes: Sometimes = new Sometimes()
  readonly retention: Retention
  readonly plan: FaultPlan
  readonly processes: readonly SimProcess[]
  readonly #db: DatabaseSync
  readonly #checkers: Checkers
  readonly #referee: Referee
  readonly #hints: Hints
  readonly #workers: Map<string, Life> = new Map()
  readonly #herds: Map<string, number> = new Map()
  readonly #known: string[] = []
  readonly #struckSince: Set<Life> = new Set()
  #ledger: Ledger | undefined
  /** What the machine's monotonic clock shows at the start. */
  readonly monoOriginMs: number
  readonly #handlers: Set<HandlerRun> = new Set()
  #holder: Life | undefined
  readonly #waitingForHolder: (() => void)[] = []
  #isEnding = false
  #isHealed = false

  constructor(config: SeedConfig, options: { readonly keepTail: boolean }) {
    this.config = config
    this.engine = new Engine(new SeededRng(`schedule/${config.seed}`))
    this.history = new History(options)
    this.monoOriginMs = randomBelow(new SeededRng(`machine/${config.seed}`), 1e9)
    const { retentionMs } = config
    this.retention = {
      completedMs: retentionMs,
      cancelledMs: retentionMs,
      discardedMs: 2 * retentionMs,
      bytes: false,
    }
    this.plan = new FaultPlan(config.faults)
    this.#db = new DatabaseSync(":memory:")
    const changes = this.#db.prepare("select total_changes()")
    changes.setReturnArrays(true)
    this.#hints = new Hints(
      this.engine,
      this.plan,
      new SeededRng(`hints/${config.seed}`),
      () => (changes.get() as unknown as readonly [number])[0],
    )
    this.#checkers = makeCheckers({
      sometimes: this.sometimes,
      retention: this.retention,
      nowMs: () => this.engine.nowMs,
      isHealed: () => this.#isHealed,
      ledger: () => this.ledger,
      scheduleEndAt: this.scheduleEndAt,
      herdOf: (id) => this.#herds.get(id),
      note: (who, what) => this.note(who, what),
    })
    this.#referee = new Referee(this.#checkers.all)
    this.processes = Array.from(
      { length: config.processes },
      (_, place) => new SimProcess(this, place, config.skewsMs[place] ?? 0),
    )
  }

  get ledger(): Ledger {
    if (this.#ledger === undefined) throw new Error("the world was not prepared")
    return this.#ledger
  }

  /** Jobs whose enqueue was acknowledged, oldest first. */
  get known(): readonly string[] {
    return this.#known
  }

  /** Ids of jobs that wait or run. */
  unfinished(): readonly string[] {
    return [...this.ledger.jobs].flatMap(({ id, finishedAt }) => (finishedAt === null ? [id] : []))
  }

  /** Whether processes that end are left down. */
  get isEnding(): boolean {
    return this.#isEnding
  }

  /** Makes the schema, in real time, and begins to watch it. */
  async prepare(): Promise<void> {
    const environment = { clock: systemClock, rng: systemRng, events: new Events() }
    const store = sqliteShared(this.#db).connect(environment)
    await store.migrate({ dryRun: false })
    await store.close()
    this.#ledger = new Ledger(this.#db, this.#referee, (move, id) => {
      this.note("db", `${id} ${move.from}>${move.to} #${move.attempt} ${move.actor ?? ""}`)
    })
  }

  close(): void {
    for (const { life } of this.processes) life?.kill()
    this.#db.close()
  }

  /** Looks at what an event did. @throws the first violation. */
  look(): void {
    this.#ledger?.look()
    this.#referee.settled()
    const { violation } = this.#referee
    if (violation !== undefined) throw violation
  }

  /** The last checks, when everything has stopped. */
  finish(): void {
    this.look()
    this.#referee.finished()
    this.look()
  }

  /** Whether all faults have ended. */
  get isHealed(): boolean {
    return this.#isHealed
  }

  /** From now on nothing goes wrong any more. */
  heal(): void {
    this.#isHealed = true
    this.plan.heal(this.engine.nowMs)
  }

  /** Whether somebody leads and does what only the leader does. */
  get isMaintained(): boolean {
    return this.#checkers.leadership.isMaintained
  }

  /** From now on processes that end stay down. */
  end(): void {
    this.#isEnding = true
  }

  note(who: string, what: string): void {
    this.history.add(this.engine.nowMs, who, what)
  }

  accuse(checker: string, message: string): void {
    this.#referee.accuse(new Violation(checker, message))
  }

  /** An enqueue with this id is about to be sent. */
  intends(id: string): void {
    this.#checkers.loss.intends(id)
  }

  acknowledged(id: string, herd: number | undefined): void {
    this.#known.push(id)
    if (herd !== undefined) this.#herds.set(id, herd)
    this.#checkers.loss.acknowledged(id)
  }

  /** Schedules end with the faults, so that the healed machine comes to rest. */
  get scheduleEndAt(): number {
    return Math.floor(EPOCH_MS + this.config.durationMs)
  }

  /** The store of one life: the real one, behind the faults. */
  connect(process: number, life: Life, environment: StoreEnvironment): Store {
    const inner = sqliteShared(this.#db).connect(environment)
    const referee = this.#referee
    return new FaultStore({
      inner,
      process,
      life,
      rng: new SeededRng(`latency/${this.config.seed}/${life.name}`),
      plan: this.plan,
      hub: this.#hints,
      observer: {
        executed: (call, reply) => {
          if (call.op === "registerWorker") {
            this.#workers.set((call.args[0] as { readonly workerId: string }).workerId, life)
          }
          referee.executed(call, reply)
        },
        delivered: (call, reply) => referee.delivered(call, reply),
        failed: (call, error, planned) => referee.failed(call, error, planned),
        struck: (call, fault) => {
          this.#struckSince.add(life)
          referee.struck(call, fault)
        },
      },
      onHold: (holder, holds) => {
        if (holds) this.#holder = holder
        else if (this.#holder === holder) this.#free()
      },
      whenFree: (reader, run) => {
        if (this.#holder === undefined || this.#holder === reader) run()
        else this.#waitingForHolder.push(() => reader.after(0, run))
      },
      kill: (downMs) => this.processes[process]?.crash(downMs),
      stop: (downMs) => this.processes[process]?.deploy(downMs),
      deadWorkers: () => this.#deadWorkers(inner),
    })
  }

  /** A life is over: the operating system closes its connection, which rolls back what was open. */
  died(life: Life): void {
    if (this.#holder !== life) return
    if (this.#db.isTransaction) {
      this.#db.exec("rollback")
      this.sometimes.hit("a process died inside a transaction")
    }
    this.#free()
  }

  /** Nobody's transaction is open any more: whoever waited to read may. */
  #free(): void {
    this.#holder = undefined
    for (const run of this.#waitingForHolder.splice(0)) run()
  }

  started(life: Life): void {
    this.note(life.name, "is up")
  }

  stopping(life: Life): void {
    this.#struckSince.delete(life)
    this.#checkers.stop.stopping(life)
  }

  /** A stop returned. It is judged only when no fault was in its way. */
  stopped(life: Life): void {
    if (this.#struckSince.has(life)) return
    this.engine.at(this.engine.nowMs, () => {
      if (life.isDead) return
      try {
        this.#checkers.stop.stopped(life)
      } catch (error) {
        this.#referee.accuse(error as Violation)
      }
    })
  }

  /** Whether nothing waits and nothing runs, also no handler that was given up. */
  get isIdle(): boolean {
    if (this.ledger.unfinished > 0) return false
    for (const run of this.#handlers) {
      if (!run.life.isDead) return false
      this.#handlers.delete(run)
    }
    return true
  }

  /** A job was enqueued that must start on time. */
  expectPrompt(jobId: string, delayMs: number): void {
    this.#checkers.prompt.expect(jobId, delayMs)
  }

  /** This process if it runs a handler, else the next one that does, else this one. */
  busyFrom(place: number): SimProcess | undefined {
    const { processes } = this
    for (let i = 0; i < processes.length; i++) {
      const candidate = processes[(place + i) % processes.length]!
      for (const run of this.#handlers) if (run.life === candidate.life) return candidate
    }
    return processes[place]
  }

  dim(fault: Extract<Fault, { readonly kind: "brownout" }>): void {
    this.plan.dim(fault, this.busyFrom(fault.process)?.place ?? fault.process)
  }

  handlerStarted(run: HandlerRun): void {
    this.#handlers.add(run)
    this.#referee.handlerStarted(run)
  }

  handlerEnded(run: HandlerRun): void {
    this.#handlers.delete(run)
    this.#referee.handlerEnded(run)
  }

  /** The runtime emitted an event. */
  saw<N extends EventName>(life: Life, name: N, data: DroverEvents[N]): void {
    const fields = data as Readonly<Record<string, unknown>>
    const jobId = typeof fields["jobId"] === "string" ? fields["jobId"] : ""
    this.note(life.name, `event ${name} ${jobId}`)
    try {
      this.#checkers.leadership.saw(life, name, data)
    } catch (error) {
      // What an event's listener throws is kept from the checkers: it is told to the referee.
      this.#referee.accuse(error as Violation)
    }
    const met = MET[name]
    if (met !== undefined) this.sometimes.hit(met)
    const error = fields["error"]
    if (isDroverError(error, "DROVER_ASSERTION") || name === "drover.listener_failed") {
      this.accuse("assertion", `${life.name}: ${name}: ${String(error)}`)
    }
  }

  async #deadWorkers(inner: Store): Promise<readonly string[]> {
    const rows: readonly WorkerRow[] = await inner.workers()
    return rows.map(({ workerId }) => workerId).filter((id) => this.#workers.get(id)?.isDead)
  }
}
