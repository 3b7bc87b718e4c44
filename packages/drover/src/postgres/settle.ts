import type { SettleRequest, SettleStatus } from "../store/index.ts"
import { tellChange, tellEnds } from "./changeSignal.ts"
import type { StoreContext } from "./context.ts"
import { hasLimitKeys, keepsKey, TRAIL_ROW, trailOf } from "./mark.ts"

const FINAL: ReadonlySet<string> = new Set(["completed", "discarded", "cancelled"])

/** Settlements of one exchange, taken apart by how they are written. */
export interface Settlements {
  /** Plain completions, in groups that one statement takes. Indexes of the request's list. */
  readonly completions: readonly (readonly number[])[]
  /** Completions of jobs with keys under limits, likewise. */
  readonly keyed: readonly (readonly number[])[]
  /** Everything else. */
  readonly others: readonly number[]
}

/** Takes them apart. Rows are locked in the order of the jobs' ids, as everywhere. */
export function divide(requests: readonly SettleRequest[]): Settlements {
  const plain: number[] = []
  const keyed: number[] = []
  const others: number[] = []
  for (const [index, { attempt, settlement }] of requests.entries()) {
    const { mark } = attempt
    if (settlement.to !== "completed" || keepsKey(mark)) others.push(index)
    else (hasLimitKeys(mark) ? keyed : plain).push(index)
  }
  return { completions: grouped(requests, plain), keyed: grouped(requests, keyed), others }
}

function grouped(requests: readonly SettleRequest[], indexes: number[]): readonly number[][] {
  indexes.sort((a, b) => (jobOf(requests, a) < jobOf(requests, b) ? -1 : 1))
  const groups: number[][] = []
  for (let from = 0; from < indexes.length; from += TRAIL_ROW) {
    groups.push(indexes.slice(from, from + TRAIL_ROW))
  }
  return groups
}

function jobOf(requests: readonly SettleRequest[], index: number): string {
  return (requests[index] as SettleRequest).attempt.jobId
}

/** The first five values of the queries `exchange` and `complete_keyed`. */
export function completionValues(
  requests: readonly SettleRequest[],
  indexes: readonly number[],
): readonly (string | null)[] {
  let ids = ""
  let attempts = ""
  let tokens = ""
  let prevs = ""
  let results = ""
  let hasResult = false
  for (const index of indexes) {
    const { attempt, settlement } = requests[index] as SettleRequest
    const comma = ids === "" ? "" : ","
    ids += comma + attempt.jobId
    attempts += comma + attempt.attempt
    tokens += comma + attempt.token
    prevs += comma + trailOf(attempt.mark)
    const result = settlement.to === "completed" ? settlement.result : null
    // In a list of its own, so that the result null and no result differ; the text itself is kept as it is.
    results += result === null ? `${comma}null` : `${comma}[${result}]`
    hasResult ||= result !== null
  }
  return [
    `{${ids}}`,
    `{${attempts}}`,
    `{${tokens}}`,
    `{${prevs}}`,
    hasResult ? `[${results}]` : null,
  ]
}

/** Settlements as the function `settle_2` takes them. */
export function settlementsText(
  requests: readonly SettleRequest[],
  indexes: readonly number[] = [...requests.keys()],
): string {
  return JSON.stringify(
    indexes.map((index) => {
      const { attempt, settlement } = requests[index] as SettleRequest
      const error = "error" in settlement && settlement.error !== null ? settlement.error : null
      return {
        ...settlement,
        id: attempt.jobId,
        attempt: attempt.attempt,
        token: attempt.token,
        error: error === null ? null : JSON.stringify(error),
      }
    }),
  )
}

/** Writes settlements that are no plain completions, each under its fence. */
export async function settleOthers(
  { database, marks, lanes }: StoreContext,
  worker: number,
  requests: readonly SettleRequest[],
  indexes: readonly number[],
): Promise<readonly SettleStatus[]> {
  if (indexes.length === 0) return []
  const values = [worker, settlementsText(requests, indexes)]
  const rows = await database.statement("exchange", "settle_others", values)
  // What waits again may have its old place.
  const queues = new Set(indexes.map((index) => (requests[index] as SettleRequest).attempt))
  const back = await lanes.find([...queues].map(({ queue, kind }) => ({ queue, kinds: [kind] })))
  marks.forget(back.flat())
  return rows[0]?.[0] as unknown as readonly SettleStatus[]
}

/** Writes completions of jobs with keys under limits. @returns the places (from 1) of those whose fence held. */
export async function completeKeyed(
  { database }: StoreContext,
  worker: number,
  requests: readonly SettleRequest[],
  indexes: readonly number[],
): Promise<readonly number[]> {
  const values = [...completionValues(requests, indexes), worker]
  const rows = await database.statement("exchange", "complete_keyed", values)
  return rows[0]?.[0] as unknown as readonly number[]
}

/** Says of completions that were held off whether this very attempt wrote them before. */
export async function whyNot(
  { database }: StoreContext,
  worker: number,
  requests: readonly SettleRequest[],
  indexes: readonly number[],
): Promise<readonly SettleStatus[]> {
  const attempts = indexes.map((index) => (requests[index] as SettleRequest).attempt)
  const values = [
    worker,
    attempts.map(({ jobId }) => jobId),
    attempts.map(({ attempt }) => attempt),
    attempts.map(({ token }) => token),
  ]
  const read = { reads: true }
  const rows = await database.statement("exchange", "why_not", values, read)
  return rows.map(([status]) => status as SettleStatus)
}

/**
 * Tells others that attempts ended, after what was claimed in their place: a claim tells nobody anything, and an end is
 * what somebody may wait for. Sooner where it may have left room under a limit; of a place that this process took
 * again, the others would only come to see that it is gone.
 * @param shut lanes in which what ended leaves no room for others.
 */
export function tellSettled(
  { database, limited, lanes }: StoreContext,
  settlements: readonly SettleRequest[],
  shut: ReadonlySet<number>,
): void {
  if (settlements.length === 0) return
  const mayLeaveRoom = ({ attempt: { queue, kind, mark } }: SettleRequest): boolean => {
    if (hasLimitKeys(mark)) return true
    const lane = lanes.idOf(queue, kind)
    return lane === undefined || (limited.includes([lane]) && !shut.has(lane))
  }
  if (!limited.isEmpty && settlements.some(mayLeaveRoom)) tellChange(database)
  else if (settlements.every(({ settlement: { to } }) => FINAL.has(to))) tellEnds(database, "ends")
  else tellEnds(database, "change")
}
