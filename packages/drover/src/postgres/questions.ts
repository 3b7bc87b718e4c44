import type { JobLog, JobPage, JobRow, JobSelection, LogLine, TrailEntry } from "../store/index.ts"
import type { PostgresDatabase } from "./database.ts"
import { pageOfIds } from "./jobPage.ts"
import { jobRowOf, trailEntryOf } from "./readJob.ts"
import { isJobId, selectIds } from "./selectJobs.ts"

// A job whose trail is longer shows its newest transitions.
const TRAIL_ROWS = 10_000

/** The server's time, in whole ms since 1970. */
export async function now(database: PostgresDatabase): Promise<number> {
  const [row] = await database.read("now", (connection) => connection.query("store_time"))
  return row?.[0] as number
}

/** The whole row of a job, or `null`. */
export async function get(database: PostgresDatabase, id: string): Promise<JobRow | null> {
  const [row] = await rowsOf(database, "get", [id])
  return row ?? null
}

/** A page of the jobs that match, newest first. See `Store.list`. */
export async function list(
  database: PostgresDatabase,
  selection: JobSelection,
  page: { readonly limit: number; readonly after: string | null; readonly look?: number },
): Promise<JobPage> {
  const { ids, next } = await pageOfIds(database, selection, page)
  return { jobs: await rowsOf(database, "list", ids), next }
}

/** How many jobs match, counted up to `cap`. */
export async function count(
  database: PostgresDatabase,
  selection: JobSelection,
  cap: number,
): Promise<number> {
  const walk = { order: "newest", after: null, limit: cap } as const
  return (await selectIds(database, "count", selection, walk)).ids.length
}

/** The transitions of one job, oldest first; of a very long trail the newest 10 000. */
export async function trail(
  database: PostgresDatabase,
  id: string,
): Promise<readonly TrailEntry[]> {
  if (!isJobId(id)) return []
  const rows = await database.read("trail", (connection) =>
    connection.query("trail_of_job", [id, TRAIL_ROWS]),
  )
  return rows.map(trailEntryOf)
}

/** What a job's handler logged, oldest line first. */
export function log(database: PostgresDatabase, id: string): Promise<JobLog> {
  if (!isJobId(id)) return Promise.resolve({ lines: [], dropped: 0 })
  return database.snapshot("log", async (connection) => {
    const lines = (await connection.query("log_lines", [id])).map((row) => {
      const [attempt, at, level, message, fields] = row
      return { attempt, at, level, message, fields } as LogLine
    })
    const [counts] = await connection.query("log_count", [id])
    return { lines, dropped: (counts?.[2] as number | undefined) ?? 0 }
  })
}

async function rowsOf(
  database: PostgresDatabase,
  operation: string,
  ids: readonly string[],
): Promise<JobRow[]> {
  const known = ids.filter(isJobId)
  if (known.length === 0) return []
  const rows = await database.read(operation, (connection) => connection.query("job_rows", [known]))
  return rows.map(jobRowOf)
}
