import { jobStates } from "../store/index.ts"
import type { CleanReply, Fenced, JobState, QueueSample, TermRef } from "../store/index.ts"
import type { StoreContext } from "./context.ts"
import { rerank } from "./operators.ts"
import { fenced } from "./terms.ts"
import type { Row } from "./values.ts"

/** Removes what nothing refers to any more, and places what a change of aging could not see. See `LeadershipStore.clean`. */
export function clean(
  context: StoreContext,
  request: { readonly term: TermRef; readonly idleMs: number; readonly limit: number },
): Promise<Fenced<CleanReply>> {
  const { term, idleMs, limit } = request
  return fenced<CleanReply>(context, "clean", term, {
    look: async (db) => {
      if ((await db.query("idle_workers")).length > 0) return "write"
      if ((await db.query("misplaced_queues")).length > 0) return "write"
      const settings = await db.query("silent_queues", [idleMs, 1])
      return settings.length > 0 ? "write" : { workers: 0, queues: 0 }
    },
    write: async (db) => {
      const workers = await db.query("ended_workers", [limit])
      const silent = await db.query("silent_queues", [idleMs, limit])
      const names = silent.map(([name]) => name as string)
      const queues = await db.query("delete_queue", [names])
      for (const [queue, agingMs] of await db.query("misplaced_queues"))
        await rerank(db, queue as string, agingMs as number | null)
      return { workers: workers.length, queues: queues.length }
    },
  })
}

/** Keeps a sample of each queue. See `LeadershipStore.addSamples`. */
export function addSamples(
  context: StoreContext,
  request: {
    readonly term: TermRef
    readonly samples: readonly Omit<QueueSample, "at">[]
    readonly keepMs: number
    readonly limit: number
  },
): Promise<Fenced<{ readonly forgotten: number }>> {
  const { term, samples, keepMs, limit } = request
  return fenced<{ readonly forgotten: number }>(context, "addSamples", term, {
    look: () => Promise.resolve("write"),
    write: async (db) => {
      for (const { queue, counts, oldestWaitMs } of samples) {
        const numbers = jobStates.map((state) => counts[state])
        await db.query("add_sample", [queue, numbers, oldestWaitMs])
      }
      const forgotten = await db.query("forget_samples", [keepMs, limit])
      return { forgotten: forgotten.length }
    },
  })
}

/** Reads samples. See `LeadershipStore.samples`. */
export async function samples(
  { database }: StoreContext,
  request: { readonly queue: string | null; readonly sinceMs: number; readonly limit: number },
): Promise<readonly QueueSample[]> {
  const { queue, sinceMs, limit } = request
  const rows = await database.read("samples", (db) =>
    queue === null
      ? db.query("samples_of_all", [sinceMs, limit])
      : db.query("samples_of_queue", [queue, sinceMs, limit]),
  )
  return rows.map((row) => sampleOf(row)).toReversed()
}

function sampleOf([at, queue, numbers, oldestWaitMs]: Row): QueueSample {
  const counts = Object.fromEntries(
    jobStates.map((state, code) => [state, (numbers as readonly number[])[code] ?? 0]),
  ) as Record<JobState, number>
  return { at, queue, counts, oldestWaitMs } as QueueSample
}
