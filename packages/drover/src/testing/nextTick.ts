import { hostname } from "node:os"
import type { Drover } from "../client/index.ts"
import { internalsOf } from "../client/internals.ts"
import { assert, DroverError } from "../errors/index.ts"
import { planRelease, planTick } from "../schedules/index.ts"
import { keptTicks } from "../store/index.ts"
import type { ScheduleRow, ScheduleTick, ScheduleTickReply, Store } from "../store/index.ts"
import { randomToken } from "../time/index.ts"
import type { ManualClock } from "../time/index.ts"
import { moveTime } from "./moveTime.ts"

/** What a tick of a schedule gave. */
export interface FiredTick {
  /** The planned instant. */
  readonly at: Date
  /** Its job; `null` when it was skipped. */
  readonly jobId: string | null
  /** Why it was skipped. */
  readonly reason: string | null
}

const TTL_MS = 1_000
// Of all schedules: more of them hold no tick in a test.
const MOST_HELD = 10_000

/**
 * Moves the clock to the next tick of a schedule and fires it, as the leader of a fleet would; `drain` then runs its
 * job. A tick that waited for the former job, with `overlap: "queue-one"`, comes first once that has ended. Schedules that the client was made with are deployed first.
 * @throws DroverError `DROVER_UNKNOWN_SCHEDULE`; `DROVER_CONFIG` when no tick comes (it is paused, has ended, …).
 */
export async function nextTick(
  drover: Drover,
  clock: ManualClock,
  name: string,
): Promise<FiredTick> {
  const store = await internalsOf(drover).store()
  await drover.deploySchedules()
  const released = await release(drover, store, name)
  if (released !== null) return released
  const row = await rowOf(store, name)
  if (row.fireAt === null || row.nextAt === null) {
    throw new DroverError("DROVER_CONFIG", `nextTick: no tick of schedule "${name}" comes`)
  }
  await moveTime(store, clock, Math.max(0, row.fireAt - (await store.now())), "nextTick")
  const replies = await asLeader(drover, store, async () => {
    const due = await rowOf(store, name)
    return planTick(due, await store.now(), { next: () => drover.newId() })
  })
  // A worker of this test may lead: then its own ticker has fired it, or does now.
  if (replies === null) await clock.settle()
  const { nextAt } = row
  const isIt = (one: { readonly at: number; readonly throughAt: number }): boolean =>
    one.at <= nextAt && nextAt <= one.throughAt
  // Of many that are made up for at once, the history keeps the last ones only.
  const outcome = replies?.[0]?.outcomes.find(isIt)
  if (outcome !== undefined) {
    return { at: new Date(nextAt), jobId: outcome.job?.id ?? null, reason: outcome.reason }
  }
  const lines = await store.scheduleTicks({ name, limit: keptTicks, before: null })
  const tick = lines.find(isIt)
  assert(tick !== undefined, "a tick that is due leaves a line in the history")
  return { at: new Date(nextAt), jobId: tick.jobId, reason: tick.reason }
}

/** Fires the tick that waits for the former job, if there is one and that has ended. */
async function release(drover: Drover, store: Store, name: string): Promise<FiredTick | null> {
  const { released } = await store.dueSchedules(MOST_HELD)
  const row = released.find((one) => one.name === name)
  if (row?.heldAt === null || row?.heldAt === undefined) return null
  const ids = { next: () => drover.newId() }
  const replies = await asLeader(drover, store, () => Promise.resolve(planRelease(row, ids)))
  // A worker that leads releases it by itself.
  if (replies === null) return null
  const jobId = replies[0]?.outcomes[0]?.job?.id ?? null
  return { at: new Date(row.heldAt), jobId, reason: null }
}

/** Writes a tick in a term of its own. @returns `null` when somebody else leads. */
async function asLeader(
  drover: Drover,
  store: Store,
  plan: () => Promise<ScheduleTick>,
): Promise<readonly ScheduleTickReply[] | null> {
  const candidate = { id: drover.newId(), host: hostname(), pid: process.pid, info: "{}" }
  const token = randomToken(internalsOf(drover).options.rng)
  const reply = await store.bid({ candidate, token, ttlMs: TTL_MS })
  if (!reply.won) return null
  const term = { term: reply.term, token }
  const replies = await store.tickSchedules({ term, ticks: [await plan()] })
  assert(replies !== "term_ended", "the term has just begun")
  await store.resignTerm(term)
  return replies
}

async function rowOf(store: Store, name: string): Promise<ScheduleRow> {
  const row = await store.schedule(name)
  if (row !== null) return row
  throw new DroverError("DROVER_UNKNOWN_SCHEDULE", `nextTick: there is no schedule "${name}"`)
}
