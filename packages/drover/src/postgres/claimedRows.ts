import type { ClaimedJob } from "../store/index.ts"
import { markOf } from "./mark.ts"
import type { Lane } from "./lanes.ts"
import type { Row } from "./values.ts"

/** A row of the queries `exchange` and `held_jobs`, from the job's id on. */
type ClaimedRow = readonly [
  id: string,
  lane: number,
  attempt: number,
  trail: number,
  priority: number,
  failures: number,
  crashes: number,
  interruptions: number,
  maxAttempts: number,
  maxCrashes: number,
  timeoutMs: number | null,
  retry: string | null,
  input: string,
  tags: string | null,
  metadata: string | null,
  enqueuedAt: number,
  runAt: number,
  uniqueStates: number | null,
]

/** The lane of a row. */
export function laneOf(row: Row, from: number): number {
  return row[from + 1] as number
}

/** Makes of a row what its attempt needs. @param from index of the job's id. */
export function claimedJob(
  row: Row,
  from: number,
  {
    lane,
    token,
    startedAt,
    hasLimitKeys = false,
  }: {
    readonly lane: Lane
    readonly token: number
    readonly startedAt: number
    readonly hasLimitKeys?: boolean
  },
): ClaimedJob {
  const [
    id,
    ,
    attempt,
    trail,
    priority,
    failures,
    crashes,
    interruptions,
    maxAttempts,
    maxCrashes,
    timeoutMs,
    retry,
    input,
    tags,
    metadata,
    enqueuedAt,
    runAt,
    uniqueStates,
  ] = (from === 0 ? row : row.slice(from)) as unknown as ClaimedRow
  return {
    jobId: id,
    ref: id,
    attempt,
    token,
    kind: lane.kind,
    queue: lane.queue,
    priority,
    failures,
    crashes,
    interruptions,
    maxAttempts,
    maxCrashes,
    timeoutMs: timeoutMs === 0 ? false : timeoutMs,
    retry,
    input,
    tags,
    metadata,
    enqueuedAt,
    runAt,
    startedAt,
    mark: markOf(trail, uniqueStates, hasLimitKeys),
  }
}
