import { assert } from "../errors/index.ts"
import type { EnqueueOutcome, NewJob, SettleRequest, SettleStatus } from "../store/index.ts"
import type { StoreContext } from "./context.ts"
import type { PostgresDatabase } from "./database.ts"
import { outcomesOf } from "./enqueue.ts"
import { newJobsText } from "./newJobText.ts"
import { settlementsText } from "./settle.ts"

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
  const pairs = jobs.map(({ queue, kind }) => [queue, kind] as const)
  // One that looks at an old snapshot would not see them, and makes its own.
  if (!(await lanes.areThere(pairs)) && (await seesCommits(database, run))) {
    await lanes.makeAll(pairs)
  }
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

async function seesCommits(database: PostgresDatabase, run: RunStatement): Promise<boolean> {
  const { rows } = await run(database.textOf("joined_isolation"), [])
  return rows[0]?.["reply"] === "read committed"
}

function replyOf(rows: readonly Record<string, unknown>[]): unknown[] {
  const reply = rows[0]?.["reply"]
  assert(reply !== undefined && reply !== null, "the statement answers with one row")
  // Some libraries read JSON by themselves, whatever type the column says it has.
  return (typeof reply === "string" ? JSON.parse(reply) : reply) as unknown[]
}
