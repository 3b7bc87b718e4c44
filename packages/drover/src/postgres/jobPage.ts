import { DroverError } from "../errors/index.ts"
import type { JobSelection } from "../store/index.ts"
import type { PostgresDatabase } from "./database.ts"
import { filterOf, isJobId, selectIds } from "./selectJobs.ts"
import type { Found } from "./selectJobs.ts"

/** The ids of a page, newest first. */
export interface IdPage {
  readonly ids: readonly string[]
  readonly next: string | null
}

interface PageRequest {
  readonly limit: number
  readonly after: string | null
  readonly look?: number
}

// An id begins with the time at which a process made it, and no index knows when its job was enqueued. Clocks of a fleet
// are nearer to each other than this, so what a span of time asks for is nearly always in this span of ids.
const MARGIN_MS = 3_600_000
// Marks a position among the ids that are later than what was asked for.
const LATER = "+"

/**
 * A page of the ids of jobs that match. Whoever asks for a span of time is shown the ids of that time first, and then
 * all others, where jobs may be whose id somebody made long before: nothing is left out, and nobody has to wait for it.
 */
export async function pageOfIds(
  database: PostgresDatabase,
  selection: JobSelection,
  page: PageRequest,
): Promise<IdPage> {
  const { enqueuedBefore } = selection
  const isLater = page.after?.startsWith(LATER) === true
  const position = isLater ? page.after.slice(LATER.length) : page.after
  const after = isLater && position === "" ? null : positionOf(position)
  // Where an index names the few candidates all of them are looked at.
  const isWalk = filterOf(selection)?.isNarrow === false
  const ceiling = isWalk && enqueuedBefore !== undefined ? idAt(enqueuedBefore + MARGIN_MS) : null
  if (ceiling === null) return pageFrom(database, selection, { ...page, after })
  if (isLater) {
    const found = await walk(database, selection, { ...page, after, from: ceiling })
    return pageOf(found, page.limit, LATER)
  }
  const earlier = await pageFrom(database, selection, { ...page, after: after ?? ceiling })
  if (earlier.next !== null || !(await isAny(database, ceiling))) return earlier
  return { ...earlier, next: LATER }
}

async function pageFrom(
  database: PostgresDatabase,
  selection: JobSelection,
  page: PageRequest,
): Promise<IdPage> {
  const { enqueuedAfter } = selection
  const floor = enqueuedAfter === undefined ? null : idAt(enqueuedAfter - MARGIN_MS)
  return pageOf(await walk(database, selection, { ...page, floor }), page.limit, "")
}

function walk(
  database: PostgresDatabase,
  selection: JobSelection,
  part: PageRequest & { readonly floor?: string | null; readonly from?: string },
): Promise<Found> {
  // One more than asked for tells whether another page follows.
  return selectIds(database, "list", selection, { ...part, order: "newest", limit: part.limit + 1 })
}

function pageOf({ ids, stoppedAt }: Found, limit: number, mark: string): IdPage {
  const shown = ids.slice(0, limit)
  const lastAt = ids.length > limit ? (shown.at(-1) ?? null) : stoppedAt
  return { ids: shown, next: lastAt === null ? null : mark + lastAt }
}

async function isAny(database: PostgresDatabase, from: string): Promise<boolean> {
  const sql = "select 1 from {schema}.job where id >= $1::uuid limit 1"
  return (await database.read("list", (at) => at.text(sql, [from]))).length > 0
}

/** The least id of an instant. */
function idAt(ms: number): string {
  const most = 2 ** 48 - 1
  const hex = Math.min(most, Math.max(0, Math.floor(ms)))
    .toString(16)
    .padStart(12, "0")
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`
}

function positionOf(text: string | null): string | null {
  if (text === null || isJobId(text)) return text
  throw new DroverError(
    "DROVER_CONFIG",
    `"${text.slice(0, 40)}" is not a position in a list; give back what \`next\` of the page before said.`,
    { details: { after: text } },
  )
}
