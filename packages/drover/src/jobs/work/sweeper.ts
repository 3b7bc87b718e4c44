import { hostname } from "node:os"
import type { Events } from "../../events/index.ts"
import type { Reachability } from "../../lease/index.ts"
import { RunLoop } from "../../service/index.ts"
import type { RescuedJob, Retention, Store, TermRef } from "../../store/index.ts"
import { randomToken } from "../../time/index.ts"
import type { Clock, Rng } from "../../time/index.ts"

/** What the sweeper needs. */
export interface SweeperOptions {
  readonly clock: Clock
  readonly rng: Rng
  readonly events: Events
  readonly store: Pick<Store, "bid" | "rescue" | "deadWorkers" | "expire" | "prune">
  readonly reachability: Reachability
  readonly retention: Retention
  readonly everyMs: number
  /** Jobs became available. */
  onRescued(): void
}

// Bounds each write transaction of a sweep.
const BATCH = 500
// And the work of one round, so that a sweep never takes a database for itself.
const MAX_BATCHES = 10
// Rescue, expiry, pruning.
const PARTS = 3

/**
 * What any worker does for all: takes back the jobs of dead workers, discards jobs that were not started in time,
 * deletes finished jobs that nobody needs any more. Each part reads first and is one conditional statement, so
 * several workers may do it at once; the jitter keeps them from doing it in step. Silence counts as death only
 * after a full lease of uninterrupted reachability, so an outage is not followed by a rescue storm; a process that
 * is proved dead needs no such wait.
 */
export function sweepLoop(options: SweeperOptions): RunLoop {
  const { clock, rng, events, everyMs } = options
  const token = randomToken(rng)
  const candidate = {
    id: `sweeper-${token}`,
    host: hostname(),
    pid: process.pid,
    info: "{}",
  }
  return new RunLoop({
    name: "sweep",
    clock,
    rng,
    events,
    intervalMs: everyMs * 0.8,
    jitterMs: everyMs * 0.4,
    firstMs: rng.next() * everyMs * 0.2,
    ref: false,
    round: async (signal) => {
      // The same bid again prolongs its term.
      const ttlMs = Math.max(15_000, 3 * everyMs)
      const reply = await options.store.bid({ candidate, token, ttlMs })
      if (reply.won) await sweep({ ...options, term: { term: reply.term, token } }, signal)
    },
  })
}

type Sweep = SweeperOptions & { readonly term: TermRef }

async function sweep(options: Sweep, signal: AbortSignal): Promise<void> {
  const errors: unknown[] = []
  // A part that fails must not keep the others from their work, least of all rescue.
  const attempt = async (part: typeof rescue): Promise<number> => {
    if (signal.aborted) return 0
    try {
      return await part(options, signal)
    } catch (error) {
      errors.push(error)
      return 0
    }
  }
  const rescued = await attempt(rescue)
  const expired = await attempt(expire)
  const pruned = await attempt(prune)
  if (rescued + expired + pruned > 0)
    options.events.emit("maintenance.swept", { rescued, expired, pruned })
  const [error] = errors
  if (error === undefined) return
  // When all of it fails, the store is away: then the loop waits longer. Otherwise it comes again as always.
  if (errors.length === PARTS) throw error
  options.events.emit("service.round_failed", {
    service: "sweep",
    error,
    failures: 1,
    retryInMs: options.everyMs,
  })
}

async function rescue(options: Sweep, signal: AbortSignal): Promise<number> {
  const { clock, store, events, reachability, term } = options
  const deadWorkers = await store.deadWorkers()
  let count = 0
  for (let batch = 0; batch < MAX_BATCHES && !signal.aborted; batch++) {
    // Asked anew for each batch: the store may have gone away in between.
    const expiredLeases = reachability.mayRescue(clock.monotonic())
    if (!expiredLeases && deadWorkers.length === 0) return count
    const jobs = await store.rescue({ term, deadWorkers, expiredLeases, limit: BATCH })
    if (jobs === "term_ended") return count
    for (const job of jobs) tellRescued(events, job)
    count += jobs.length
    if (jobs.length > 0) options.onRescued()
    if (jobs.length < BATCH) return count
  }
  return count
}

// A job whose budget was spent or whose cancel was requested ends here, and whoever waits for its end must hear of it.
function tellRescued(events: Events, job: RescuedJob): void {
  const { jobId, kind, queue, attempt, crashes, state, workerId } = job
  events.emit("job.rescued", { jobId, kind, attempt, crashes, worker: workerId })
  const identity = { jobId, kind, queue, attempt }
  if (state === "discarded") events.emit("job.discarded", { ...identity, reason: "crashed" })
  else if (state === "cancelled") events.emit("job.cancelled", identity)
}

async function expire({ store, events, term }: Sweep, signal: AbortSignal): Promise<number> {
  let count = 0
  for (let batch = 0; batch < MAX_BATCHES && !signal.aborted; batch++) {
    const jobs = await store.expire({ term, limit: BATCH })
    if (jobs === "term_ended") return count
    for (const job of jobs) events.emit("job.expired", job)
    count += jobs.length
    if (jobs.length < BATCH) return count
  }
  return count
}

async function prune({ store, retention, term }: Sweep, signal: AbortSignal): Promise<number> {
  let count = 0
  for (let batch = 0; batch < MAX_BATCHES && !signal.aborted; batch++) {
    const reply = await store.prune({ term, retention, limit: BATCH })
    if (reply === "term_ended") return count
    const { jobs, more } = reply
    count += jobs
    if (!more) return count
  }
  return count
}
