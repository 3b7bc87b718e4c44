import { stateCode } from "../store/index.ts"
import type { ClaimedJob, ExchangeRequest } from "../store/index.ts"
import { endJob } from "./handBack.ts"
import { readLanes } from "./laneQueries.ts"
import { claimLimited } from "./limitedClaim.ts"
import type { LaneQuery } from "./laneQueries.ts"
import { markOf } from "./mark.ts"
import { givenTimeout } from "./newJobRow.ts"
import { promoteDue } from "./promote.ts"
import { keyLostReason, reclaimKey } from "./reclaimKey.ts"
import { startJobs } from "./startJobs.ts"
import type { Row } from "./statements.ts"
import type { WriteTx } from "./writeTx.ts"

const AVAILABLE = stateCode("available")
const RUNNING = stateCode("running")
const DISCARDED = stateCode("discarded")
const CANCELLED = stateCode("cancelled")

// In the order in which `claimedJob` reads them.
const COLUMNS =
  "j.seq, j.id, j.lane, j.attempt, j.trail, j.input, j.priority, j.failures, j.crashes, j.interruptions, " +
  "j.max_attempts, j.max_crashes, j.timeout_ms, j.retry, j.tags, j.metadata, j.enqueued_at, j.run_at, " +
  "j.expires_at, j.unique_states"

// Both served by drover_job_ready. Jobs with keys are in neither: the number of their track is above 1.
const ordinary: LaneQuery = {
  columns: COLUMNS,
  where: "state = 1 and solo = 0",
  order: "rank, seq",
}
const alone: LaneQuery = { columns: COLUMNS, where: "state = 1 and solo = 1", order: "rank, seq" }
// The same with the rank, by which claims under limits merge them with tracks.
const ranked: readonly LaneQuery[] = [ordinary, alone].map((query) => ({
  ...query,
  columns: `${COLUMNS}, j.rank`,
}))

// Jobs that turn out to be expired are not claimed; so many are ended by one claim at most.
const MOST_SKIPPED = 1_000

/** What a claim brought. */
export interface Claims {
  readonly claimed: ClaimedJob[]
  /** Queues in which jobs wait that only limits hold back. */
  readonly heldBack: string[]
}

/** Claims what the request asks for. The worker's lease was checked. */
export function claimJobs(
  tx: WriteTx,
  request: ExchangeRequest,
  held: readonly ClaimedJob[],
): Claims {
  const claims: Claims = { claimed: [], heldBack: [] }
  const { claimed } = claims
  const soloLanes: number[] = []
  for (const { queue, kinds, limit, ahead = 0 } of request.claims) {
    const left = limit + ahead - held.filter((job) => job.queue === queue).length
    if (left <= 0 || tx.queue(queue).paused) continue
    const lanes = tx.lanes.ids(tx.statements, queue, kinds)
    promoteDue(tx, lanes)
    if (request.solo && held.length + claimed.length > 0) continue
    // Asked only now: what came due just now may be the first with keys.
    if (!tx.limits.isEmpty && isUnderLimits(tx, queue, lanes)) {
      const starts = request.solo ? 1 : left - ahead
      if (starts > 0) takeLimited(tx, { queue, lanes, limit: starts }, request, claims)
    } else if (request.solo) soloLanes.push(...lanes)
    else take(tx, ordinary, lanes, left, request, claimed)
  }
  // One at a time: it shares its process with nothing else.
  if (request.solo && held.length + claimed.length === 0) {
    take(tx, alone, soloLanes, 1, request, claimed)
  }
  return claims
}

/** Whether anything but rank decides what of these lanes may start. */
function isUnderLimits(
  { limits, lanes, statements }: WriteTx,
  queue: string,
  ids: readonly number[],
): boolean {
  if (limits.wide("queue", queue).length > 0 || limits.fair("queue", queue) !== undefined)
    return true
  return ids.some((id) => {
    const { kind } = lanes.byId(statements, id)
    return limits.isKeyed(id) || limits.wide("kind", kind).length > 0
  })
}

function takeLimited(
  tx: WriteTx,
  ask: { readonly queue: string; readonly lanes: readonly number[]; readonly limit: number },
  request: ExchangeRequest,
  { claimed, heldBack }: Claims,
): void {
  const isAlone = request.solo ? 1 : 0
  const { heldBack: isHeldBack } = claimLimited(tx, {
    ...ask,
    alone: isAlone,
    ordinary: ranked[isAlone] as LaneQuery,
    mayStart: (row) => mayStart(tx, row),
    start: (rows, hasLimitKeys) => start(tx, rows, request, claimed, hasLimitKeys),
  })
  if (isHeldBack) heldBack.push(ask.queue)
}

