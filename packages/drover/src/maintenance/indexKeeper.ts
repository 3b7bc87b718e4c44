import { assert } from "../errors/index.ts"
import type { MaintenanceService } from "./maintenanceService.ts"
import { turnLoop } from "./turnLoop.ts"

const EVERY_MS = 6 * 3_600_000
// One rebuild for each turn; a large one takes long, and holds up nobody.
const ANSWER_MS = 30 * 60_000

/** Rebuilds indexes that have become much larger than their rows need, where a store has such. */
export const indexKeeper: MaintenanceService = {
  name: "indexKeeper",
  suits: (store) => store.keepIndexes !== undefined,
  make: (context) =>
    turnLoop(context, {
      name: "indexKeeper",
      everyMs: EVERY_MS,
      answerMs: ANSWER_MS,
      batch: { most: 1, least: 1 },
      work: async (_, signal) => {
        const { term, store } = context
        assert(store.keepIndexes !== undefined, "the service suits the store")
        const reply = await store.keepIndexes({ term, signal })
        if (reply === "term_ended") return reply
        const { rebuilt, dropped } = reply
        // One for each turn: the size that an index needs is an estimate, and a wrong one must not rebuild without end.
        return { rows: rebuilt.length + dropped.length, more: false }
      },
    }),
}
