import { assert } from "../errors/index.ts"
import { stateCode } from "../store/index.ts"
import type {
  ClaimedJob,
  SettleRequest,
  SettleStatus,
  Settlement,
  StoredError,
} from "../store/index.ts"
import { completeJobs, MOST_COMPLETIONS } from "./completeJobs.ts"
import type { Completion } from "./completeJobs.ts"
import { hasKey, hasLimitKeys } from "./mark.ts"
import { rankOf } from "./queues.ts"
import { keyLostReason, reclaimKey } from "./reclaimKey.ts"
import { aloneOf, freeKeys, standingOf } from "./tracks.ts"
import type { WriteTx } from "./writeTx.ts"

const SCHEDULED = stateCode("scheduled")
const AVAILABLE = stateCode("available")
const RUNNING = stateCode("running")
const RETRYABLE = stateCode("retryable")
const COMPLETED = stateCode("completed")
const DISCARDED = stateCode("discarded")
const CANCELLED = stateCode("cancelled")

// What a row takes beside its payloads, roughly.
const ROW_BYTES = 256

// An attempt's own entry is a few steps from the newest; a job with more than this has other problems.
const MOST_TRAIL_STEPS = 1_000

/** A running job, read under its fence. */
interface RunningJob {
  readonly seq: number
  readonly lane: number
  readonly trail: number
  readonly attempt: number
  readonly priority: number
  readonly failures: number
  readonly crashes: number
  readonly interruptions: number
  readonly maxCrashes: number
  readonly cancelAt: number | null
  readonly cancelReason: string | null
  readonly hash: Uint8Array | null
  readonly states: number | null
  readonly until: number | null
  readonly rank: number
  readonly keys: string | null
}

/** Writes the outcome of each attempt that still holds its job. @returns one status for each, in order. */
export function settle(
  tx: WriteTx,
  worker: number,
  requests: readonly SettleRequest[],
): SettleStatus[] {
  const statuses: SettleStatus[] = []
  for (let at = 0; at < requests.length;) {
    const completions = completionsFrom(requests, at)
    if (completions.length > 0) {
      const held = completeJobs(tx, worker, completions)
      for (const [index, { attempt }] of completions.entries()) {
        statuses.push(held[index] === true ? "settled" : whyNot(tx, worker, attempt))
      }
      at += completions.length
      continue
    }
    const request = requests[at]
    assert(request !== undefined, "the index is inside of the batch")
    const job = readRunning(tx, request.attempt)
    const status = job && settleOne(tx, worker, job, request)
    statuses.push(status ?? whyNot(tx, worker, request.attempt))
    at += 1
  }
  for (const [index, { attempt }] of requests.entries()) {
    if (hasLimitKeys(attempt.mark)) freeKeysOf(tx, attempt, statuses[index] as SettleStatus)
  }
  return statuses
}

function freeKeysOf(tx: WriteTx, { ref }: ClaimedJob, status: SettleStatus): void {
  if (status === "fenced" || status === "repeated") return
  const keys = tx.statements.first("keys_of_job", ref)?.[0]
  if (typeof keys === "string") freeKeys(tx, keys)
}

/** The plain completions from here on, as many as are written together. Keys are seen to one by one. */
function completionsFrom(requests: readonly SettleRequest[], from: number): Completion[] {
  const completions: Completion[] = []
  for (let at = from; at < requests.length && completions.length < MOST_COMPLETIONS; at++) {
    const { attempt, settlement } = requests[at] as SettleRequest
    if (settlement.to !== "completed" || hasKey(attempt.mark)) break
    const { result } = settlement
    completions.push({ attempt, result, bytes: sizeOf(attempt) + (result?.length ?? 0) })
  }
  return completions
}

function settleOne(
  tx: WriteTx,
  worker: number,
  job: RunningJob,
  request: SettleRequest,
): SettleStatus {
  const { attempt, settlement } = request
  if (settlement.to !== "completed") return settleOther(tx, worker, job, request)
  const { result } = settlement
  const bytes = sizeOf(attempt) + (result?.length ?? 0)
  const [held] = completeJobs(tx, worker, [{ attempt, result, bytes }])
  assert(held, "a job that was read under its fence is still held")
  takeFreeKey(tx, job, COMPLETED)
  return "settled"
}

function settleOther(
  tx: WriteTx,
  worker: number,
  job: RunningJob,
  { attempt, settlement }: SettleRequest,
): SettleStatus {
  const counted = count(job, settlement)
  const size = sizeOf(attempt)
  const end = (to: number, reason: string | null): void =>
    endAttempt(tx, { worker, job: counted, to, reason, size, error: errorOf(settlement) })
  if (settlement.to === "discarded" || settlement.to === "cancelled") {
    end(settlement.to === "discarded" ? DISCARDED : CANCELLED, settlement.reason)
    return "settled"
  }
  if (job.cancelAt !== null) {
    end(CANCELLED, job.cancelReason ?? "cancelled")
    return "cancelled"
  }
  if (settlement.to === "crashed" && counted.crashes >= job.maxCrashes) {
    end(DISCARDED, settlement.reason)
    return "discarded"
  }
  const { to, delayMs } = destination(settlement)
  if (!reclaimKey(tx, { ...job, job: job.seq }, to)) {
    end(CANCELLED, keyLostReason)
    return "cancelled"
  }
  returnAttempt(tx, { worker, job: counted, to, delayMs, settlement })
  return "settled"
}

