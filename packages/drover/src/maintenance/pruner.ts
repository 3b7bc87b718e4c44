import type { MaintenanceService } from "./maintenanceService.ts"
import { turnLoop } from "./turnLoop.ts"

/** Deletes finished jobs with their logs and trails: by age, and the oldest ones beyond the bytes that they may take. */
export const pruner: MaintenanceService = {
  name: "pruner",
  make: (context) =>
    turnLoop(context, {
      name: "pruner",
      everyMs: context.settings.sweepMs,
      batch: { most: 500, least: 10 },
      work: async (limit) => {
        const { term, store, settings } = context
        const reply = await store.prune({ term, retention: settings.retention, limit })
        return reply === "term_ended" ? reply : { rows: reply.jobs, more: reply.more }
      },
    }),
}
