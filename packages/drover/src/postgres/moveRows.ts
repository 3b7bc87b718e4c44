import { assert } from "../errors/index.ts"
import { oneSpelling, plainParts } from "../store/index.ts"
import type { MovePage, MovePart, MoveRow, PlainPart } from "../store/index.ts"
import type { Connection } from "./connection.ts"
import { takeTrailIn } from "./moveTrail.ts"
import type { QueryName } from "./statementTexts.ts"

type Value = string | number | null

/** How a part leaves this store and comes into it. */
interface PartTables {
  /** What to count. */
  readonly from: string
  /** Rows after those with a key, and the key of each, in the order of the key. */
  read(
    connection: Connection,
    after: readonly Value[] | null,
    limit: number,
  ): Promise<readonly KeyedRow[]>
  /** Writes a page. @returns how many rows of the part it wrote. */
  takeIn(connection: Connection, rows: readonly MoveRow[]): Promise<number>
}

interface KeyedRow {
  readonly key: readonly Value[]
  /** `null`: nothing to move. */
  readonly row: MoveRow | null
}

/** A part whose rows are spread over tables. `start` is before every key. */
function spread(
  from: string,
  out: QueryName,
  start: readonly Value[],
  keyOf: (row: MoveRow) => readonly Value[],
  takeIn: PartTables["takeIn"],
): PartTables {
  const read: PartTables["read"] = async (connection, after, limit) => {
    const found = (await connection.query(out, [...(after ?? start), limit])) as readonly MoveRow[]
    return found.map((row) => ({ key: keyOf(row), row }))
  }
  return { from, read, takeIn }
}

/** A part that is read in the order of a number that stands before its columns. */
function numbered(from: string, out: QueryName, takeIn: PartTables["takeIn"]): PartTables {
  const { read } = spread(from, out, [-1], ([number]) => [number as number], takeIn)
  return {
    from,
    read: async (...given) =>
      (await read(...given)).map(({ key, row }) => ({
        key,
        // What belongs to a job that is gone stays behind.
        row: row === null || row[1] === null ? null : row.slice(1),
      })),
    takeIn,
  }
}

const paged =
  (query: QueryName): PartTables["takeIn"] =>
  (connection, rows) =>
    connection.run(query, [JSON.stringify(rows)])

/** A part with columns of JSON. */
function spelled(part: PartTables, columns: readonly number[]): PartTables {
  const spell = ({ key, row }: KeyedRow): KeyedRow => ({
    key,
    row:
      row === null
        ? null
        : row.map((value, index) => (columns.includes(index) ? oneSpelling(value) : value)),
  })
  return { ...part, read: async (...given) => (await part.read(...given)).map(spell) }
}

/** A part that is a table. */
function plain({ table, columns, key }: PlainPart): PartTables {
  const from = `{schema}."${table}"`
  const all = columns.map((column) => `"${column}"`).join(", ")
  const keys = key
    .map(({ column, isText }) => `"${column}"${isText ? ' collate "C"' : ""}`)
    .join(", ")
  const width = key.length
  const select = `select ${key.map(({ column }) => `"${column}"`).join(", ")}, ${all} from ${from}`
  const after = `where (${keys}) > (${key.map((_, index) => `$${index + 2}`).join(", ")})`
  const rest = `order by ${keys} limit $1`
  // Numbers of rows are kept, because other tables name them.
  const insert = `insert into ${from} (${all}) overriding system value
    select ${all} from jsonb_populate_recordset(null::${from}, $1::text::jsonb) returning 1`
  return {
    from,
    read: async (connection, last, limit) => {
      const sql = last === null ? `${select} ${rest}` : `${select} ${after} ${rest}`
      const found = (await connection.text(sql, [limit, ...(last ?? [])])) as readonly MoveRow[]
      return found.map((row) => ({ key: row.slice(0, width), row: row.slice(width) }))
    },
    takeIn: async (connection, rows) => {
      const objects = rows.map((row) =>
        Object.fromEntries(columns.map((column, index) => [column, row[index]])),
      )
      const written = await connection.text(insert, [JSON.stringify(objects)])
      const [number] = key
      if (number?.isText === false) await countOn(connection, table, number.column)
      return written.length
    },
  }
}

/** A plain part with a column that is an array here and travels as JSON text, which is what other stores keep. */
function listed(name: MovePart, list: string): PartTables {
  const single = plainParts[name]
  assert(single !== undefined, `${name} is one table`)
  const at = single.columns.indexOf(list)
  assert(at >= 0, `${name} has a column ${list}`)
  const part = plain(single)
  return {
    ...part,
    read: async (...given) =>
      (await part.read(...given)).map(({ key, row }) => ({
        key,
        row: row?.with(at, JSON.stringify(row[at])) ?? null,
      })),
    takeIn: (connection, rows) =>
      part.takeIn(
        connection,
        rows.map((row) => row.with(at, JSON.parse(row[at] as string) as Value)),
      ),
  }
}

