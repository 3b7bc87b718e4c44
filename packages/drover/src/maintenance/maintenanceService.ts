import type { Events } from "../events/index.ts"
import type { Startable } from "../service/index.ts"
import type { Retention, Store, TermRef } from "../store/index.ts"
import type { Clock, Rng } from "../time/index.ts"

/** What a service of the leader is handed: one term, and what it may know. */
export interface TermContext {
  /** Goes with every write. */
  readonly term: TermRef
  readonly store: Store
  readonly clock: Clock
  readonly rng: Rng
  readonly events: Events
  readonly settings: MaintenanceSettings
  /** How long until the store will have been reachable for long enough to take the silence of others for their death; 0 when it has. */
  readonly blindMs: () => number
  /** Jobs of this queue, or of any, may have become available. */
  readonly hint: (queue?: string) => void
  /** A write was answered with "term_ended": nothing may be done under this term any more. */
  readonly termEnded: () => void
}

/** What the services of the leader are told by the client. */
export interface MaintenanceSettings {
  /** How long finished jobs stay. */
  readonly retention: Retention
  /** Pause between two rounds of expiry and of pruning, and the longest between two of rescue. */
  readonly sweepMs: number
  /** Pause between two samples of the queues; `false` takes none. */
  readonly sampleMs: number | false
  readonly keepSamplesMs: number
}

/**
 * A service that only the leader runs. It is made anew for each start, so that nothing of an old term can be left in
 * it; it writes only with `context.term`, and calls `context.termEnded()` when a write is fenced.
 */
export interface MaintenanceService {
  readonly name: string
  /** Whether there is anything to do on this store. @default on every one */
  suits?(store: Store): boolean
  make(context: TermContext): Startable
}
