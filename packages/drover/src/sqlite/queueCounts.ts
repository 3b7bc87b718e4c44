import { finalStates, jobStates, stateCode } from "../store/index.ts"
import type { JobState, QueueCounts } from "../store/index.ts"
import type { StoreContext } from "./context.ts"
import { PRIORITY_STEP } from "./queues.ts"
import type { Row } from "./statements.ts"
import type { ReadTx } from "./writeTx.ts"

// Rows of an index that one count walks at least; more only when the caller's cap asks for more, because a long walk
// holds up the event loop.
const WALK_ROWS = 50_000
const PRIORITIES = 50
const MOST_TRACKS = 1_000

interface Tally {
  readonly queue: string
  readonly counts: Record<JobState, number>
  oldestDueAt: number | null
}

interface Settings {
  readonly paused: boolean
  readonly slots: number | null
  readonly agingMs: number | null
}

/**
 * Counts jobs by queue and state. Of finished jobs the newest `cap` (at least 50 000) of each state
 * are looked at, so the counts of a queue with little to do beside a busy one may be too low.
 */
export async function queueCounts(
  context: StoreContext,
  cap: number,
): Promise<readonly QueueCounts[]> {
  const settings = await context.read("queueCounts", readSettings)
  const lanes = await context.read("queueCounts", ({ statements }) => statements.all("all_lanes"))
  const tallies = new Map<string, Tally>([...settings.keys()].map((name) => [name, empty(name)]))
  const byLane = new Map<number, Tally>()
  for (const [id, queue] of lanes) {
    const name = queue as string
    const tally = tallies.get(name) ?? empty(name)
    tallies.set(name, tally)
    byLane.set(id as number, tally)
  }
  for (const [lane, tally] of byLane) {
    // One lane at a time: the event loop turns in between.
    const waiting = await context.read("queueCounts", (tx) => countWaiting(tx, lane, cap))
    addWaiting(tally, waiting)
    await new Promise<void>((resolve) => context.clock.defer(resolve))
  }
  for (const state of ["running", ...finalStates] as const) {
    const rows = await context.read("queueCounts", (tx) => countByLane(tx, state, cap))
    for (const [lane, count] of rows) {
      const tally = byLane.get(lane as number)
      // A lane that was made after the lanes were read is left for the next time.
      if (tally !== undefined) tally.counts[state] += count as number
    }
    await new Promise<void>((resolve) => context.clock.defer(resolve))
  }
  return [...tallies.values()]
    .toSorted((a, b) => (a.queue < b.queue ? -1 : 1))
    .map(({ queue, counts, oldestDueAt }) => {
      const capped = Object.fromEntries(
        jobStates.map((state) => [state, Math.min(cap, counts[state])]),
      ) as Record<JobState, number>
      const stored = settings.get(queue) ?? { paused: false, slots: null, agingMs: null }
      return { queue, ...stored, counts: capped, cap, oldestDueAt }
    })
}

function empty(queue: string): Tally {
  const counts = Object.fromEntries(jobStates.map((state) => [state, 0]))
  return { queue, counts: counts as Record<JobState, number>, oldestDueAt: null }
}

function readSettings({ statements }: ReadTx): Map<string, Settings> {
  return new Map(
    statements.all("all_queues").map(([name, pausedAt, slots, agingMs]) => {
      return [name, { paused: pausedAt !== null, slots, agingMs }] as [string, Settings]
    }),
  )
}

interface Waiting {
  readonly due: readonly Row[]
  readonly available: number
  readonly oldestDueAt: number | null
}

function countWaiting(tx: ReadTx, lane: number, cap: number): Waiting {
  return {
    due: tx.statements.all("count_due_of_lane", lane, Math.max(WALK_ROWS, cap)),
    available: tx.statements.first("count_ready_of_lane", lane, cap)?.[0] as number,
    oldestDueAt: oldestDue(tx, lane),
  }
}

function addWaiting(tally: Tally, { due, available, oldestDueAt }: Waiting): void {
  const { counts } = tally
  for (const [code, count] of due) counts[jobStates[code as number] as JobState] += count as number
  counts.available += available
  if (oldestDueAt !== null)
    tally.oldestDueAt = Math.min(oldestDueAt, tally.oldestDueAt ?? oldestDueAt)
}

function countByLane(
  tx: ReadTx,
  state: "running" | (typeof finalStates)[number],
  cap: number,
): readonly Row[] {
  return state === "running"
    ? tx.statements.all("count_running_by_lane")
    : tx.statements.all("count_finished_by_lane", stateCode(state), Math.max(WALK_ROWS, cap))
}

/** When the oldest job of a lane that is due became due. */
export function oldestDue(tx: ReadTx, lane: number): number | null {
  const times = [
    tx.statements.first("oldest_due_of_lane", lane)?.[0],
    tx.statements.first("oldest_solo_of_lane", lane)?.[0],
    tx.statements.first("oldest_of_tracks", lane, MOST_TRACKS)?.[0],
  ]
  let rank = Number.MIN_SAFE_INTEGER
  for (let step = 0; step < PRIORITIES; step++) {
    const row = tx.statements.first("first_ready_from", lane, rank)
    if (row === undefined) break
    const [, runAt, priority] = row as [number, number, number]
    times.push(runAt)
    // Within a priority the first is the oldest, so the next one to look at is of the next priority.
    rank = (priority + 1) * PRIORITY_STEP
  }
  const due = times.filter((at) => typeof at === "number" && at <= tx.now) as number[]
  return due.length === 0 ? null : Math.min(...due)
}
