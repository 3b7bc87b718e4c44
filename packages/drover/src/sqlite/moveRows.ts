import { assert } from "../errors/index.ts"
import { oneSpelling, plainParts } from "../store/index.ts"
import type { MovePage, MovePart, MoveRow, PlainPart } from "../store/index.ts"
import type { QueryName } from "./statements.ts"
import { standingOf } from "./tracks.ts"
import type { ReadTx, WriteTx } from "./writeTx.ts"

type Value = string | number | null

/** How a part leaves this store and comes into it. */
interface PartTables {
  /** What to count. */
  readonly table: string
  /** Rows after those with a key, and the key of each, in the order of the key. */
  read(tx: ReadTx, after: readonly Value[] | null, limit: number): readonly KeyedRow[]
  /** Writes a page. @returns how many rows of the part it wrote. */
  takeIn(tx: WriteTx, page: string, rows: readonly MoveRow[]): number
}

interface KeyedRow {
  readonly key: readonly Value[]
  readonly row: MoveRow
}

/** A part whose rows are spread over tables. `start` is before every key. */
function spread(
  table: string,
  out: QueryName,
  start: readonly Value[],
  keyOf: (row: MoveRow) => readonly Value[],
  takeIn: PartTables["takeIn"],
): PartTables {
  const read: PartTables["read"] = ({ statements }, after, limit) =>
    (statements.all(out, ...(after ?? start), limit) as readonly MoveRow[]).map((row) => ({
      key: keyOf(row),
      row,
    }))
  return { table, read, takeIn }
}

/** A part that is read in the order of a number that stands before its columns. */
function numbered(table: string, out: QueryName, takeIn: PartTables["takeIn"]): PartTables {
  const first = ([number]: MoveRow): readonly Value[] => [number as number]
  const { read } = spread(table, out, [-1], first, takeIn)
  return {
    table,
    read: (...given) => read(...given).map(({ key, row }) => ({ key, row: row.slice(1) })),
    takeIn,
  }
}

/** A part with columns of JSON. */
function spelled(part: PartTables, columns: readonly number[]): PartTables {
  const spell = ({ key, row }: KeyedRow): KeyedRow => ({
    key,
    row: row.map((value, index) => (columns.includes(index) ? oneSpelling(value) : value)),
  })
  return { ...part, read: (...given) => part.read(...given).map(spell) }
}

/** A part that is a table. */
function plain({ table: name, columns, key }: PlainPart): PartTables {
  const table = `drover_${name}`
  const [all, keys] = [columns.join(", "), key.map(({ column }) => column).join(", ")]
  const select = `select ${keys}, ${all} from ${table}`
  const rest = `order by ${keys} limit ?`
  const later = `${select} where (${keys}) > (${key.map(() => "?").join(", ")}) ${rest}`
  const values = columns.map((_, index) => `value ->> ${index}`).join(", ")
  const insert = `insert into ${table} (${all}) select ${values} from json_each(?) order by key`
  return {
    table,
    read: ({ statements }, after, limit) => {
      const statement = statements.made(after === null ? `${select} ${rest}` : later)
      const found = statement.all(...(after ?? []), limit) as unknown as readonly MoveRow[]
      return found.map((row) => ({ key: row.slice(0, key.length), row: row.slice(key.length) }))
    },
    takeIn: (tx, page) => tx.statements.made(insert).run(page).changes as number,
  }
}

/** The rows of a table that belong to a job which is there. */
function ofJobs(table: string): string {
  return `(select 1 from ${table} t join drover_job j on j.seq = t.job)`
}

const ENQUEUED_AT = 14

