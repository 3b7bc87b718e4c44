import type { MaintenanceService } from "./maintenanceService.ts"
import { turnLoop } from "./turnLoop.ts"

const EVERY_MS = 60_000

/**
 * Clears away what no limit counts any more, and opens what nothing blocks. Nothing waits for it: what counts is
 * derived from the jobs that run, so this only keeps the tables small and mends what a process without limits did.
 */
export const limitKeeper: MaintenanceService = {
  name: "limit-keeper",
  make: (context) =>
    turnLoop(context, {
      name: "limit-keeper",
      everyMs: EVERY_MS,
      batch: { most: 500, least: 10 },
      work: async (limit) => {
        const { term, store } = context
        const reply = await store.reconcileLimits({ term, limit })
        if (reply === "term_ended") return reply
        const { cleared, opened, more } = reply
        if (opened > 0) context.hint()
        return { rows: cleared + opened, more }
      },
    }),
}
