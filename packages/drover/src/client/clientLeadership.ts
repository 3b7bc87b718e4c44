import { assert, Shutdown } from "../errors/index.ts"
import type { Events } from "../events/index.ts"
import { Elector } from "../leadership/index.ts"
import { Maintainer, maintenanceServices } from "../maintenance/index.ts"
import type { MaintenanceService, SingletonService } from "../maintenance/index.ts"
import type { Store } from "../store/index.ts"
import { UuidMaker } from "../time/index.ts"
import type { Clock, Rng } from "../time/index.ts"
import type { ResolvedLead } from "./leadOptions.ts"

/** A worker of this client, as far as leadership is concerned. */
export interface LeadingWorker {
  /** Time to live of its lease. */
  readonly leaseMs: number
  /** How long until it will have seen the store for a full lease without interruption; 0 when it has. */
  blindMs(): number
  hint(queue?: string): void
}

/** What leading needs. */
export interface ClientLeadershipOptions {
  readonly clock: Clock
  readonly rng: Rng
  readonly events: Events
  readonly lead: ResolvedLead
  /** JSON text shown to operators. @default "{}" */
  readonly info?: string
  /** @default all services of the leader */
  readonly services?: readonly MaintenanceService[]
}

/**
 * Lets a client lead while it has a worker: it begins to bid with the first that runs, and gives its term back when the
 * last one begins to stop.
 */
export class ClientLeadership {
  readonly #options: ClientLeadershipOptions
  readonly #ids: UuidMaker
  readonly #workers: Set<LeadingWorker> = new Set()
  #maintainer: Maintainer | undefined
  #store: Store | undefined
  #elector: Elector | undefined
  #stopping: Promise<void> = Promise.resolve()

  constructor(options: ClientLeadershipOptions) {
    this.#options = options
    this.#ids = new UuidMaker(options.clock, options.rng)
  }

  /** A worker of the client runs. */
  began(worker: LeadingWorker, store: Store): void {
    this.#workers.add(worker)
    if (this.#workers.size === 1) this.#start(worker, store)
  }

  /** It begins to stop. */
  ending(worker: LeadingWorker): void {
    if (!this.#workers.delete(worker) || this.#workers.size > 0) return
    const elector = this.#elector
    this.#elector = undefined
    if (elector === undefined) return
    const stopped = elector.stop(new Shutdown("the client's last worker is stopping"))
    this.#stopping = Promise.all([this.#stopping, stopped]).then(() => {})
    // Whoever waits for it hears of it.
    this.#stopping.catch(() => {})
  }

  /** Resolves when no term is held any more; in bounded time after the last worker began to stop. */
  stopped(): Promise<void> {
    return this.#stopping
  }

  /** Runs a user's service in each term of this client. @returns ends it. */
  onlyOnLeader(name: string, service: SingletonService): () => Promise<void> {
    return this.#maintain().singletons.add(name, service)
  }

  #start({ leaseMs }: LeadingWorker, store: Store): void {
    const { clock, rng, events, lead, info = "{}" } = this.#options
    if (lead.timesFor === null) return
    this.#store = store
    const maintainer = this.#maintain()
    const elector = new Elector({
      ...{ clock, rng, events, store, info, times: lead.timesFor(leaseMs) },
      candidateId: this.#ids.next(),
      isReady: () => this.#blindMs() === 0,
      released: () => maintainer.released(),
    })
    elector.onTransition((transition) => maintainer.moved(transition))
    this.#elector = elector
    // It only begins to bid; that never fails.
    void elector.start().catch(() => {})
  }

  #maintain(): Maintainer {
    const { clock, rng, events, lead, services = maintenanceServices } = this.#options
    const { settings, onMaintenanceStart, startTimeoutMs } = lead
    this.#maintainer ??= new Maintainer({
      ...{ clock, rng, events, settings, services, onMaintenanceStart, startTimeoutMs },
      store: () => {
        assert(this.#store !== undefined, "a term begins only with a store")
        return this.#store
      },
      blindMs: () => this.#blindMs(),
      hint: (queue) => {
        for (const worker of this.#workers) worker.hint(queue)
      },
      onStarted: (term) => this.#elector?.maintained(term),
      onGivenUp: (term, cause) => this.#elector?.giveUp(term, cause),
    })
    return this.#maintainer
  }

  // Counted since the workers began, whoever led meanwhile: a client that has been up for a lease rescues at once.
  #blindMs(): number {
    if (this.#workers.size === 0) return Number.POSITIVE_INFINITY
    return Math.max(...Array.from(this.#workers, (worker) => worker.blindMs()))
  }
}
