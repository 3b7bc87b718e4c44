import type { MaintenanceService } from "./maintenanceService.ts"
import { turnLoop } from "./turnLoop.ts"

/** Discards jobs that were not started before their expiry. */
export const expirer: MaintenanceService = {
  name: "expirer",
  make: (context) =>
    turnLoop(context, {
      name: "expirer",
      everyMs: context.settings.sweepMs,
      batch: { most: 500, least: 10 },
      work: async (limit) => {
        const { term, store, events } = context
        const jobs = await store.expire({ term, limit })
        if (jobs === "term_ended") return jobs
        for (const job of jobs) events.emit("job.expired", job)
        return { rows: jobs.length, more: jobs.length === limit }
      },
    }),
}
