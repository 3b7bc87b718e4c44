import type { MaintenanceService } from "./maintenanceService.ts"
import { turnLoop } from "./turnLoop.ts"

const EVERY_MS = 60_000
// A row that says nothing was written for a reason; whoever wrote it may look at it for a day.
const IDLE_MS = 86_400_000

/** Removes rows of workers that nothing names any more, and of queues of which nothing is stored. */
export const cleaner: MaintenanceService = {
  name: "cleaner",
  make: (context) =>
    turnLoop(context, {
      name: "cleaner",
      everyMs: EVERY_MS,
      batch: { most: 200, least: 10 },
      work: async (limit) => {
        const { term, store } = context
        const reply = await store.clean({ term, idleMs: IDLE_MS, limit })
        if (reply === "term_ended") return reply
        const { workers, queues } = reply
        return { rows: workers + queues, more: workers === limit || queues === limit }
      },
    }),
}
