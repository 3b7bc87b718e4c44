import { DroverError } from "../errors/index.ts"
import { stateCode } from "../store/index.ts"
import type { JobLog, JobPage, JobRow, JobSelection, LogLine, TrailEntry } from "../store/index.ts"
import type { StoreContext } from "./context.ts"
import { jobRowOf, trailEntryOf } from "./readJob.ts"
import { countByState, selectSeqs } from "./selectJobs.ts"
import type { ReadTx } from "./writeTx.ts"

// A job whose trail is longer shows its newest transitions.
const TRAIL_ROWS = 10_000

/** The whole row of a job, or `null`. */
export function get(context: StoreContext, id: string): Promise<JobRow | null> {
  return context.read("get", (tx) => {
    const seq = seqOf(tx, id)
    return seq === undefined ? null : (rowsOf(tx, [seq])[0] ?? null)
  })
}

/** A page of the jobs that match, newest first. See `Store.list`. */
export async function list(
  context: StoreContext,
  selection: JobSelection,
  page: { readonly limit: number; readonly after: string | null; readonly look?: number },
): Promise<JobPage> {
  const { limit, look = Number.POSITIVE_INFINITY } = page
  const after = page.after === null ? null : positionOf(page.after)
  // One more than asked for tells whether another page follows.
  const walk = { order: "newest", after, limit: limit + 1, look } as const
  const { seqs, stoppedAt } = await selectSeqs(context, "list", selection, walk)
  const shown = seqs.slice(0, limit)
  const jobs = await context.read("list", (tx) => rowsOf(tx, shown))
  const lastAt = seqs.length > limit ? (shown.at(-1) ?? null) : stoppedAt
  return { jobs, next: lastAt === null ? null : String(lastAt) }
}

/** How many jobs match, counted up to `cap`. */
export async function count(
  context: StoreContext,
  selection: JobSelection,
  cap: number,
): Promise<number> {
  const { states, ...rest } = selection
  if (states !== undefined && Object.values(rest).every((part) => part === undefined)) {
    const codes = [...new Set(states.map(stateCode))]
    return context.read("count", (tx) => countByState(tx, codes, cap))
  }
  const walk = { order: "newest", after: null, limit: cap } as const
  return (await selectSeqs(context, "count", selection, walk)).seqs.length
}

/** The transitions of one job, oldest first; of a very long trail the newest 10 000. */
export function trail(context: StoreContext, id: string): Promise<readonly TrailEntry[]> {
  return context.read("trail", (tx) => {
    const seq = seqOf(tx, id)
    if (seq === undefined) return []
    return tx.statements.all("trail_of_job", seq, TRAIL_ROWS, seq).map(trailEntryOf)
  })
}

/** The transitions of all jobs after a position. See `Store.trailAfter`. */
export function trailAfter(
  context: StoreContext,
  seq: number | null,
  limit: number,
): Promise<{ readonly entries: readonly TrailEntry[]; readonly seq: number }> {
  return context.read("trailAfter", ({ statements }) => {
    if (seq === null) {
      const pulse = statements.first("read_pulse")
      return { entries: [], seq: (pulse?.[3] as number | undefined) ?? 0 }
    }
    const entries = statements.all("trail_after", seq, limit).map(trailEntryOf)
    return { entries, seq: entries.at(-1)?.seq ?? seq }
  })
}

/** What a job's handler logged, oldest line first. */
export function log(context: StoreContext, id: string): Promise<JobLog> {
  return context.read("log", (tx) => {
    const seq = seqOf(tx, id)
    if (seq === undefined) return { lines: [], dropped: 0 }
    const lines = tx.statements.all("log_lines", seq).map((row) => {
      const [attempt, at, level, message, fields] = row
      return { attempt, at, level, message, fields } as LogLine
    })
    return { lines, dropped: (tx.statements.first("log_count", seq)?.[2] as number) ?? 0 }
  })
}

function seqOf(tx: ReadTx, id: string): number | undefined {
  return tx.statements.first("seq_of_job", id)?.[0] as number | undefined
}

function rowsOf(tx: ReadTx, seqs: readonly number[]): JobRow[] {
  return tx.statements.all("job_rows", JSON.stringify(seqs)).map(jobRowOf)
}

function positionOf(after: string): number {
  const seq = Number(after)
  if (/^\d+$/.test(after) && Number.isSafeInteger(seq)) return seq
  throw new DroverError(
    "DROVER_CONFIG",
    `"${after.slice(0, 40)}" is not a position in a list; give back what \`next\` of the page before said.`,
    { details: { after } },
  )
}
