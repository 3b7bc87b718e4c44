import { assert } from "../errors/index.ts"
import { jobStates } from "../store/index.ts"
import type {
  ClaimedJob,
  EnqueueOutcome,
  ExchangeReply,
  ExchangeRequest,
  JobState,
  NewJob,
} from "../store/index.ts"
import { tellChange } from "./changeSignal.ts"
import type { Connection } from "./connection.ts"
import type { StoreContext } from "./context.ts"
import { enqueue } from "./enqueue.ts"
import { exchange } from "./exchange.ts"
import { markOf } from "./mark.ts"
import { storedTags, storedTimeout } from "./newJobText.ts"
import { sqlState } from "./postgresErrors.ts"
import type { BoundValue, Row } from "./values.ts"
import { isPlain } from "./variousJobs.ts"

const UNIQUE_VIOLATION = "23505"
const RUNNING = 2

/** What became of the new jobs of an exchange. */
interface Enqueued {
  readonly outcomes: readonly EnqueueOutcome[]
  /** The job that the same commit started; `undefined` when they wait for a claim. */
  readonly started: ClaimedJob | undefined
}

/**
 * Writes the new jobs of an exchange, then does the rest of it. See `Store.exchange`. One plain job that is due, in a
 * queue where nothing waits, is written as running: one commit instead of two, one version of its row instead of two, and
 * nobody else has to be told. All others are enqueued as usual.
 */
export async function exchangeWithJobs(
  context: StoreContext,
  request: ExchangeRequest,
): Promise<ExchangeReply> {
  const { enqueues } = request
  if (enqueues === undefined) return exchange(context, request)
  const written = await startAtOnce(context, request, enqueues)
  if (written?.started !== undefined) {
    context.claims.opened([written.started])
    const { outcomes, started } = written
    // It looked for all that was asked for, and nothing else waits.
    return { settled: [], enqueued: outcomes, claimed: [started], workerLost: false, ended: [] }
  }
  const enqueued = written?.outcomes ?? (await enqueue(context, enqueues))
  tellChange(context.database)
  return { ...(await exchange(context, request)), enqueued }
}

async function startAtOnce(
  context: StoreContext,
  request: ExchangeRequest,
  jobs: readonly NewJob[],
): Promise<Enqueued | undefined> {
  const [job] = jobs
  const [claim] = request.claims
  if (job === undefined || claim === undefined || jobs.length > 1 || request.claims.length > 1)
    return undefined
  if (request.repeat || request.solo || request.settlements.length > 0) return undefined
  if (claim.queue !== job.queue || claim.limit === 0) return undefined
  if (!isPlain(job) || job.runAt !== null || job.delayMs > 0) return undefined
  const lane = await context.lanes.make(job.queue, job.kind)
  const [lanes] = await context.lanes.find([claim])
  if (lanes?.includes(lane) !== true || context.limited.includes(lanes)) return undefined
  return start(context, request, job, lane, lanes)
}

async function start(
  { database, marks }: StoreContext,
  { worker, token }: ExchangeRequest,
  job: NewJob,
  lane: number,
  lanes: readonly number[],
): Promise<Enqueued | undefined> {
  const bands = marks.bands(lanes)
  const sentMono = database.clock.monotonic()
  const values = [
    ...[job.id, job.input, lane, job.priority, job.queue, job.expireMs],
    ...[storedTimeout(job.timeoutMs), job.maxAttempts, job.maxCrashes, storedTags(job.tags)],
    ...[job.metadata, job.retry, worker.ref, worker.token, token],
    ...[bands.lanes, bands.lows, bands.highs],
  ]
  const row = await database.plain("exchange", (db) => startUnlessThere(db, values))
  if (row === undefined) return undefined
  const [code, trail, now] = row as unknown as readonly [number, number, number]
  const state = jobStates[code] as JobState
  const outcomes = [{ id: job.id, status: "enqueued", state }] as const
  if (code !== RUNNING) return { outcomes, started: undefined }
  // It looked everywhere and found nothing.
  if (!bands.isBounded) marks.looked(sentMono)
  return { outcomes, started: startedJob(job, token, trail, now) }
}

/** `undefined` when the id is there already: the usual way says whose it is. */
async function startUnlessThere(
  db: Connection,
  values: readonly BoundValue[],
): Promise<Row | undefined> {
  try {
    return (await db.query("start_job", values))[0]
  } catch (error) {
    if (sqlState(error) === UNIQUE_VIOLATION) return undefined
    throw error
  }
}

/** What a claim would have brought of a job that never waited. */
function startedJob(job: NewJob, token: number, trail: number, now: number): ClaimedJob {
  assert(job.unique === null, "a job with a key does not start with its enqueue")
  return {
    jobId: job.id,
    ref: job.id,
    attempt: 1,
    token,
    kind: job.kind,
    queue: job.queue,
    priority: job.priority,
    failures: 0,
    crashes: 0,
    interruptions: 0,
    maxAttempts: job.maxAttempts,
    maxCrashes: job.maxCrashes,
    timeoutMs: job.timeoutMs,
    retry: job.retry,
    input: job.input,
    tags: storedTags(job.tags),
    metadata: job.metadata,
    enqueuedAt: now,
    runAt: now,
    startedAt: now,
    mark: markOf(trail, null, false),
  }
}
