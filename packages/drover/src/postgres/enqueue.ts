import { assert } from "../errors/index.ts"
import { jobStates, keysText } from "../store/index.ts"
import type { EnqueueOutcome, JobState, NewJob } from "../store/index.ts"
import type { Connection } from "./connection.ts"
import type { StoreContext } from "./context.ts"
import { newJobsText, storedTags, storedTimeout } from "./newJobText.ts"
import { sqlState } from "./postgresErrors.ts"
import type { BoundValue } from "./values.ts"
import { addVarious, isPlain } from "./variousJobs.ts"

const UNIQUE_VIOLATION = "23505"

/** Writes jobs, all or none. See `Store.enqueue`. */
export async function enqueue(
  context: StoreContext,
  jobs: readonly NewJob[],
): Promise<readonly EnqueueOutcome[]> {
  const [first] = jobs
  if (first === undefined) return []
  // A job sent twice is one, so this may run again after a lost reply.
  const again = { repeatable: true }
  if (!jobs.every((job) => isAlike(first, job))) {
    await context.lanes.makeAll(jobs.map(({ queue, kind }) => [queue, kind] as const))
    const write = (db: Connection): Promise<readonly EnqueueOutcome[]> =>
      jobs.every(isPlain)
        ? eachUnlessNew(db, jobs, () => addVarious(db, context.lanes, jobs))
        : enqueueEach(db, jobs)
    return context.database.plain("enqueue", write, again)
  }
  const lane = await context.lanes.make(first.queue, first.kind)
  return context.database.plain("enqueue", (db) => addAlike(db, lane, first, jobs), again)
}

/** Whether two jobs differ in id, input and keys under limits only, and neither has a unique key: the usual batch. */
function isAlike(a: NewJob, b: NewJob): boolean {
  return (
    a.kind === b.kind &&
    a.queue === b.queue &&
    a.priority === b.priority &&
    a.delayMs === b.delayMs &&
    a.runAt === b.runAt &&
    a.expireMs === b.expireMs &&
    a.maxAttempts === b.maxAttempts &&
    a.maxCrashes === b.maxCrashes &&
    a.timeoutMs === b.timeoutMs &&
    a.retry === b.retry &&
    a.metadata === b.metadata &&
    a.unique === null &&
    b.unique === null &&
    (a.tags === b.tags || storedTags(a.tags) === storedTags(b.tags))
  )
}

/** Whether two jobs of different callers can be written by one statement that holds up nobody else. */
export function mayShare(a: NewJob, b: NewJob): boolean {
  return isAlike(a, b) || (isPlain(a) && isPlain(b))
}

async function addAlike(
  db: Connection,
  lane: number,
  first: NewJob,
  jobs: readonly NewJob[],
): Promise<readonly EnqueueOutcome[]> {
  const values = alikeValues(lane, first, jobs)
  const keys = jobs.map((job) => keysText(job.keys))
  return eachUnlessNew(db, jobs, async () => {
    const rows = keys.every((text) => text === null)
      ? await db.query("add_jobs", values)
      : await db.query("add_keyed_jobs", [...values, keys])
    const state = jobStates[rows[0]?.[0] as number] as JobState
    return jobs.map(({ id }) => ({ id, status: "enqueued", state }))
  })
}

/** Writes jobs as new ones, or one by one where an id is there or twice in the batch. */
async function eachUnlessNew(
  db: Connection,
  jobs: readonly NewJob[],
  add: () => Promise<readonly EnqueueOutcome[]>,
): Promise<readonly EnqueueOutcome[]> {
  try {
    return await add()
  } catch (error) {
    if (sqlState(error) === UNIQUE_VIOLATION) return enqueueEach(db, jobs)
    throw error
  }
}

function alikeValues(lane: number, first: NewJob, jobs: readonly NewJob[]): readonly BoundValue[] {
  let ids = ""
  let inputs = ""
  for (const { id, input } of jobs) {
    ids += ids === "" ? id : `,${id}`
    inputs += inputs === "" ? input : `,${input}`
  }
  return [
    `{${ids}}`,
    // Each input stands in the list as the text it is, and is stored as that.
    `[${inputs}]`,
    lane,
    first.delayMs,
    first.runAt,
    first.priority,
    first.queue,
    first.expireMs,
    storedTimeout(first.timeoutMs),
    first.maxAttempts,
    first.maxCrashes,
    storedTags(first.tags),
    first.metadata,
    first.retry,
  ]
}

/** Writes jobs of any kinds in the transaction of a connection; their lanes are there. */
export async function enqueueEach(
  db: Connection,
  jobs: readonly NewJob[],
): Promise<readonly EnqueueOutcome[]> {
  return outcomesOf(await db.query("enqueue_each", [newJobsText(jobs)]))
}

/** Outcomes of rows with id, status and state. */
export function outcomesOf(rows: readonly (readonly unknown[])[]): readonly EnqueueOutcome[] {
  return rows.map(([id, status, code]) => {
    const state = jobStates[code as number]
    assert(state !== undefined, "a stored state is one of those we know")
    return { id: id as string, status: status as EnqueueOutcome["status"], state }
  })
}