const parts: Readonly<Partial<Record<MovePart, PartTables>>> = {
  workers: spread(
    "drover_worker",
    "workers_out",
    [""],
    ([id]) => [id as string],
    (tx, page) => tx.statements.run("workers_in", page),
  ),
  limits: spelled(
    spread(
      "drover_limit",
      "limits_out",
      [-1],
      ([id]) => [id as number],
      (tx, page) => tx.statements.run("limits_in", page),
    ),
    [5, 7],
  ),
  limitStarts: spread(
    "drover_limit_start",
    "limit_starts_out",
    [-1, "", -1],
    (row) => row.slice(0, 3),
    (tx, page) => tx.statements.run("limit_starts_in", page),
  ),
  jobs: spread(
    "drover_job",
    "jobs_out",
    [-1, ""],
    (row) => [row[ENQUEUED_AT] as number, row[0] as string],
    takeJobsIn,
  ),
  limitUses: spread(
    ofJobs("drover_limit_use"),
    "limit_uses_out",
    [-1, "", ""],
    (row) => row.slice(0, 3),
    (tx, page) => tx.statements.run("limit_uses_in", page),
  ),
  trail: numbered(ofJobs("drover_trail"), "trail_out", takeTrailIn),
  holds: spread(
    "drover_hold",
    "holds_out",
    [""],
    ([hash]) => [hash as string],
    (tx, page) => tx.statements.run("holds_in", page),
  ),
  logs: numbered(ofJobs("drover_log"), "logs_out", (tx, page) =>
    tx.statements.run("logs_in", page),
  ),
}

function tablesOf(part: MovePart): PartTables {
  const known = parts[part]
  if (known !== undefined) return known
  const single = plainParts[part]
  assert(single !== undefined, `${part} is plain, or this store knows where its rows are`)
  return plain(single)
}

/** See `MoveStore.countRows`. */
export function countRows(tx: ReadTx, part: MovePart): number {
  const statement = tx.statements.made(`select count(*) from ${tablesOf(part).table}`)
  const [count] = statement.get() as unknown as [number]
  return count
}

/** See `MoveStore.exportRows`. */
export function exportRows(
  tx: ReadTx,
  part: MovePart,
  after: string | null,
  limit: number,
): MovePage {
  const key = after === null ? null : (JSON.parse(after) as readonly Value[])
  const found = tablesOf(part).read(tx, key, limit)
  const last = found.at(-1)
  // A short page proves nothing: only one without rows is the end.
  const next = last === undefined ? null : JSON.stringify(last.key)
  return { rows: found.map(({ row }) => row), next }
}

/** Writes rows of a part. @throws when not every row found what it belongs to. */
export function takeIn(tx: WriteTx, part: MovePart, rows: readonly MoveRow[]): void {
  if (rows.length === 0) return
  const written = tablesOf(part).takeIn(tx, JSON.stringify(rows), rows)
  assert(written === rows.length, `of ${rows.length} rows of ${part} ${written} were written`)
  // Processes remember queues and limits by generation.
  tx.bumpGeneration()
}

function takeJobsIn(tx: WriteTx, page: string, rows: readonly MoveRow[]): number {
  const { statements } = tx
  const first = tx.nextJobSeq(rows.length)
  statements.run("lanes_in", page)
  const written = statements.run("jobs_in", first, page)
  for (const query of ["job_inputs_in", "job_progress_in", "job_log_counts_in"] as const) {
    statements.run(query, page)
  }
  for (const row of statements.all("keyed_jobs_from", first)) {
    const [seq, lane, rank, crashes, keys] = row as readonly [
      number,
      number,
      number,
      number,
      string,
    ]
    statements.run("set_keys", keys, standingOf(tx, { seq, lane, rank, crashes, keys }), seq)
  }
  tx.addFinishedBytes(statements.first("finished_bytes_from", first - 1)?.[0] as number)
  return written
}

function takeTrailIn(tx: WriteTx, page: string, rows: readonly MoveRow[]): number {
  const first = tx.nextTrailSeq(rows.length)
  const written = tx.statements.run("trail_in", first, page)
  tx.statements.run("trail_heads_in", first)
  return written
}
