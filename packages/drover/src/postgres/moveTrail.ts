import type { MoveRow } from "../store/index.ts"
import type { Connection } from "./connection.ts"

/** The most transitions of one row of trail; their numbers are `seq * 1024 + index`. */
const MOST = 1_024

/** Transitions that went the same way at the same time, as one row of trail holds them. */
interface Batch {
  readonly same: string
  readonly first: MoveRow
  readonly jobs: string[]
  readonly attempts: number[]
  readonly reasons: (string | null)[]
  readonly errors: (string | null)[]
}

/** Writes a page of the trail and links each transition to the one before of its job. @returns how many it wrote. */
export async function takeTrailIn(
  connection: Connection,
  rows: readonly MoveRow[],
): Promise<number> {
  const ids = [...new Set(rows.map(([job]) => job as string))]
  const found = await connection.query("trail_heads", [ids])
  const heads = new Map(found.map(([id, trail]) => [id as string, trail as number]))
  const batches = batchesOf(rows.filter(([job]) => heads.has(job as string)))
  const numbers = await connection.query("trail_numbers", [batches.length])
  const written = batches.map((batch, index) =>
    rowOf(batch, (numbers[index] as readonly number[])[0] as number, heads),
  )
  await connection.run("trail_in", [JSON.stringify(written)])
  await connection.run("trail_heads_in", [JSON.stringify([...heads])])
  return batches.reduce((sum, { jobs }) => sum + jobs.length, 0)
}

function batchesOf(rows: readonly MoveRow[]): Batch[] {
  const batches: Batch[] = []
  for (const row of rows) {
    const [job, at, from, to, attempt, worker, actor, reason, error] = row
    const same = JSON.stringify([at, from, to, worker, actor])
    let batch = batches.at(-1)
    // A job stands in a row once, because its next transition is linked to this one.
    const fits =
      batch?.same === same && batch.jobs.length < MOST && !batch.jobs.includes(job as string)
    if (batch === undefined || !fits) {
      batch = { same, first: row, jobs: [], attempts: [], reasons: [], errors: [] }
      batches.push(batch)
    }
    batch.jobs.push(job as string)
    batch.attempts.push(attempt as number)
    batch.reasons.push(reason as string | null)
    batch.errors.push(error as string | null)
  }
  return batches
}

/** A row as `trail_in` reads it. Moves the heads of its jobs on. */
function rowOf(batch: Batch, seq: number, heads: Map<string, number>): readonly unknown[] {
  const [, at, from, to, , worker, actor] = batch.first
  const prevs = batch.jobs.map((job) => {
    const head = heads.get(job)
    return head === undefined || head === 0 ? null : head
  })
  for (const [index, job] of batch.jobs.entries()) heads.set(job, seq * MOST + index)
  const attempts = batch.attempts.every((attempt) => attempt === 0) ? null : batch.attempts
  const lists = [prevs, attempts, batch.reasons, batch.errors].map((list) =>
    list === null || list.every((value) => value === null) ? null : list,
  )
  return [seq, at, from, to, worker, actor, batch.jobs, ...lists]
}