// What the settlement adds to the three counters, whatever becomes of the job.
function count(job: RunningJob, settlement: Settlement): RunningJob {
  const { to } = settlement
  const failed = to === "retryable" || (to === "discarded" && settlement.failed)
  const crashed = to === "crashed"
  return {
    ...job,
    failures: job.failures + (failed ? 1 : 0),
    crashes: job.crashes + (crashed ? 1 : 0),
    interruptions: job.interruptions + (to === "interrupted" ? 1 : 0),
  }
}

/** Where a job waits next. A delay of `null` keeps its due time and its place. */
function destination(settlement: Settlement): {
  readonly to: number
  readonly delayMs: number | null
} {
  switch (settlement.to) {
    case "retryable":
      return { to: RETRYABLE, delayMs: settlement.delayMs }
    case "snoozed":
      return { to: settlement.delayMs > 0 ? SCHEDULED : AVAILABLE, delayMs: settlement.delayMs }
    default:
      return { to: AVAILABLE, delayMs: null }
  }
}

function endAttempt(
  tx: WriteTx,
  end: {
    readonly worker: number
    readonly job: RunningJob
    readonly to: number
    readonly reason: string | null
    readonly error: string | null
    readonly size: number
  },
): void {
  const { worker, job, to, reason, error } = end
  const { seq, attempt, failures, crashes, interruptions } = job
  const bytes = end.size + (error?.length ?? 0)
  const move = { job: seq, prev: job.trail, from: RUNNING, to, attempt, worker }
  const trail = tx.addTrail({ ...move, reason, error })
  tx.statements.run(
    "end_attempt",
    ...[to, tx.now, failures, crashes, interruptions, reason, error, trail, bytes, seq],
  )
  tx.addFinishedBytes(bytes)
  takeFreeKey(tx, job, to)
}

function returnAttempt(
  tx: WriteTx,
  back: {
    readonly worker: number
    readonly job: RunningJob
    readonly to: number
    readonly delayMs: number | null
    readonly settlement: Settlement
  },
): void {
  const { worker, job, to, delayMs, settlement } = back
  const { seq, lane, attempt, failures, crashes, interruptions, keys } = job
  const error = errorOf(settlement)
  const reason = "reason" in settlement ? settlement.reason : null
  const move = { job: seq, prev: job.trail, from: RUNNING, to, attempt, worker }
  const trail = tx.addTrail({ ...move, reason, error })
  const { queue } = tx.lanes.byId(tx.statements, job.lane)
  const runAt = delayMs === null ? null : tx.now + delayMs
  const rank = runAt === null ? null : rankOf(job.priority, runAt, tx.queue(queue).agingMs)
  const solo =
    to === AVAILABLE
      ? standingOf(tx, { seq, lane, rank: rank ?? job.rank, crashes, keys })
      : aloneOf(crashes)
  tx.statements.run(
    "return_attempt",
    ...[to, runAt, rank, failures, crashes, interruptions, solo, reason, error, trail, seq],
  )
}

// A key may be held by finished jobs too; one that cannot be had does not change what happened.
function takeFreeKey(
  tx: WriteTx,
  job: Pick<RunningJob, "seq" | "hash" | "states" | "until">,
  state: number,
): void {
  if (job.hash !== null) reclaimKey(tx, { ...job, job: job.seq }, state)
}

function readRunning(tx: WriteTx, attempt: ClaimedJob): RunningJob | undefined {
  const row = tx.statements.first("settled_job", attempt.ref)
  if (row === undefined) return undefined
  const [id, lane, state, number, token, trail, priority, failures, crashes] = row
  const isHeld = state === RUNNING && number === attempt.attempt && token === attempt.token
  if (!isHeld || id !== attempt.jobId) return undefined
  const [interruptions, maxCrashes, , cancelAt, cancelReason, ...rest] = row.slice(9)
  const [hash, states, until, rank, keys] = rest
  const counters = { failures, crashes, interruptions, maxCrashes }
  return {
    ...{ seq: attempt.ref, lane, trail, attempt: number, priority, ...counters },
    ...{ cancelAt, cancelReason, hash, states, until, rank, keys },
  } as RunningJob
}

/** A settlement that the fence held off: written before by this very attempt, or superseded. */
function whyNot(tx: WriteTx, worker: number, attempt: ClaimedJob): SettleStatus {
  const row = tx.statements.first("settled_job", attempt.ref)
  if (row === undefined || row[0] !== attempt.jobId) return "fenced"
  const [, , state, number, token, newest] = row
  if (number === attempt.attempt && token === attempt.token) {
    return state === RUNNING ? "fenced" : "repeated"
  }
  // The job went on since. Its trail still knows who ended this attempt.
  let seq = newest as number | null
  for (let step = 0; seq !== null && step < MOST_TRAIL_STEPS; step++) {
    const entry = tx.statements.first("trail_step", seq)
    if (entry === undefined) return "fenced"
    const [prev, from, entryAttempt, entryWorker, actor] = entry
    if (from === RUNNING && entryAttempt === attempt.attempt) {
      return entryWorker === worker && actor === null ? "repeated" : "fenced"
    }
    seq = prev as number | null
  }
  return "fenced"
}

function sizeOf(attempt: ClaimedJob): number {
  return ROW_BYTES + attempt.input.length + (attempt.metadata?.length ?? 0)
}

function errorOf(settlement: Settlement): string | null {
  const error: StoredError | null = "error" in settlement ? settlement.error : null
  return error === null ? null : JSON.stringify(error)
}
