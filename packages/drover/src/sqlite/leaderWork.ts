import { jobStates } from "../store/index.ts"
import type { CleanReply, Fenced, JobState, QueueSample, TermRef } from "../store/index.ts"
import type { StoreContext } from "./context.ts"
import type { Row } from "./statements.ts"
import { fenced } from "./terms.ts"

/** Removes what nothing refers to any more. See `LeadershipStore.clean`. */
export function clean(
  context: StoreContext,
  request: { readonly term: TermRef; readonly idleMs: number; readonly limit: number },
): Promise<Fenced<CleanReply>> {
  const { term, idleMs, limit } = request
  return fenced<CleanReply>(context, "clean", term, {
    look: ({ statements, now }) =>
      statements.first("idle_workers") === undefined &&
      statements.first("silent_queues", now - idleMs, 1) === undefined
        ? { workers: 0, queues: 0 }
        : "write",
    write: (tx) => {
      const workers = tx.statements.run("ended_workers", limit)
      const queues = tx.statements.all("silent_queues", tx.now - idleMs, limit)
      for (const [name] of queues) tx.statements.run("delete_queue", name as string)
      // What processes remember of a queue hangs on the generation.
      if (queues.length > 0) tx.bumpGeneration()
      return { workers, queues: queues.length }
    },
    rows: limit,
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
    look: () => "write",
    write: (tx) => {
      for (const { queue, counts, oldestWaitMs } of samples) {
        const text = JSON.stringify(jobStates.map((state) => counts[state]))
        tx.statements.run("add_sample", tx.now, queue, text, oldestWaitMs)
      }
      return { forgotten: tx.statements.run("forget_samples", tx.now - keepMs, limit) }
    },
    rows: samples.length + limit,
  })
}

/** Reads samples. See `LeadershipStore.samples`. */
export function samples(
  context: StoreContext,
  request: { readonly queue: string | null; readonly sinceMs: number; readonly limit: number },
): Promise<readonly QueueSample[]> {
  const { queue, sinceMs, limit } = request
  return context.read("samples", ({ statements, now }) => {
    const rows =
      queue === null
        ? statements.all("samples_of_all", now - sinceMs, limit)
        : statements.all("samples_of_queue", queue, now - sinceMs, limit)
    return rows.map((row) => sampleOf(row)).toReversed()
  })
}

function sampleOf([at, queue, text, oldestWaitMs]: Row): QueueSample {
  const numbers = JSON.parse(text as string) as readonly number[]
  const counts = Object.fromEntries(
    jobStates.map((state, code) => [state, numbers[code] ?? 0]),
  ) as Record<JobState, number>
  return { at, queue, counts, oldestWaitMs } as QueueSample
}
