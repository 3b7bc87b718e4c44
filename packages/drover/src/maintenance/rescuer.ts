import type { Events } from "../events/index.ts"
import type { Fenced, RescuedJob } from "../store/index.ts"
import type { MaintenanceService, TermContext } from "./maintenanceService.ts"
import { turnLoop } from "./turnLoop.ts"
import type { BatchReply } from "./turnLoop.ts"

/**
 * Takes back the jobs of dead workers. Silence counts as death only after this process has seen the store for a full
 * lease without interruption, also after an election and a clock jump, so an outage is not followed by a rescue
 * storm; a process that is proved dead needs no such wait.
 */
export const rescuer: MaintenanceService = {
  name: "rescuer",
  make: (context) =>
    turnLoop(context, {
      name: "rescuer",
      everyMs: context.settings.sweepMs,
      batch: { most: 500, least: 10 },
      work: (limit) => rescue(context, limit),
    }),
}

async function rescue(context: TermContext, limit: number): Promise<Fenced<BatchReply>> {
  const { term, store, events } = context
  const deadWorkers = await store.deadWorkers()
  // Asked anew for each batch: the store may have gone away in between.
  const expiredLeases = context.mayRescue()
  if (!expiredLeases && deadWorkers.length === 0) return { rows: 0, more: false }
  const jobs = await store.rescue({ term, deadWorkers, expiredLeases, limit })
  if (jobs === "term_ended") return jobs
  for (const job of jobs) tell(events, job)
  if (jobs.length > 0) context.hint()
  return { rows: jobs.length, more: jobs.length === limit }
}

// A job whose budget was spent or whose cancel was requested ends here, and whoever waits for its end must hear of it.
function tell(events: Events, job: RescuedJob): void {
  const { jobId, kind, queue, attempt, crashes, state, workerId } = job
  events.emit("job.rescued", { jobId, kind, attempt, crashes, worker: workerId })
  const identity = { jobId, kind, queue, attempt }
  if (state === "discarded") events.emit("job.discarded", { ...identity, reason: "crashed" })
  else if (state === "cancelled") events.emit("job.cancelled", identity)
}
