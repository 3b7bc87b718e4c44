import { stateCode } from "../store/index.ts"
import { assertMove } from "./writeTx.ts"
import type { WriteTx } from "./writeTx.ts"

const AVAILABLE = stateCode("available")
const RUNNING = stateCode("running")

// Few shapes of a statement serve any number of rows.
const CHUNKS = [64, 16, 4, 1] as const

// Trail numbers that may stay unused for each job, so that the numbers of a chunk follow from those of its jobs.
const MOST_UNUSED = 64

const texts: ReadonlyMap<number, { readonly trail: string; readonly start: string }> = new Map(
  CHUNKS.map((size) => {
    const list = Array<string>(size).fill("?").join(", ")
    const trail =
      "insert into drover_trail (seq, prev, job, at, from_state, to_state, attempt, worker) " +
      `select ? + seq - ?, trail, seq, ?, ${AVAILABLE}, ${RUNNING}, attempt + 1, ? ` +
      `from drover_job where seq in (${list})`
    const start =
      `update drover_job set state = ${RUNNING}, attempt = attempt + 1, trail = ? + seq - ?, ` +
      `started_at = ?, worker = ?, token = ? where seq in (${list})`
    return [size, { trail, start }] as const
  }),
)

/**
 * Moves jobs that were read as available in this transaction to running, with their trail: two statements
 * for a chunk of them, because binding and calling cost more than the rows do.
 * @returns the number of the new trail entry of each, in the order of `seqs`.
 */
export function startJobs(
  tx: WriteTx,
  seqs: readonly number[],
  worker: number,
  token: number,
): number[] {
  assertMove(AVAILABLE, RUNNING)
  const trails: number[] = []
  for (let from = 0; from < seqs.length;) {
    const chunk = nextChunk(seqs, from)
    const least = Math.min(...chunk)
    const firstTrail = tx.nextTrailSeq(Math.max(...chunk) - least + 1)
    const { trail, start } = texts.get(chunk.length) as { trail: string; start: string }
    // The entries first: they are linked to what the rows say before.
    tx.statements.made(trail).run(firstTrail, least, tx.now, worker, ...chunk)
    tx.statements.made(start).run(firstTrail, least, tx.now, worker, token, ...chunk)
    for (const seq of chunk) trails.push(firstTrail + seq - least)
    from += chunk.length
  }
  return trails
}

/** As many jobs as a statement takes, if they lie close together; else just the next one. */
function nextChunk(seqs: readonly number[], from: number): readonly number[] {
  for (const size of CHUNKS) {
    if (from + size > seqs.length) continue
    const chunk = seqs.slice(from, from + size)
    if (Math.max(...chunk) - Math.min(...chunk) < MOST_UNUSED * size) return chunk
  }
  return seqs.slice(from, from + 1)
}
