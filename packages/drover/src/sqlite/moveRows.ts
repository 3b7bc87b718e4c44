import { assert } from "../errors/index.ts"
import type { MovePage, MovePart, MoveRow } from "../store/index.ts"
import type { QueryName, Row } from "./statements.ts"
import type { ReadTx, WriteTx } from "./writeTx.ts"

/** How a part leaves this store and comes into it. */
interface PartTables {
  readonly table: string
  readonly out: QueryName
  /** Whether the first column is a number that is only a cursor; else the cursor is made of the row itself. */
  readonly hasNumber: boolean
  /** Writes a page. @returns how many rows of the part it wrote. */
  takeIn(tx: WriteTx, page: string, rows: readonly MoveRow[]): number
}

const parts: Readonly<Record<MovePart, PartTables>> = {
  workers: {
    table: "drover_worker",
    out: "workers_out",
    hasNumber: false,
    takeIn: (tx, page) => tx.statements.run("workers_in", page),
  },
  queues: {
    table: "drover_queue",
    out: "queues_out",
    hasNumber: false,
    takeIn: (tx, page) => {
      tx.bumpGeneration()
      return tx.statements.run("queues_in", page)
    },
  },
  jobs: { table: "drover_job", out: "jobs_out", hasNumber: false, takeIn: takeJobsIn },
  trail: { table: "drover_trail", out: "trail_out", hasNumber: true, takeIn: takeTrailIn },
  holds: {
    table: "drover_hold",
    out: "holds_out",
    hasNumber: false,
    takeIn: (tx, page) => tx.statements.run("holds_in", page),
  },
  logs: {
    table: "drover_log",
    out: "logs_out",
    hasNumber: true,
    takeIn: (tx, page) => tx.statements.run("logs_in", page),
  },
}

/** See `MoveStore.countRows`. */
export function countRows(tx: ReadTx, part: MovePart): number {
  const [count] = tx.statements
    .made(`select count(*) from ${parts[part].table}`)
    .get() as unknown as [number]
  return count
}

/** See `MoveStore.exportRows`. */
export function exportRows(
  tx: ReadTx,
  part: MovePart,
  after: string | null,
  limit: number,
): MovePage {
  const { out, hasNumber } = parts[part]
  const found = tx.statements.all(out, ...cursorValues(part, after), limit)
  const last = found.at(-1)
  const next = last === undefined || found.length < limit ? null : cursorOf(part, last)
  const rows = (hasNumber ? found.map((row) => row.slice(1)) : found) as readonly MoveRow[]
  return { rows, next }
}

/** Writes rows of a part. @throws when not every row found what it belongs to. */
export function takeIn(tx: WriteTx, part: MovePart, rows: readonly MoveRow[]): void {
  if (rows.length === 0) return
  const written = parts[part].takeIn(tx, JSON.stringify(rows), rows)
  assert(written === rows.length, `of ${rows.length} rows of ${part} ${written} were written`)
}

function takeJobsIn(tx: WriteTx, page: string, rows: readonly MoveRow[]): number {
  const { statements } = tx
  const first = tx.nextJobSeq(rows.length)
  statements.run("lanes_in", page)
  const written = statements.run("jobs_in", first, page)
  for (const query of ["job_inputs_in", "job_progress_in", "job_log_counts_in"] as const) {
    statements.run(query, page)
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

/** What the query of a part is told of a cursor. */
function cursorValues(part: MovePart, after: string | null): (string | number | null)[] {
  if (part === "jobs") {
    const [at, id] = after === null ? ["-1", ""] : after.split("/", 2)
    return [Number(at), id as string]
  }
  return parts[part].hasNumber ? [Number(after ?? -1)] : [after]
}

const ENQUEUED_AT = 14

function cursorOf(part: MovePart, row: Row): string {
  return part === "jobs" ? `${String(row[ENQUEUED_AT])}/${String(row[0])}` : String(row[0])
}
