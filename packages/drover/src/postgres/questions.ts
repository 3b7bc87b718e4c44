import { DroverError } from "../errors/index.ts"
import type { JobLog, JobPage, JobRow, JobSelection, LogLine, TrailEntry } from "../store/index.ts"
import type { PostgresDatabase } from "./database.ts"
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
  page: { readonly limit: number; readonly after: string | null },
): Promise<JobPage> {
  const { limit, after } = page
  if (after !== null && !isJobId(after)) throw badPosition(after)
  // One more than asked for tells whether another page follows.
  const walk = { order: "newest", after, limit: limit + 1 } as const
  const ids = await selectIds(database, "list", selection, walk)
  const shown = ids.slice(0, limit)
  const jobs = await rowsOf(database, "list", shown)
  return { jobs, next: ids.length > limit ? (shown.at(-1) ?? null) : null }
}

/** How many jobs match, counted up to `cap`. */
export async function count(
  database: PostgresDatabase,
  selection: JobSelection,
  cap: number,
): Promise<number> {
  const walk = { order: "newest", after: null, limit: cap } as const
  return (await selectIds(database, "count", selection, walk)).length
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

function badPosition(after: string): DroverError {
  return new DroverError(
    "DROVER_CONFIG",
    `"${after.slice(0, 40)}" is not a position in a list; give back what \`next\` of the page before said.`,
    { details: { after } },
  )
}
