import { assert } from "../errors/index.ts"
import { stateCode } from "../store/index.ts"
import type { JobSelection } from "../store/index.ts"
import type { StoreContext } from "./context.ts"
import type { Row } from "./statements.ts"
import type { ReadTx } from "./writeTx.ts"

/** In which order and from where jobs are looked for. */
export interface Walk {
  readonly order: "newest" | "oldest"
  /** Only jobs beyond this one, in the order of the walk; `null` starts at its beginning. */
  readonly after: number | null
  readonly limit: number
  /** How many jobs a walk over the table looks at before it stops. @default all */
  readonly look?: number
}

/** What a walk found. */
export interface Found {
  readonly seqs: readonly number[]
  /** The last job that it looked at, where it stopped before its end and its limit; else `null`. */
  readonly stoppedAt: number | null
}

/** A selection as values to bind. The text of every statement is constant. */
export interface JobFilter {
  /** JSON arrays, or `null` for any. */
  readonly lanes: string | null
  readonly states: string | null
  readonly tags: string | null
  readonly uniqueKey: string | null
  readonly ids: string | null
  readonly stateCodes: readonly number[] | null
  /** Jobs from this number on, and below that one. */
  readonly fromSeq: number
  readonly belowSeq: number
}

// A few thousand rows of an index, or of the table, hold up the event loop for some milliseconds.
const PROBE_ROWS = 5_000
const PIECE_ROWS = 2_000
const LAST_SEQ = Number.MAX_SAFE_INTEGER

const MATCHES = `(?1 is null or j.lane in (select value from json_each(?1)))
  and (?2 is null or j.state in (select value from json_each(?2)))
  and (?3 is null or not exists (
    select 1 from json_each(?3) t where t.value not in (select value from json_each(j.tags))
  ))
  and (?4 is null or j.unique_label = ?4)
  and j.seq >= ?5 and j.seq < ?6`
const ORDERS = { newest: "desc", oldest: "asc" } as const

const DUE = "select seq from drover_job where state in (0, 3) and state = ?"
const FINISHED = "select seq from drover_job where state >= 4 and state = ?"
/**
 * The jobs of each state by its code, each by an index that covers it. The redundant conditions are what SQLite
 * needs to see that a partial index holds the rows.
 */
export const seqsOfState: readonly string[] = [
  DUE,
  `select seq from (
    select seq from drover_job where state = 1 and solo = 0
    union all
    select seq from drover_job where state = 1 and solo = 1
    union all
    select seq from drover_job where state = 1 and solo > 1
  ) where 1 = ?`,
  "select seq from drover_job where state = 2 and state = ?",
  DUE,
  FINISHED,
  FINISHED,
  FINISHED,
]

/** Turns a selection into values. @returns `undefined` when no job can match. */
export function filterOf(tx: ReadTx, selection: JobSelection): JobFilter | undefined {
  const { ids, kinds, queues, states, tags, uniqueKey } = selection
  if ([ids, kinds, queues, states].some((list) => list?.length === 0)) return undefined
  const lanes = lanesOf(tx, queues, kinds)
  if (lanes?.length === 0) return undefined
  const stateCodes = states === undefined ? null : [...new Set(states.map(stateCode))]
  const { enqueuedAfter, enqueuedBefore } = selection
  return {
    lanes: json(lanes),
    states: json(stateCodes),
    tags: tags === undefined || tags.length === 0 ? null : JSON.stringify(tags),
    uniqueKey: uniqueKey ?? null,
    ids: json(ids),
    stateCodes,
    fromSeq: enqueuedAfter === undefined ? 0 : firstSeqAt(tx, enqueuedAfter),
    belowSeq: enqueuedBefore === undefined ? LAST_SEQ : firstSeqAt(tx, enqueuedBefore),
  }
}

/**
 * Finds the numbers of jobs that match, in order. Where an index names few enough candidates, they are
 * looked at; otherwise the table is walked in pieces, with a turn of the event loop between them.
 */
export async function selectSeqs(
  context: StoreContext,
  operation: string,
  selection: JobSelection,
  walk: Walk,
): Promise<Found> {
  const begun = await context.read(operation, (tx): number[] | JobFilter => {
    const filter = filterOf(tx, selection)
    if (filter === undefined) return []
    const candidates = candidatesOf(tx, filter)
    return candidates === undefined ? filter : matchesAmong(tx, filter, candidates, walk)
  })
  return Array.isArray(begun)
    ? { seqs: begun, stoppedAt: null }
    : walkAll(context, operation, begun, walk)
}

async function walkAll(
  context: StoreContext,
  operation: string,
  filter: JobFilter,
  walk: Walk,
): Promise<Found> {
  const { limit, look = Number.POSITIVE_INFINITY } = walk
  const seqs: number[] = []
  let after: number | null = walk.after
  let looked = 0
  do {
    const rows = Math.min(PIECE_ROWS, look - looked)
    const piece = await context.read(operation, (tx) =>
      walkPiece(tx, filter, walk, { after, rows }),
    )
    for (const seq of piece.found) if (seqs.length < limit) seqs.push(seq)
    after = piece.next
    looked += rows
    if (after !== null) await new Promise<void>((resolve) => context.clock.defer(resolve))
  } while (after !== null && seqs.length < limit && looked < look)
  return { seqs, stoppedAt: seqs.length < limit ? after : null }
}