function take(
  tx: WriteTx,
  query: LaneQuery,
  lanes: readonly number[],
  limit: number,
  request: ExchangeRequest,
  claimed: ClaimedJob[],
): void {
  let left = limit
  for (let skipped = 0; left > 0 && skipped < MOST_SKIPPED;) {
    const rows = readLanes(tx.statements, query, lanes, [], left)
    const fit = rows.filter((row) => mayStart(tx, row))
    start(tx, fit, request, claimed)
    if (fit.length === rows.length) return
    left -= fit.length
    skipped += rows.length - fit.length
  }
}

function start(
  tx: WriteTx,
  rows: readonly Row[],
  { worker, token }: ExchangeRequest,
  claimed: ClaimedJob[],
  hasLimitKeys?: readonly boolean[],
): void {
  const seqs = rows.map((row) => row[0] as number)
  const trails = startJobs(tx, seqs, worker.ref as number, token)
  for (const [index, row] of rows.entries()) {
    const attempt = (row[3] as number) + 1
    const mark = markOf(trails[index] as number, row[19] !== null, hasLimitKeys?.[index] === true)
    claimed.push(claimedJob(tx, row, attempt, token, mark, tx.now))
  }
}

/** Ends a job that must not start any more. */
function mayStart(tx: WriteTx, row: Row): boolean {
  const expiresAt = row[18] as number | null
  const uniqueStates = row[19] as number | null
  // A job that was started once was started in time.
  if (expiresAt !== null && row[3] === 0 && expiresAt <= tx.now) {
    endWaiting(tx, row, DISCARDED, "expired")
    return false
  }
  if (uniqueStates !== null && !keepsKey(tx, row[0] as number, uniqueStates)) {
    endWaiting(tx, row, CANCELLED, keyLostReason)
    return false
  }
  return true
}

// A key that is held while running but not while waiting is taken now.
function keepsKey(tx: WriteTx, seq: number, states: number): boolean {
  if ((states & (1 << RUNNING)) === 0 || (states & (1 << AVAILABLE)) !== 0) return true
  const row = tx.statements.first("unique_key_of_job", seq)
  if (row === undefined) return true
  const [hash, until] = row as [Uint8Array | null, number | null]
  return reclaimKey(tx, { job: seq, hash, states, until }, RUNNING)
}

function endWaiting(tx: WriteTx, row: Row, to: number, reason: string): void {
  const [seq, jobId, lane, attempt, prev] = row as unknown as [
    ...[number, string, number, number, number],
  ]
  const trail = tx.addTrail({ job: seq, prev, from: AVAILABLE, to, attempt, reason })
  const [crashes, interruptions] = [row[8] as number, row[9] as number]
  endJob(tx, { seq, from: AVAILABLE, to, crashes, interruptions, reason, trail })
  tx.noteEnded({ jobId, reason }, lane, to)
}

/** Makes of a row what its attempt needs. */
function claimedJob(
  tx: WriteTx,
  row: Row,
  attempt: number,
  token: number,
  mark: number,
  startedAt: number,
): ClaimedJob {
  const { kind, queue } = tx.lanes.byId(tx.statements, row[2] as number)
  const seq = row[0] as number
  return {
    jobId: row[1] as string,
    ref: seq,
    attempt,
    token,
    kind,
    queue,
    priority: row[6] as number,
    failures: row[7] as number,
    crashes: row[8] as number,
    interruptions: row[9] as number,
    maxAttempts: row[10] as number,
    maxCrashes: row[11] as number,
    timeoutMs: givenTimeout(row[12] as number | null),
    retry: row[13] as string | null,
    input: (row[5] as string | null) ?? bigInput(tx, seq),
    tags: row[14] as string | null,
    metadata: row[15] as string | null,
    enqueuedAt: row[16] as number,
    runAt: row[17] as number,
    startedAt,
    mark,
  }
}

function bigInput(tx: WriteTx, seq: number): string {
  return (tx.statements.first("read_input", seq)?.[0] as string | undefined) ?? "null"
}

const heldText = `select ${COLUMNS}, j.started_at, j.keys is not null from drover_job j where worker = ? and state = 2 and token = ? order by rank, seq`

/** What the worker holds under the token: claimed by a commit whose reply was lost. Served by drover_job_running. */
export function heldJobs(tx: WriteTx, request: ExchangeRequest): ClaimedJob[] {
  const { worker, token } = request
  const rows = tx.statements.made(heldText).all(worker.ref, token) as unknown as readonly Row[]
  return rows.map((row) => {
    const mark = markOf(row[4] as number, row[19] !== null, row[21] === 1)
    return claimedJob(tx, row, row[3] as number, token, mark, row[20] as number)
  })
}
