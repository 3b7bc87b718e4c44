import { stateCode } from "../store/index.ts"
import type { ClaimedJob } from "../store/index.ts"
import { trailOf } from "./mark.ts"
import { assertMove } from "./writeTx.ts"
import type { WriteTx } from "./writeTx.ts"

const RUNNING = stateCode("running")
const COMPLETED = stateCode("completed")

/** An attempt that completed. */
export interface Completion {
  readonly attempt: ClaimedJob
  readonly result: string | null
  /** What the finished row takes. */
  readonly bytes: number
}

// Few shapes of a statement serve any number of rows.
const CHUNKS = [64, 16, 4, 1] as const

/** The most completions that one statement takes. */
export const MOST_COMPLETIONS: number = CHUNKS[0]

const texts: ReadonlyMap<number, { readonly complete: string; readonly trail: string }> = new Map(
  CHUNKS.map((size) => [size, { complete: completeText(size), trail: trailText(size) }] as const),
)

// The join is the fence of each: one row, or the attempt was superseded.
function completeText(size: number): string {
  const rows = Array<string>(size).fill("(?, ?, ?, ?, ?, ?)").join(", ")
  return (
    `with ended (seq, attempt, token, result, trail, bytes) as (values ${rows}) ` +
    `update drover_job set state = ${COMPLETED}, worker = null, finished_at = ?, result = ended.result, ` +
    "reason = null, error = null, trail = ended.trail, bytes = ended.bytes from ended " +
    `where drover_job.seq = ended.seq and drover_job.state = ${RUNNING} ` +
    "and drover_job.attempt = ended.attempt and drover_job.token = ended.token"
  )
}

// Only nameless parameters: SQLite looks up "?1" in a list that it walks for each value that is bound.
function trailText(size: number): string {
  const row = `(?, ?, ?, ?, ${RUNNING}, ${COMPLETED}, ?, ?)`
  const columns = "seq, prev, job, at, from_state, to_state, attempt, worker"
  return `insert into drover_trail (${columns}) values ${Array<string>(size).fill(row).join(", ")}`
}

/**
 * Moves running jobs to completed, each if its attempt still holds it, with their trail: the hot end of a
 * job's life, two statements for a chunk of them and nothing read before.
 * @returns whether each was written, in order.
 */
export function completeJobs(
  tx: WriteTx,
  worker: number,
  completions: readonly Completion[],
): boolean[] {
  assertMove(RUNNING, COMPLETED)
  const held: boolean[] = []
  for (let from = 0; from < completions.length;) {
    const left = completions.length - from
    const size = CHUNKS.find((chunk) => chunk <= left) ?? 1
    const isWhole = size === completions.length
    completeChunk(tx, worker, isWhole ? completions : completions.slice(from, from + size), held)
    from += size
  }
  return held
}

function completeChunk(
  tx: WriteTx,
  worker: number,
  chunk: readonly Completion[],
  held: boolean[],
): void {
  const { complete, trail } = texts.get(chunk.length) as { complete: string; trail: string }
  const firstTrail = tx.nextTrailSeq(chunk.length)
  const ends: (string | number | null)[] = []
  const moves: (string | number)[] = []
  let bytes = 0
  for (const [index, completion] of chunk.entries()) {
    const { ref, attempt, token, mark } = completion.attempt
    ends.push(ref, attempt, token, completion.result, firstTrail + index, completion.bytes)
    moves.push(firstTrail + index, trailOf(mark), ref, tx.now, attempt, worker)
    bytes += completion.bytes
  }
  if (tx.statements.made(complete).run(...ends, tx.now).changes === chunk.length) {
    tx.statements.made(trail).run(...moves)
    tx.addFinishedBytes(bytes)
    for (let index = 0; index < chunk.length; index++) held.push(true)
    return
  }
  for (const [index, completion] of chunk.entries()) {
    held.push(wasWritten(tx, worker, completion, firstTrail + index))
  }
}

/** Some of the chunk were held off: those that were written point to their new trail entry. */
function wasWritten(
  tx: WriteTx,
  worker: number,
  { attempt, bytes }: Completion,
  trail: number,
): boolean {
  const { ref, mark } = attempt
  if (tx.statements.first("newest_trail", ref)?.[0] !== trail) return false
  const move = { job: ref as number, prev: trailOf(mark), from: RUNNING, to: COMPLETED }
  tx.writeTrail(trail, { ...move, attempt: attempt.attempt, worker })
  tx.addFinishedBytes(bytes)
  return true
}
