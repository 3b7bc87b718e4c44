import { hostname } from "node:os"
import type { Drover } from "../client/index.ts"
import { internalsOf } from "../client/internals.ts"
import { assert, DroverError } from "../errors/index.ts"
import { planTick } from "../schedules/index.ts"
import type { ScheduleRow, Store, TermRef } from "../store/index.ts"
import { randomToken } from "../time/index.ts"
import type { ManualClock } from "../time/index.ts"

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

/**
 * Moves the clock to the next tick of a schedule and fires it, as the leader of a fleet would; `drain` then runs its
 * job. Schedules that the client was made with are deployed first.
 * @throws DroverError `DROVER_UNKNOWN_SCHEDULE`; `DROVER_CONFIG` when no tick comes (it is paused, has ended, …).
 */
export async function nextTick(
  drover: Drover,
  clock: ManualClock,
  name: string,
): Promise<FiredTick> {
  const { options, store: open } = internalsOf(drover)
  const store = await open()
  await drover.deploySchedules()
  const row = await rowOf(store, name)
  if (row.fireAt === null || row.nextAt === null) {
    throw new DroverError("DROVER_CONFIG", `nextTick: no tick of schedule "${name}" comes`)
  }
  await clock.advance(Math.max(0, row.fireAt - (await store.now())))
  const candidate = { id: drover.newId(), host: hostname(), pid: process.pid, info: "{}" }
  const token = randomToken(options.rng)
  const reply = await store.bid({ candidate, token, ttlMs: TTL_MS })
  // A worker of this test may lead: then its own ticker has fired it, or does now.
  if (reply.won) await fire(drover, store, name, { term: reply.term, token })
  else await clock.settle()
  const [tick] = (await store.scheduleTicks({ name, limit: 100, before: null })).filter(
    ({ at, throughAt }) => at <= row.nextAt! && row.nextAt! <= throughAt,
  )
  assert(tick !== undefined, "a tick that is due leaves a line in the history")
  return { at: new Date(row.nextAt), jobId: tick.jobId, reason: tick.reason }
}

async function fire(drover: Drover, store: Store, name: string, term: TermRef): Promise<void> {
  const row = await rowOf(store, name)
  const tick = planTick(row, await store.now(), { next: () => drover.newId() })
  const replies = await store.tickSchedules({ term, ticks: [tick] })
  assert(replies !== "term_ended", "the term has just begun")
  await store.resignTerm(term)
}

async function rowOf(store: Store, name: string): Promise<ScheduleRow> {
  const row = await store.schedule(name)
  if (row !== null) return row
  throw new DroverError("DROVER_UNKNOWN_SCHEDULE", `nextTick: there is no schedule "${name}"`)
}
