import { assert } from "../errors/index.ts"
import type { EnqueueOutcome, NewJob, SettleRequest, SettleStatus } from "../store/index.ts"
import type { Clock } from "../time/index.ts"
import type { StoreContext } from "./context.ts"
import { outcomesOf } from "./enqueue.ts"
import { newJobsText } from "./newJobText.ts"
import { settlementsText } from "./settle.ts"

// What takes longer finds no free connection.
const BESIDE_MS = 500

/** Runs one statement in a transaction that is not ours; see `PostgresTransaction`. */
export type RunStatement = (
  text: string,
  values: readonly unknown[],
) => Promise<{ readonly rows: readonly Record<string, unknown>[] }>

/** Enqueues in a user's transaction: what writes is one statement, so a failure leaves nothing of it. */
export async function enqueueJoined(
  { database, lanes }: StoreContext,
  run: RunStatement,
  jobs: readonly NewJob[],
): Promise<readonly EnqueueOutcome[]> {
  if (jobs.length === 0) return []
  await prepareLanes({ database, lanes }, run, jobs)
  const { rows } = await run(database.textOf("enqueue_joined"), [newJobsText(jobs)])
  return outcomesOf(replyOf(rows) as unknown[][])
}

/** Settles an attempt in a user's transaction. */
export async function settleJoined(
  { database }: StoreContext,
  run: RunStatement,
  request: SettleRequest,
): Promise<SettleStatus> {
  // Who claimed it is what the job's row says as long as the fence holds; a repeat finds it in the trail.
  const values = [request.attempt.jobId, settlementsText([request])]
  const { rows } = await run(database.textOf("settle_joined"), values)
  const [status] = replyOf(rows) as SettleStatus[]
  assert(status !== undefined, "a settlement has a status")
  return status
}

/**
 * Sees to it that the lanes of jobs are there before a user's transaction writes to them: one that it makes holds up, until
 * it ends, everybody else who enqueues the first job of this kind. It makes its own where it would not see others', and
 * where no connection beside it is to be had: all connections of a pool may be in transactions that wait here.
 */
async function prepareLanes(
  { database, lanes }: Pick<StoreContext, "database" | "lanes">,
  run: RunStatement,
  jobs: readonly NewJob[],
): Promise<void> {
  const unknown = lanes.unknownOf(jobs.map(({ queue, kind }) => [queue, kind] as const))
  if (unknown.length === 0) return
  const { rows } = await run(database.textOf("joined_lanes"), [JSON.stringify(unknown)])
  const [missing, isolation] = replyOf(rows) as [number, string]
  // What is seen in there may be undone with it, so it is learnt on a connection of our own.
  if (missing === 0) lanes.learnLater(unknown)
  else if (isolation === "read committed") {
    await within(database.clock, BESIDE_MS, lanes.makeAll(unknown))
  }
}

/** Waits for what happens beside a transaction, not for long, and whatever comes of it. */
async function within(clock: Clock, limitMs: number, beside: Promise<unknown>): Promise<void> {
  const late = Promise.withResolvers<void>()
  const timer = clock.setTimer(limitMs, late.resolve, { ref: false })
  await Promise.race([late.promise, beside.catch(() => {})])
  timer.cancel()
}

function replyOf(rows: readonly Record<string, unknown>[]): unknown[] {
  const reply = rows[0]?.["reply"]
  assert(reply !== undefined && reply !== null, "the statement answers with one row")
  // Some libraries read JSON by themselves, whatever type the column says it has.
  return (typeof reply === "string" ? JSON.parse(reply) : reply) as unknown[]
}
