import type { QueueSample } from "../store/index.ts"
import type { MaintenanceService, TermContext } from "./maintenanceService.ts"
import { turnLoop } from "./turnLoop.ts"

// Counting walks an index; beyond this a sample only says "at least".
const COUNT_CAP = 10_000
// Of a database with more queues than this, the first so many are sampled.
const MOST_QUEUES = 500

/** Counts the jobs of each queue now and then, so that people see how it was, not only how it is. */
export const sampler: MaintenanceService = {
  name: "sampler",
  make: (context) => {
    const { sampleMs } = context.settings
    return turnLoop(context, {
      name: "sampler",
      everyMs: sampleMs === false ? 86_400_000 : sampleMs,
      batch: { most: 2_000, least: 50 },
      work: async (limit) => {
        const { term, store, settings } = context
        // Without sampling, what was sampled before is still forgotten.
        const samples = sampleMs === false ? [] : await count(context)
        const keepMs = settings.keepSamplesMs
        const reply = await store.addSamples({ term, samples, keepMs, limit })
        if (reply === "term_ended") return reply
        return { rows: samples.length + reply.forgotten, more: false }
      },
    })
  },
}

async function count({ store }: TermContext): Promise<readonly Omit<QueueSample, "at">[]> {
  const queues = await store.queueCounts(COUNT_CAP)
  const nowMs = await store.now()
  return queues.slice(0, MOST_QUEUES).map(({ queue, counts, oldestDueAt }) => ({
    queue,
    counts,
    oldestWaitMs: oldestDueAt === null ? null : Math.max(0, nowMs - oldestDueAt),
  }))
}
