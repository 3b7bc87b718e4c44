import { assert } from "../errors/index.ts"
import { jobStates } from "../store/index.ts"
import type { EnqueueOutcome, JobState, NewJob } from "../store/index.ts"
import type { StoreContext } from "./context.ts"
import { enqueueUnique } from "./enqueueUnique.ts"
import { addParts, chunkSize, insertJobs, LARGEST_CHUNK } from "./insertJobs.ts"
import { planJob } from "./newJobRow.ts"
import type { WriteTx } from "./writeTx.ts"

/** Writes jobs, all or none. See `Store.enqueue`. */
export function enqueue(
  context: StoreContext,
  jobs: readonly NewJob[],
): Promise<readonly EnqueueOutcome[]> {
  if (jobs.length === 0) return Promise.resolve([])
  return context.write("enqueue", (tx) => enqueueWithin(tx, jobs), jobs.length)
}

/**
 * Writes jobs in a transaction that is open. Jobs are taken in order, so that two of one batch with the same
 * id or key meet as if they had come one after the other.
 */
export function enqueueWithin(tx: WriteTx, jobs: readonly NewJob[]): EnqueueOutcome[] {
  const outcomes: EnqueueOutcome[] = []
  for (let at = 0; at < jobs.length;) {
    const job = jobs[at]
    assert(job !== undefined, "the index is inside of the batch")
    if (job.unique === null) {
      const size = plainRun(jobs, at)
      enqueueChunk(tx, size === jobs.length ? jobs : jobs.slice(at, at + size), outcomes)
      at += size
      continue
    }
    outcomes.push(outcomeUnder(tx, job.id, null) ?? enqueueUnique(tx, job, job.unique))
    at += 1
  }
  return outcomes
}

/** The largest chunk that fits the jobs without unique keys from here on. */
function plainRun(jobs: readonly NewJob[], from: number): number {
  let length = 1
  while (length < LARGEST_CHUNK && jobs[from + length]?.unique === null) length += 1
  return chunkSize(length)
}

function enqueueChunk(tx: WriteTx, jobs: readonly NewJob[], outcomes: EnqueueOutcome[]): void {
  const plans = jobs.map((job) => planJob(tx, job))
  const { firstSeq, allNew } = insertJobs(tx, jobs, plans)
  for (const [index, job] of jobs.entries()) {
    const plan = plans[index]
    assert(plan !== undefined, "every job has a plan")
    const seq = firstSeq + index
    const known = allNew ? undefined : outcomeUnder(tx, job.id, seq)
    if (known === undefined) addParts(tx, seq, job, plan)
    outcomes.push(
      known ?? { id: job.id, status: "enqueued", state: jobStates[plan.state] as JobState },
    )
  }
}

/** The outcome for an id that is there, unless its row is the one with the number just written. */
function outcomeUnder(tx: WriteTx, id: string, seq: number | null): EnqueueOutcome | undefined {
  const row = tx.statements.first("job_by_id", id)
  if (row === undefined || row[0] === seq) return undefined
  return { id, status: "repeated", state: jobStates[row[1] as number] as JobState }
}
