import type { Events } from "../events/index.ts"
import type { Fenced, RescuedJob } from "../store/index.ts"
import type { MaintenanceService, TermContext } from "./maintenanceService.ts"
import { turnLoop } from "./turnLoop.ts"
import type { BatchReply } from "./turnLoop.ts"

// Later than the lease ends, by timers and clocks that differ a little; a random part more.
const AFTER_END_MS = 20
const AFTER_END_JITTER_MS = 80
// Leases of a second and less end all the time; so often at most is one looked for.
const LEAST_PAUSE_MS = 250

/**
 * Takes back the jobs of dead workers. Silence counts as death only after this process has seen the store for a full
 * lease without interruption, also after an election and a clock jump, so an outage is not followed by a rescue
 * storm; a process that is proved dead needs no such wait.
 *
 * It looks when a term starts, whatever the leader before did; then when the first of the leases ends that it knows of,
 * or when it may begin to take silence for death; and at every sweep, for what only a sweep finds.
 */
export const rescuer: MaintenanceService = {
  name: "rescuer",
  make: (context) =>
    turnLoop(context, {
      name: "rescuer",
      everyMs: context.settings.sweepMs,
      batch: { most: 500, least: 10 },
      atStart: true,
      work: (limit) => rescue(context, limit),
    }),
}

async function rescue(context: TermContext, limit: number): Promise<Fenced<BatchReply>> {
  const { term, store, events } = context
  const deadWorkers = await store.deadWorkers()
  // Asked before the rescue: what ends in between is either taken back by it or looked for.
  const nextMono = await nextLookMono(context, context.blindMs())
  // Asked anew for each batch, and after everything else was: the store may have gone away meanwhile, or the clock leapt.
  const expiredLeases = context.blindMs() === 0
  const isNeeded = expiredLeases || deadWorkers.length > 0
  const jobs = isNeeded ? await store.rescue({ term, deadWorkers, expiredLeases, limit }) : []
  if (jobs === "term_ended") return jobs
  for (const job of jobs) tell(events, job)
  if (jobs.length > 0) context.hint()
  const nextInMs = Math.max(LEAST_PAUSE_MS, nextMono - context.clock.monotonic())
  return { rows: jobs.length, more: jobs.length === limit, nextInMs }
}

/** When something may change about who is dead. */
async function nextLookMono(
  { clock, rng, store, settings }: TermContext,
  blindMs: number,
): Promise<number> {
  const askedMono = clock.monotonic()
  // While it is blind, no lease that ends is of any use to it.
  const inMs = blindMs > 0 ? blindMs : await store.nextLeaseEndMs()
  return askedMono + (inMs ?? settings.sweepMs) + AFTER_END_MS + AFTER_END_JITTER_MS * rng.next()
}

// A job whose budget was spent or whose cancel was requested ends here, and whoever waits for its end must hear of it.
function tell(events: Events, job: RescuedJob): void {
  const { jobId, kind, queue, attempt, crashes, state, workerId } = job
  events.emit("job.rescued", { jobId, kind, attempt, crashes, worker: workerId })
  const identity = { jobId, kind, queue, attempt }
  if (state === "discarded") events.emit("job.discarded", { ...identity, reason: "crashed" })
  else if (state === "cancelled") events.emit("job.cancelled", identity)
}