/** Lets a column that numbers its rows by itself go on after those that came in. */
async function countOn(connection: Connection, table: string, column: string): Promise<void> {
  await connection.text(
    `select setval(s.name::regclass, (select max("${column}")::bigint from {schema}."${table}"))
    from (select pg_get_serial_sequence('{schema}."${table}"', $1)) s (name) where s.name is not null`,
    [column],
  )
}

/** The rows of a table that belong to a job which is there. */
function ofJobs(table: string): string {
  return `(select from {schema}.${table} t join {schema}.job j on j.id = t.job)`
}

const ENQUEUED_AT = 14
const NO_ID = "00000000-0000-0000-0000-000000000000"

const parts: Readonly<Partial<Record<MovePart, PartTables>>> = {
  workers: spread(
    "(select distinct id from {schema}.worker)",
    "workers_out",
    [""],
    ([id]) => [id as string],
    paged("workers_in"),
  ),
  limits: spelled(
    spread("{schema}.limits", "limits_out", [-1], ([id]) => [id as number], takeLimitsIn),
    [5, 7],
  ),
  limitStarts: spread(
    "{schema}.limit_start",
    "limit_starts_out",
    [-1, "", -1],
    (row) => row.slice(0, 3),
    takeStartsIn,
  ),
  jobs: spread(
    "{schema}.job",
    "jobs_out",
    [-1, NO_ID],
    (row) => [row[ENQUEUED_AT] as number, row[0] as string],
    takeJobsIn,
  ),
  limitUses: spread(
    ofJobs("limit_use"),
    "limit_uses_out",
    [-1, "", NO_ID],
    (row) => row.slice(0, 3),
    paged("limit_uses_in"),
  ),
  trail: numbered(
    `(
      select from {schema}.trail t cross join lateral unnest(t.jobs) u (job) join {schema}.job j on j.id = u.job
    )`,
    "trail_out",
    takeTrailIn,
  ),
  holds: spread(
    "{schema}.hold",
    "holds_out",
    [""],
    ([hash]) => [hash as string],
    paged("holds_in"),
  ),
  logs: numbered(ofJobs("log"), "logs_out", paged("logs_in")),
  samples: listed("samples", "counts"),
}

function tablesOf(part: MovePart): PartTables {
  const known = parts[part]
  if (known !== undefined) return known
  const single = plainParts[part]
  assert(single !== undefined, `${part} is plain, or this store knows where its rows are`)
  return plain(single)
}

/** See `MoveStore.countRows`. */
export async function countRows(connection: Connection, part: MovePart): Promise<number> {
  const [row] = await connection.text(`select count(*) from ${tablesOf(part).from} as t`)
  return row?.[0] as number
}

/** See `MoveStore.exportRows`. */
export async function exportRows(
  connection: Connection,
  part: MovePart,
  after: string | null,
  limit: number,
): Promise<MovePage> {
  const key = after === null ? null : (JSON.parse(after) as readonly Value[])
  const found = await tablesOf(part).read(connection, key, limit)
  const last = found.at(-1)
  // A short page proves nothing: only one without rows is the end.
  const next = last === undefined ? null : JSON.stringify(last.key)
  return { rows: found.flatMap(({ row }) => (row === null ? [] : [row])), next }
}

/** Writes rows of a part. @throws when not every row found what it belongs to. */
export async function takeIn(
  connection: Connection,
  part: MovePart,
  rows: readonly MoveRow[],
): Promise<void> {
  if (rows.length === 0) return
  const written = await tablesOf(part).takeIn(connection, rows)
  assert(written === rows.length, `of ${rows.length} rows of ${part} ${written} were written`)
}

async function takeJobsIn(connection: Connection, rows: readonly MoveRow[]): Promise<number> {
  const page = [JSON.stringify(rows)]
  await connection.run("lanes_in", page)
  const written = await connection.run("jobs_in", page)
  for (const query of [
    "job_keys_in",
    "job_claims_in",
    "job_progress_in",
    "job_log_counts_in",
  ] as const) {
    await connection.run(query, page)
  }
  return written
}

async function takeLimitsIn(connection: Connection, rows: readonly MoveRow[]): Promise<number> {
  const written = await connection.run("limits_in", [JSON.stringify(rows)])
  await connection.query("limit_ids_in")
  return written
}

async function takeStartsIn(connection: Connection, rows: readonly MoveRow[]): Promise<number> {
  const written = await connection.run("limit_starts_in", [JSON.stringify(rows)])
  await connection.run("limit_instants_in")
  return written
}
