import { assert } from "../errors/index.ts"
import type { ClaimedJob, ExchangeRequest } from "../store/index.ts"
import { claimedJob, laneOf } from "./claimedRows.ts"
import type { StoreContext } from "./context.ts"
import type { Row } from "./values.ts"

// Where rows of held_jobs say whether a job has keys; those of the usual claim have none.
const KEYED = 20

/** What a worker's row says of its lease. */
export type Lease = "lost" | "valid" | "ended"
/** By the number that queries give. */
export const leases: readonly Lease[] = ["lost", "valid", "ended"]

/** What one run of the query `exchange` said. */
export interface Reply {
  readonly lease: Lease
  /** Limits or keys decide what may start: nothing was claimed. */
  readonly isLimited: boolean
  /** A job of the lanes is due and has to be promoted first: nothing was claimed. */
  readonly isDue: boolean
  readonly agingMs: number | null
  readonly claimed: readonly ClaimedJob[]
  /** Jobs that must be looked at one by one. */
  readonly careful: readonly string[]
  /** Positions of the completions that were written, from 1; `null` for all. */
  readonly written: readonly number[] | null
}

/** Reads the rows of the query `exchange`. */
export async function readReply(
  context: StoreContext,
  { token }: ExchangeRequest,
  rows: readonly Row[],
): Promise<Reply> {
  const head = rows[0]?.[0]
  assert(typeof head === "string", "an exchange always answers")
  const [lease, isDue, now, aging, careful, written, isLimited] = head.split("/") as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ]
  const isEmpty = rows[0]?.[1] === null
  const claimed = isEmpty ? [] : await claimedJobs(context, rows, 1, token, Number(now))
  return {
    lease: leases[Number(lease)] as Lease,
    isDue: isDue === "1",
    isLimited: isLimited === "1",
    agingMs: aging === "" ? null : Number(aging),
    claimed,
    careful: careful === "" ? [] : careful.split(","),
    written: written === "*" ? null : written === "" ? [] : written.split(",").map(Number),
  }
}

/** Jobs of rows in which the job's id is at `from`. */
export async function claimedJobs(
  { lanes }: StoreContext,
  rows: readonly Row[],
  from: number,
  token: number,
  startedAt: number,
): Promise<ClaimedJob[]> {
  const known = await lanes.byId(rows.map((row) => laneOf(row, from)))
  return rows.map((row) => {
    const lane = known.get(laneOf(row, from))
    assert(lane !== undefined, "the lane of a job is there")
    return claimedJob(row, from, {
      lane,
      token,
      startedAt,
      hasLimitKeys: row[from + KEYED] === true,
    })
  })
}
