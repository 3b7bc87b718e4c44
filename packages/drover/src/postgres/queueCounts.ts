import { jobStates } from "../store/index.ts"
import type { JobState, QueueCounts } from "../store/index.ts"
import type { Connection } from "./connection.ts"
import type { PostgresDatabase } from "./database.ts"
import type { Row } from "./values.ts"

// Rows of an index that one count walks at least, so that a queue with little to do beside a busy one is seen.
const WALK_ROWS = 10_000

interface Tally {
  readonly counts: Record<JobState, number>
  oldestDueAt: number | null
}

/**
 * Counts jobs by queue and state. Of finished jobs the newest `cap` (at least 10 000) of each kind of end are looked at,
 * so the counts of a queue with little to do beside a busy one may be too low.
 */
export async function queueCounts(
  database: PostgresDatabase,
  cap: number,
): Promise<readonly QueueCounts[]> {
  const read = <T>(body: (connection: Connection) => Promise<T>): Promise<T> =>
    database.read("queueCounts", body)
  const walk = Math.max(WALK_ROWS, cap)
  const settings = await read((connection) => connection.query("all_queues"))
  const tallies = new Map(settings.map(([name]) => [name as string, empty()]))
  const [time] = await read((connection) => connection.query("store_time"))
  for (const row of await read((connection) => connection.ask("count_waiting", [cap]))) {
    addWaiting(tallyOf(tallies, row), row, time?.[0] as number)
  }
  for (const row of await read((connection) => connection.ask("count_running"))) {
    tallyOf(tallies, row).counts.running += row[1] as number
  }
  for (const row of await read((connection) => connection.ask("count_stopped", [walk]))) {
    tallyOf(tallies, row).counts[jobStates[row[1] as number] as JobState] += row[2] as number
  }
  for (const row of await read((connection) => connection.ask("count_completed", [walk]))) {
    tallyOf(tallies, row).counts.completed += row[1] as number
  }
  const stored = new Map(settings.map((row) => [row[0] as string, row]))
  return [...tallies]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([queue, tally]) => countsOf(queue, tally, stored.get(queue), cap))
}

function countsOf(queue: string, tally: Tally, stored: Row | undefined, cap: number): QueueCounts {
  const capped = Object.fromEntries(
    jobStates.map((state) => [state, Math.min(cap, tally.counts[state])]),
  ) as Record<JobState, number>
  const [, pausedAt = null, slots = null, agingMs = null] = stored ?? []
  return {
    queue,
    paused: pausedAt !== null,
    slots: slots as number | null,
    agingMs: agingMs as number | null,
    counts: capped,
    cap,
    oldestDueAt: tally.oldestDueAt,
  }
}

function addWaiting(tally: Tally, row: Row, now: number): void {
  const [, scheduled, retryable, available, oldest] = row as readonly (number | null)[]
  tally.counts.scheduled += scheduled ?? 0
  tally.counts.retryable += retryable ?? 0
  tally.counts.available += available ?? 0
  if (oldest === null || oldest === undefined || oldest > now) return
  tally.oldestDueAt = Math.min(oldest, tally.oldestDueAt ?? oldest)
}

function tallyOf(tallies: Map<string, Tally>, row: Row): Tally {
  const queue = row[0] as string
  const tally = tallies.get(queue) ?? empty()
  tallies.set(queue, tally)
  return tally
}

function empty(): Tally {
  const counts = Object.fromEntries(jobStates.map((state) => [state, 0]))
  return { counts: counts as Record<JobState, number>, oldestDueAt: null }
}
