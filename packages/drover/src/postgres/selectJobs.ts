import { stateCode } from "../store/index.ts"
import type { JobSelection } from "../store/index.ts"
import type { Connection } from "./connection.ts"
import type { PostgresDatabase } from "./database.ts"
import type { BoundValue } from "./values.ts"

/** In which order and from where jobs are looked for. */
export interface Walk {
  readonly order: "newest" | "oldest"
  /** Only jobs beyond this one, in the order of the walk; `null` starts at its beginning. */
  readonly after: string | null
  readonly limit: number
  /** How many jobs a walk over the table looks at before it stops. @default all */
  readonly look?: number
  /** Only jobs from this id on. @default all */
  readonly from?: string
  /** A walk over the table stops once it is below this id. @default none */
  readonly floor?: string | null
}

/** What a walk found. */
export interface Found {
  readonly ids: readonly string[]
  /** The last job that it looked at, where it stopped before its end and its limit; else `null`. */
  readonly stoppedAt: string | null
}

/** A selection as a condition on `j`, a row of `job`. Its parts are constant; what is asked for is bound. */
export interface JobFilter {
  readonly where: string
  readonly values: readonly BoundValue[]
  /** Whether indexes name all candidates, so that the table need not be walked. */
  readonly isNarrow: boolean
  /** Whether these are the jobs of some ids or of one key: never so many that a walk could be shorter. */
  readonly isNamed: boolean
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const COMPLETED = stateCode("completed")
const RUNNING = stateCode("running")
// Rows of the table in one statement of a walk: some tens of milliseconds.
const PIECE_ROWS = 20_000
// Where indexes name the candidates, a first look at a page's worth costs next to nothing.
const LEAST_ROWS = 1_000
// What a filter looks at. A piece with the inputs in it would go to the disk and back.
const FILTERED = "id, lane, state, waits, enqueued_at, stopped_at, tags, unique_label"
const NEWEST = { sign: "<", direction: "desc" } as const
const OLDEST = { sign: ">", direction: "asc" } as const

/** Whether this can be the id of a job: anything else is none, and Postgres would refuse it as a uuid. */
export function isJobId(text: string): boolean {
  return UUID.test(text)
}

/** @returns `undefined` when no job can match. */
export function filterOf(selection: JobSelection): JobFilter | undefined {
  const { ids, kinds, queues, states, tags, uniqueKey } = selection
  if ([ids, kinds, queues, states].some((list) => list?.length === 0)) return undefined
  const values: BoundValue[] = []
  const bound = (value: BoundValue, type: string): string => `$${values.push(value)}::${type}`
  const parts: string[] = []
  if (ids !== undefined) parts.push(`j.id = any (${bound(ids.filter(isJobId), "uuid[]")})`)
  const lanes = lanesOf(selection, bound)
  if (lanes !== undefined) parts.push(`j.lane in (${lanes})`)
  const codes = states?.map(stateCode)
  if (codes !== undefined) parts.push(`j.state = any (${bound(codes, "smallint[]")})`)
  if (tags !== undefined && tags.length > 0) {
    parts.push(`j.tags::jsonb @> to_jsonb(${bound(tags, "text[]")})`)
  }
  if (uniqueKey !== undefined) parts.push(`j.unique_label = ${bound(uniqueKey, "text")}`)
  const { enqueuedAfter, enqueuedBefore } = selection
  if (enqueuedAfter !== undefined) parts.push(`j.enqueued_at >= ${bound(enqueuedAfter, "bigint")}`)
  if (enqueuedBefore !== undefined) parts.push(`j.enqueued_at < ${bound(enqueuedBefore, "bigint")}`)
  const byState = codes === undefined ? undefined : indexedStates(codes)
  if (byState !== undefined) parts.push(byState)
  const isNamed = ids !== undefined || uniqueKey !== undefined
  const isNarrow = isNamed || byState !== undefined
  return { where: parts.length === 0 ? "true" : parts.join(" and "), values, isNarrow, isNamed }
}

/** The lanes of the kinds and queues that are asked for, as a query; `undefined` when all are. */
function lanesOf(
  { kinds, queues }: JobSelection,
  bound: (value: BoundValue, type: string) => string,
): string | undefined {
  if (kinds === undefined && queues === undefined) return undefined
  const kind = kinds === undefined ? "true" : `l.kind = any (${bound(kinds, "text[]")})`
  const queue = queues === undefined ? "true" : `l.queue = any (${bound(queues, "text[]")})`
  return `select l.id from {schema}.lane l where ${kind} and ${queue}`
}

/** Whether there ever was a job of these kinds and queues: for a misspelt one nobody should walk over all jobs. */
async function hasLane(
  database: PostgresDatabase,
  operation: string,
  selection: JobSelection,
): Promise<boolean> {
  const values: BoundValue[] = []
  const lanes = lanesOf(selection, (value, type) => `$${values.push(value)}::${type}`)
  if (lanes === undefined) return true
  const rows = await database.read(operation, (at) => at.text(`${lanes} limit 1`, values))
  return rows.length > 0
}

/**
 * Finds the ids of jobs that match, in order. A walk of a large table goes piece by piece. One for which indexes name
 * the candidates goes on only while most jobs that it passes match: then they are left to the indexes.
 */
export async function selectIds(
  database: PostgresDatabase,
  operation: string,
  selection: JobSelection,
  walk: Walk,
): Promise<Found> {
  const nothing = { ids: [], stoppedAt: null }
  const { limit, look = Number.POSITIVE_INFINITY, floor = null } = walk
  const filter = filterOf(selection)
  if (filter === undefined || limit <= 0) return nothing
  if (!filter.isNarrow && !(await hasLane(database, operation, selection))) return nothing
  const ids: string[] = []
  let after = walk.after
  let looked = 0
  let isSparse = filter.isNamed
  do {
    const rest = { ...walk, after, limit: limit - ids.length }
    if (filter.isNarrow && isSparse) {
      ids.push(...(await database.snapshot(operation, (at) => narrow(at, filter, rest))))
      return { ids, stoppedAt: null }
    }
    const rows = filter.isNarrow
      ? Math.min(PIECE_ROWS, Math.max(LEAST_ROWS, 2 * rest.limit))
      : Math.min(PIECE_ROWS, look - looked)
    const piece = await database.read(operation, (at) => walkPiece(at, filter, rest, rows))
    ids.push(...piece.found)
    isSparse = piece.found.length < rows / 2
    after = piece.next
    looked += rows
    if (!filter.isNarrow && (looked >= look || (after !== null && floor !== null && after < floor)))
      break
  } while (after !== null && ids.length < limit)
  return { ids, stoppedAt: ids.length < limit ? after : null }
}

/**
 * Those of the given jobs that still match, locked, oldest first. Those that wait are locked before those that run, as an
 * exchange does it that claims and completes: neither then has what the other waits for. The other way round, completions
 * first, the two exchanges of a worker claim later, from a list that the other has taken from by then, and drain a sixth
 * slower.
 */
export async function lockMatching(
  connection: Connection,
  filter: JobFilter,
  ids: readonly string[],
): Promise<readonly string[]> {
  const values = [...filter.values, ids]
  const rows = await connection.text(
    `select j.id from {schema}.job j
     where ${filter.where} and j.id = any ($${values.length}::uuid[])
     order by j.state = 2, j.id for no key update`,
    values,
  )
  return rows.map(([id]) => id as string).sort()
}

async function narrow(
  connection: Connection,
  filter: JobFilter,
  walk: Walk,
): Promise<readonly string[]> {
  const { direction } = walk.order === "newest" ? NEWEST : OLDEST
  const { beyond, limit, values } = bounds("j.id", filter, walk)
  // Otherwise the planner may walk the whole primary key: for the order, for the limit, or because most jobs waited when
  // it last counted. Bitmaps serve all that indexes name, and nothing else.
  await connection.execute("set local enable_indexscan = off; set local enable_seqscan = off")
  const rows = await connection.text(
    `with found as materialized (
       select j.id from {schema}.job j where ${filter.where} and ${beyond}
     )
     select id from found order by id ${direction} limit ${limit}`,
    values,
  )
  return rows.map(([id]) => id as string)
}

async function walkPiece(
  connection: Connection,
  filter: JobFilter,
  walk: Walk,
  pieceRows: number,
): Promise<{ readonly found: readonly string[]; readonly next: string | null }> {
  const { direction } = walk.order === "newest" ? NEWEST : OLDEST
  const { beyond, limit, values } = bounds("id", filter, walk)
  const rows = await connection.text(
    `with piece as materialized (
       select ${FILTERED} from {schema}.job where ${beyond} order by id ${direction} limit ${pieceRows}
     ), found as (
       select j.id from piece j where ${filter.where} order by j.id ${direction} limit ${limit}
     )
     select id, false from found
     union all
     (select id, true from piece order by id ${direction} offset ${pieceRows - 1} limit 1)`,
    values,
  )
  const found = rows.filter(([, isEdge]) => isEdge !== true).map(([id]) => id as string)
  const edge = rows.find(([, isEdge]) => isEdge === true)
  const sorted = found.toSorted()
  return {
    found: walk.order === "newest" ? sorted.toReversed() : sorted,
    next: edge === undefined ? null : (edge[0] as string),
  }
}

/**
 * The ends of a walk in SQL. Where it begins is left out when that is everywhere: a plan for any values cannot use an
 * index for what may be null, and each piece would walk over all those before it.
 */
function bounds(
  id: string,
  filter: JobFilter,
  { order, after, limit, from }: Walk,
): { readonly beyond: string; readonly limit: string; readonly values: readonly BoundValue[] } {
  const { sign } = order === "newest" ? NEWEST : OLDEST
  const values: BoundValue[] = [...filter.values, limit]
  const bound = `$${values.length}::integer`
  const parts: string[] = []
  if (after !== null) parts.push(`${id} ${sign} $${values.push(after)}::uuid`)
  if (from !== undefined) parts.push(`${id} >= $${values.push(from)}::uuid`)
  return { beyond: parts.length === 0 ? "true" : parts.join(" and "), limit: bound, values }
}

/** The same states in words that partial indexes know; `undefined` when one of them has none: most jobs are completed. */
function indexedStates(codes: readonly number[]): string | undefined {
  if (codes.includes(COMPLETED)) return undefined
  const parts: string[] = []
  if (codes.some((code) => code < RUNNING || code === RUNNING + 1)) {
    parts.push("j.waits = 0", "j.waits = 1", "j.waits = 2")
    parts.push("j.waits = 3 or j.waits = 4", "j.waits = 5")
  }
  if (codes.includes(RUNNING)) {
    parts.push("j.id = any (array(select unnest(c.jobs) from {schema}.claim c))")
  }
  if (codes.some((code) => code > COMPLETED)) parts.push("j.stopped_at is not null")
  return `(${parts.join(" or ")})`
}
