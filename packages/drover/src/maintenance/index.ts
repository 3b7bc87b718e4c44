/**
 * Maintenance: what only the leader does, one file for each service.
 *
 * - `rescuer` takes back the jobs of dead workers, `expirer` discards what was not started in time, `pruner` deletes
 *   finished jobs by age and by bytes, `cleaner` removes rows that nothing names, `limitKeeper`
 *   does so for limits, `sampler` counts queues over time,
 *   `ticker` fires schedules, and where a store has indexes that bloat, `indexKeeper` rebuilds them.
 * - Promoting jobs that come due is not among them: a claim finds what is due by itself, on both stores, and a worker
 *   wakes at the instant at which the next job is.
 *
 * A service is made anew for each start in a term (`MaintenanceService.make`), with that term in its hands: each write
 * names it, and the store refuses what comes too late. `turnLoop` is what the periodic ones have in common: whether a
 * service is due is counted from the stamp of its last turn in the store, so a new leader neither repeats what was
 * just done nor skips a beat; batches shrink when statements take too long; each has a loop of its own.
 *
 * `TermMaintenance` is the maintenance of one term: at most three attempts to start, each bounded, with a growing wait
 * between them; when one service cannot start, those before it are stopped; when nothing helps, the term is given
 * back. While services of an older term still run in this process, those of a newer one wait for them.
 *
 * `Singletons` are the users' services under the same terms (`drover.onlyOnLeader`). They start and fail each by
 * itself: a user's service that cannot start must not keep dead workers' jobs from being rescued.
 */
import { cleaner } from "./cleaner.ts"
import { expirer } from "./expirer.ts"
import { limitKeeper } from "./limitKeeper.ts"
import { indexKeeper } from "./indexKeeper.ts"
import type { MaintenanceService } from "./maintenanceService.ts"
import { pruner } from "./pruner.ts"
import { rescuer } from "./rescuer.ts"
import { sampler } from "./sampler.ts"
import { ticker } from "./ticker.ts"

/** Every service of the leader, in the order in which they start. */
export const maintenanceServices: readonly MaintenanceService[] = [
  rescuer,
  expirer,
  pruner,
  cleaner,
  limitKeeper,
  sampler,
  indexKeeper,
  ticker,
]

export { Maintainer } from "./maintainer.ts"
export type { MaintenanceService, MaintenanceSettings } from "./maintenanceService.ts"
export type { SingletonService, SingletonStart } from "./singletons.ts"
export type { MaintenanceStart } from "./termMaintenance.ts"
