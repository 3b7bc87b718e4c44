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
}

/** A selection as a condition on `j`, a row of `job`. Its parts are constant; what is asked for is bound. */
export interface JobFilter {
  readonly where: string
  readonly values: readonly BoundValue[]
  /** Whether indexes name few candidates, so that the table need not be walked. */
  readonly isNarrow: boolean
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const COMPLETED = stateCode("completed")
const RUNNING = stateCode("running")
// Rows of the table in one statement of a walk: some tens of milliseconds.
const PIECE_ROWS = 20_000

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
  if (kinds !== undefined || queues !== undefined) {
    const kind = kinds === undefined ? "true" : `l.kind = any (${bound(kinds, "text[]")})`
    const queue = queues === undefined ? "true" : `l.queue = any (${bound(queues, "text[]")})`
    parts.push(`j.lane in (select l.id from {schema}.lane l where ${kind} and ${queue})`)
  }
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
  const isNarrow = ids !== undefined || uniqueKey !== undefined || byState !== undefined
  return { where: parts.length === 0 ? "true" : parts.join(" and "), values, isNarrow }
}

/** Finds the ids of jobs that match, in order. A walk of a large table goes piece by piece. */
export async function selectIds(
  database: PostgresDatabase,
  operation: string,
  selection: JobSelection,
  walk: Walk,
): Promise<readonly string[]> {
  const filter = filterOf(selection)
  if (filter === undefined || walk.limit <= 0) return []
  if (filter.isNarrow) {
    return database.read(operation, (connection) => narrow(connection, filter, walk))
  }
  const found: string[] = []
  let after = walk.after
  do {
    const left = walk.limit - found.length
    const from = after
    const piece = await database.read(operation, (connection) =>
      walkPiece(connection, filter, { ...walk, after: from, limit: left }),
    )
    found.push(...piece.found)
    after = piece.next
  } while (after !== null && found.length < walk.limit)
  return found
}

/** Those of the given jobs that still match, locked, oldest first. */
export async function lockMatching(
  connection: Connection,
  filter: JobFilter,
  ids: readonly string[],
): Promise<readonly string[]> {
  const values = [...filter.values, ids]
  const rows = await connection.text(
    `select j.id from {schema}.job j
     where ${filter.where} and j.id = any ($${values.length}::uuid[])
     order by j.id for no key update`,
    values,
  )
  return rows.map(([id]) => id as string)
}

async function narrow(
  connection: Connection,
  filter: JobFilter,
  walk: Walk,
): Promise<readonly string[]> {
  const { sign, direction } = directionOf(walk)
  const values = [...filter.values, walk.after, walk.limit]
  const [after, limit] = [values.length - 1, values.length]
  const rows = await connection.text(
    `select j.id from {schema}.job j
     where ${filter.where} and ($${after}::uuid is null or j.id ${sign} $${after}::uuid)
     order by j.id ${direction} limit $${limit}::integer`,
    values,
  )
  return rows.map(([id]) => id as string)
}

async function walkPiece(
  connection: Connection,
  filter: JobFilter,
  walk: Walk,
): Promise<{ readonly found: readonly string[]; readonly next: string | null }> {
  const { sign, direction } = directionOf(walk)
  const values = [...filter.values, walk.after, walk.limit]
  const [after, limit] = [values.length - 1, values.length]
  const rows = await connection.text(
    `with piece as materialized (
       select * from {schema}.job
       where $${after}::uuid is null or id ${sign} $${after}::uuid
       order by id ${direction} limit ${PIECE_ROWS}
     ), found as (
       select j.id from piece j where ${filter.where} order by j.id ${direction} limit $${limit}::integer
     )
     select id, false from found
     union all
     (select id, true from piece order by id ${direction} offset ${PIECE_ROWS - 1} limit 1)`,
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

function directionOf({ order }: Walk): { readonly sign: string; readonly direction: string } {
  return order === "newest" ? { sign: "<", direction: "desc" } : { sign: ">", direction: "asc" }
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
