import { assert } from "../errors/index.ts"
import { stateCode } from "../store/index.ts"
import type { NewJob } from "../store/index.ts"
import { keysText } from "../store/index.ts"
import { jobValues } from "./newJobRow.ts"
import type { JobPlan } from "./newJobRow.ts"
import { standingOf } from "./tracks.ts"
import type { WriteTx } from "./writeTx.ts"

const AVAILABLE = stateCode("available")

// A statement of 64 rows costs a third of 64 statements; the smaller sizes serve the rest of a batch.
const CHUNKS = [64, 16, 4, 1] as const

/** The most rows that one insert takes. */
export const LARGEST_CHUNK: number = CHUNKS[0]

// In the order of `jobValues`.
const COLUMNS =
  "seq, id, lane, state, rank, run_at, priority, max_attempts, max_crashes, enqueued_at, expires_at, trail, " +
  "timeout_ms, input, tags, metadata, retry"

const insertBySize: ReadonlyMap<number, string> = new Map(
  CHUNKS.map((size) => {
    const rows = Array.from({ length: size }, () => `(${"?, ".repeat(16)}?)`).join(", ")
    return [
      size,
      `insert into drover_job (${COLUMNS}) values ${rows} on conflict (id) do nothing`,
    ] as const
  }),
)

/** The largest chunk of at most so many rows. */
export function chunkSize(rows: number): number {
  return CHUNKS.find((size) => size <= rows) ?? 1
}

/**
 * Writes as many jobs as a chunk has in one statement, with their first trail entries.
 * @param plans one for each job.
 * @returns the number of the first one, and whether all of them were new; ids that were there are left alone.
 */
export function insertJobs(
  tx: WriteTx,
  jobs: readonly NewJob[],
  plans: readonly JobPlan[],
): { readonly firstSeq: number; readonly allNew: boolean } {
  const size = jobs.length
  const firstSeq = tx.nextJobSeq(size)
  const firstTrail = tx.nextTrailSeq(size)
  const values: (string | number | null)[] = []
  for (let index = 0; index < size; index++) {
    const job = jobs[index] as NewJob
    jobValues(values, job, plans[index] as JobPlan, firstSeq + index, firstTrail + index)
  }
  const sql = insertBySize.get(size)
  assert(sql !== undefined, `no insert takes ${size} rows`)
  const added = tx.statements.made(sql).run(...values).changes
  tx.statements.run("trail_new_jobs", firstSeq, firstSeq + size - 1)
  return { firstSeq, allNew: added === size }
}

/** Writes one job whose id is known to be new. @returns its number. */
export function insertJob(tx: WriteTx, job: NewJob, plan: JobPlan): number {
  const { firstSeq, allNew } = insertJobs(tx, [job], [plan])
  assert(allNew, "the caller has looked for the id")
  addParts(tx, firstSeq, job, plan)
  return firstSeq
}

/** Writes what few jobs have beside their row: a large input, and their keys under limits. */
export function addParts(tx: WriteTx, seq: number, job: NewJob, plan: JobPlan): void {
  if (plan.big) tx.statements.run("add_input", seq, job.input)
  const keys = keysText(job.keys)
  if (keys === null) return
  const { lane, rank, state } = plan
  const solo = state === AVAILABLE ? standingOf(tx, { seq, lane, rank, crashes: 0, keys }) : 0
  tx.statements.run("set_keys", keys, solo, seq)
}
