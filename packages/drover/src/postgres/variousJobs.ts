import { assert } from "../errors/index.ts"
import { jobStates } from "../store/index.ts"
import type { EnqueueOutcome, JobState, NewJob } from "../store/index.ts"
import type { Connection } from "./connection.ts"
import type { Lanes } from "./lanes.ts"
import { storedTags, storedTimeout } from "./newJobText.ts"

/** Whether a job has no key of any kind, so that what becomes of it hangs on no other job. */
export function isPlain(job: NewJob): boolean {
  return job.unique === null && (job.keys === undefined || job.keys.length === 0)
}

/**
 * Writes plain jobs that differ in anything, in one statement; their lanes are there. To write each by itself takes ten
 * times as long.
 */
export async function addVarious(
  db: Connection,
  lanes: Lanes,
  jobs: readonly NewJob[],
): Promise<readonly EnqueueOutcome[]> {
  const column = <T>(of: (job: NewJob) => T): T[] => jobs.map(of)
  const rows = await db.query("add_various_jobs", [
    column(({ id }) => id),
    // Each input stands in the list as the text it is, and is stored as that.
    `[${jobs.map(({ input }) => input).join(",")}]`,
    column(({ queue, kind }) => laneOf(lanes, queue, kind)),
    column(({ delayMs }) => delayMs),
    column(({ runAt }) => runAt),
    column(({ priority }) => priority),
    column(({ expireMs }) => expireMs),
    column(({ timeoutMs }) => storedTimeout(timeoutMs)),
    column(({ maxAttempts }) => maxAttempts),
    column(({ maxCrashes }) => maxCrashes),
    column(({ tags }) => storedTags(tags)),
    column(({ metadata }) => metadata),
    column(({ retry }) => retry),
  ])
  const states = new Map<string, JobState>()
  for (const [code, ids] of rows) {
    for (const id of (ids as string).split(","))
      states.set(id, jobStates[code as number] as JobState)
  }
  return jobs.map(({ id }) => {
    const state = states.get(id.toLowerCase())
    assert(state !== undefined, "the trail names every job that was added")
    return { id, status: "enqueued", state }
  })
}

function laneOf(lanes: Lanes, queue: string, kind: string): number {
  const id = lanes.idOf(queue, kind)
  assert(id !== undefined, "a lane that was made is there")
  return id
}
