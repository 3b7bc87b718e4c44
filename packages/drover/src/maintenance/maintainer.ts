import type { Events } from "../events/index.ts"
import type { Term, Transition } from "../leadership/index.ts"
import type { Startable } from "../service/index.ts"
import type { Store } from "../store/index.ts"
import type { Clock, Rng } from "../time/index.ts"
import type { MaintenanceService, MaintenanceSettings, TermContext } from "./maintenanceService.ts"
import { Singletons } from "./singletons.ts"
import { TermMaintenance } from "./termMaintenance.ts"
import type { MaintenanceStart } from "./termMaintenance.ts"

/** What a maintainer needs. */
export interface MaintainerOptions {
  readonly clock: Clock
  readonly rng: Rng
  readonly events: Events
  store(): Store
  readonly settings: MaintenanceSettings
  readonly services: readonly MaintenanceService[]
  readonly onMaintenanceStart: ((start: MaintenanceStart) => unknown) | undefined
  readonly startTimeoutMs: number
  /** How long until the silence of others may be taken for their death; 0 when it may. */
  blindMs(): number
  /** Jobs may have become available. */
  hint(queue?: string): void
  onStarted(term: Term): void
  onGivenUp(term: Term, cause: unknown): void
}

/** Runs the leader's services under the terms of this client, and the users' services beside them. */
export class Maintainer {
  readonly singletons: Singletons
  readonly #options: MaintainerOptions
  /** Of all terms so far. */
  #gone: Promise<void> = Promise.resolve()

  constructor(options: MaintainerOptions) {
    const { clock, rng, events, startTimeoutMs } = options
    this.#options = options
    this.singletons = new Singletons({ clock, rng, events, startTimeoutMs })
  }

  /** Made to be handed to `Elector.onTransition`. Returns at once: nothing that starts holds up what comes next. */
  moved({ to, term }: Transition): void {
    // The end of a term reaches all that runs under it by the term's own signal.
    if (to === "follower" || !term.trusted) return
    const { clock, rng, events, onMaintenanceStart, startTimeoutMs } = this.#options
    const predecessors = this.#gone
    const maintenance = new TermMaintenance({
      ...{ term, clock, rng, events, onMaintenanceStart, startTimeoutMs, predecessors },
      makeServices: () => this.#makeServices(term),
      onStarted: () => this.#options.onStarted(term),
      onGivenUp: (cause) => this.#options.onGivenUp(term, cause),
    })
    this.#gone = Promise.all([predecessors, maintenance.gone]).then(() => {})
    this.singletons.begin(term)
  }

  /** Resolves when nothing of terms that have ended runs any more. */
  async released(): Promise<void> {
    await Promise.all([this.#gone, this.singletons.gone()])
  }

  #makeServices(term: Term): readonly Startable[] {
    const { clock, rng, events, settings, services } = this.#options
    const { store, blindMs, hint } = this.#options
    const context: TermContext = {
      ...{ term: term.ref, clock, rng, events, store: store(), settings, blindMs, hint },
      termEnded: () => term.lose("the store refused a write of it"),
    }
    return services
      .filter((service) => service.suits?.(context.store) ?? true)
      .map((service) => service.make(context))
  }
}