/** Those of the given jobs that match, in order. @param seqs a JSON array without repeats. */
export function matchesAmong(tx: ReadTx, filter: JobFilter, seqs: string, walk: Walk): number[] {
  const { fromSeq, belowSeq } = rangeOf(filter, walk, walk.after)
  // The cross join makes the given jobs the outer loop; else SQLite may prefer to walk the whole range of numbers.
  const sql = `select j.seq from json_each(?7) s cross join drover_job j on j.seq = s.value
    where ${MATCHES}
    order by j.seq ${ORDERS[walk.order]} limit ?8`
  const values = [...valuesOf(filter), fromSeq, belowSeq, seqs, walk.limit]
  return numbers(tx.statements.made(sql).all(...values) as unknown as Row[])
}

/** Counts the jobs of the states alone, by indexes that cover it. */
export function countByState(tx: ReadTx, states: readonly number[], cap: number): number {
  let count = 0
  for (const state of states) {
    const sql = `select count(*) from (${seqsOfState[state] ?? ""} limit ?)`
    const [rows] = tx.statements.made(sql).get(state, cap - count) as unknown as [number]
    count += rows
  }
  return count
}

function walkPiece(
  tx: ReadTx,
  filter: JobFilter,
  walk: Walk,
  { after, rows }: { readonly after: number | null; readonly rows: number },
): { readonly found: number[]; readonly next: number | null } {
  const range = rangeOf(filter, walk, after)
  if (range.fromSeq >= range.belowSeq) return { found: [], next: null }
  const isNewest = walk.order === "newest"
  const edge = isNewest
    ? tx.statements.first("seq_below", range.belowSeq, rows - 1)
    : tx.statements.first("seq_above", range.fromSeq - 1, rows - 1)
  const last = edge === undefined ? null : (edge[0] as number)
  const fromSeq = isNewest && last !== null ? Math.max(range.fromSeq, last) : range.fromSeq
  const belowSeq = !isNewest && last !== null ? Math.min(range.belowSeq, last + 1) : range.belowSeq
  const sql = `select j.seq from drover_job j where ${MATCHES}
    order by j.seq ${ORDERS[walk.order]} limit ?7`
  const values = [...valuesOf(filter), fromSeq, belowSeq, walk.limit]
  const found = numbers(tx.statements.made(sql).all(...values) as unknown as Row[])
  return { found, next: last }
}

function rangeOf(
  filter: JobFilter,
  walk: Walk,
  after: number | null,
): { readonly fromSeq: number; readonly belowSeq: number } {
  const { fromSeq, belowSeq } = filter
  if (after === null) return { fromSeq, belowSeq }
  return walk.order === "newest"
    ? { fromSeq, belowSeq: Math.min(belowSeq, after) }
    : { fromSeq: Math.max(fromSeq, after + 1), belowSeq }
}

/** The few jobs among which all that match are, as a JSON array; `undefined` when they are too many. */
function candidatesOf(tx: ReadTx, filter: JobFilter): string | undefined {
  const { ids, uniqueKey, stateCodes } = filter
  if (ids !== null) {
    const sql = "select j.seq from json_each(?) i cross join drover_job j on j.id = i.value"
    return JSON.stringify([
      ...new Set(numbers(tx.statements.made(sql).all(ids) as unknown as Row[])),
    ])
  }
  if (uniqueKey !== null) {
    const sql = "select seq from drover_job where unique_label = ? limit ?"
    return few(numbers(tx.statements.made(sql).all(uniqueKey, PROBE_ROWS + 1) as unknown as Row[]))
  }
  if (stateCodes === null) return undefined
  const seqs: number[] = []
  for (const state of stateCodes) {
    const rows = tx.statements
      .made(`${seqsOfState[state] ?? ""} limit ?`)
      .all(state, PROBE_ROWS + 1)
    seqs.push(...numbers(rows as unknown as Row[]))
    if (seqs.length > PROBE_ROWS) return undefined
  }
  return few(seqs)
}

function few(seqs: readonly number[]): string | undefined {
  return seqs.length > PROBE_ROWS ? undefined : JSON.stringify(seqs)
}

function lanesOf(
  tx: ReadTx,
  queues: readonly string[] | undefined,
  kinds: readonly string[] | undefined,
): readonly number[] | undefined {
  if (queues === undefined && kinds === undefined) return undefined
  return tx.statements
    .all("all_lanes")
    .filter(([, queue, kind]) => {
      return (
        (queues?.includes(queue as string) ?? true) && (kinds?.includes(kind as string) ?? true)
      )
    })
    .map(([id]) => id as number)
}

/** The first job that was enqueued at or after an instant. Store time never goes back, so seq grows with it. */
function firstSeqAt(tx: ReadTx, at: number): number {
  const newest = tx.statements.first("seq_below", LAST_SEQ, 0)
  let low = 0
  let high = newest === undefined ? 0 : (newest[0] as number) + 1
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const row = tx.statements.first("enqueued_at_from", middle)
    assert(row !== undefined, "there is a job from the middle on")
    if ((row[0] as number) >= at) high = middle
    else low = middle + 1
  }
  return low
}

function valuesOf(filter: JobFilter): (string | null)[] {
  return [filter.lanes, filter.states, filter.tags, filter.uniqueKey]
}

function numbers(rows: readonly Row[]): number[] {
  return rows.map(([seq]) => seq as number)
}

function json(values: readonly (string | number)[] | null | undefined): string | null {
  return values === null || values === undefined ? null : JSON.stringify(values)
}
