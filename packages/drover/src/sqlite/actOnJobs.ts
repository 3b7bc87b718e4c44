import { assert, unreachable } from "../errors/index.ts"
import {
  finalStates,
  isFinal,
  isWaiting,
  jobStates,
  stateCode,
  waitingStates,
} from "../store/index.ts"
import type { ActionReply, JobAction, JobSelection, JobState } from "../store/index.ts"
import type { StoreContext } from "./context.ts"
import { deleteJob } from "./deleteJob.ts"
import { endJob } from "./handBack.ts"
import { rankOf } from "./queues.ts"
import { reclaimKey } from "./reclaimKey.ts"
import { filterOf, matchesAmong, selectSeqs } from "./selectJobs.ts"
import { standingOf } from "./tracks.ts"
import type { WriteTx } from "./writeTx.ts"

// So many jobs at once hold up the event loop for some milliseconds.
const BATCH = 500
const AVAILABLE = stateCode("available")

// Whoever names neither jobs nor states means those that the action can reach.
const REACHABLE: Readonly<Record<JobAction, readonly JobState[]>> = {
  cancel: [...waitingStates, "running"],
  retry: [...waitingStates, ...finalStates],
  discard: waitingStates,
  delete: [...waitingStates, ...finalStates],
}

interface ActedJob {
  readonly seq: number
  readonly id: string
  readonly state: JobState
  readonly attempt: number
  readonly trail: number
  readonly lane: number
  readonly priority: number
  readonly failures: number
  readonly crashes: number
  readonly interruptions: number
  readonly maxAttempts: number
  readonly maxCrashes: number
  readonly bytes: number
  readonly hash: Uint8Array | null
  readonly states: number | null
  readonly until: number | null
  readonly keys: string | null
}

interface ActOptions {
  readonly actor: string
  readonly reason: string
  readonly limit: number
}

type Outcome = "changed" | "requested" | "refused"

/**
 * Does to jobs what a person asks for, oldest first, in transactions of at most 500 jobs. Each job is looked
 * at again under the write lock: one that no longer matches the selection is left alone.
 */
export async function act(
  context: StoreContext,
  action: JobAction,
  selection: JobSelection,
  options: ActOptions,
): Promise<ActionReply> {
  const isOpen = selection.ids === undefined && selection.states === undefined
  const meant = isOpen ? { ...selection, states: REACHABLE[action] } : selection
  const walk = { order: "oldest", after: null, limit: options.limit } as const
  const { seqs } = await selectSeqs(context, "act", meant, walk)
  const reply = { changed: [] as string[], requested: [] as string[], refused: [] as string[] }
  for (let at = 0; at < seqs.length; at += BATCH) {
    const batch = JSON.stringify(seqs.slice(at, at + BATCH))
    const body = (tx: WriteTx): [string, Outcome][] => {
      const filter = filterOf(tx, meant)
      if (filter === undefined) return []
      const still = matchesAmong(tx, filter, batch, { ...walk, limit: BATCH })
      return still.map((seq) => actOne(tx, action, seq, options))
    }
    for (const [id, outcome] of await context.write("act", body, BATCH)) reply[outcome].push(id)
  }
  return reply
}

function actOne(
  tx: WriteTx,
  action: JobAction,
  seq: number,
  options: ActOptions,
): [string, Outcome] {
  const job = readJob(tx, seq)
  switch (action) {
    case "cancel":
      return [job.id, cancel(tx, job, options)]
    case "retry":
      return [job.id, retry(tx, job, options)]
    case "discard":
      return [job.id, isWaiting(job.state) ? end(tx, job, "discarded", options) : "refused"]
    case "delete":
      if (job.state === "running") return [job.id, "refused"]
      deleteJob(tx, job)
      return [job.id, "changed"]
    default:
      return unreachable(action, "action")
  }
}

function readJob(tx: WriteTx, seq: number): ActedJob {
  const row = tx.statements.first("acted_job", seq)
  assert(row !== undefined, "a job that matched under the write lock is there")
  const [id, state, attempt, trail, lane, priority, failures, crashes, interruptions] = row
  const [maxAttempts, maxCrashes, bytes, hash, states, until, keys] = row.slice(9)
  return {
    seq,
    id,
    state: jobStates[state as number],
    attempt,
    trail,
    lane,
    priority,
    failures,
    crashes,
    interruptions,
    maxAttempts,
    maxCrashes,
    bytes,
    hash,
    states,
    until,
    keys,
  } as ActedJob
}

function cancel(tx: WriteTx, job: ActedJob, options: ActOptions): Outcome {
  if (isWaiting(job.state)) return end(tx, job, "cancelled", options)
  if (job.state !== "running") return "refused"
  const { reason, actor } = options
  if (tx.statements.run("request_cancel", tx.now, reason, actor, job.seq) > 0) tx.persistTime()
  return "requested"
}

function end(
  tx: WriteTx,
  job: ActedJob,
  state: "cancelled" | "discarded",
  options: ActOptions,
): Outcome {
  const { seq, crashes, interruptions } = job
  const from = stateCode(job.state)
  const to = stateCode(state)
  const trail = addTrail(tx, job, to, options)
  endJob(tx, { seq, from, to, crashes, interruptions, reason: options.reason, trail })
  return "changed"
}

function retry(tx: WriteTx, job: ActedJob, options: ActOptions): Outcome {
  if (job.state === "running") return "refused"
  const { seq, priority, failures, crashes } = job
  const key = { job: seq, hash: job.hash, states: job.states, until: job.until }
  // Another job took its place in the meantime; both at once is what the key forbids.
  if (!reclaimKey(tx, key, AVAILABLE)) return "refused"
  const { queue } = tx.lanes.byId(tx.statements, job.lane)
  const trail = addTrail(tx, job, AVAILABLE, options)
  const rank = rankOf(priority, tx.now, tx.queue(queue).agingMs)
  const maxAttempts = Math.max(job.maxAttempts, failures + 1)
  const maxCrashes = Math.max(job.maxCrashes, crashes + 1)
  const from = stateCode(job.state)
  const solo = standingOf(tx, { ...job, rank })
  tx.statements.run("revive_job", rank, tx.now, maxAttempts, maxCrashes, solo, trail, seq, from)
  if (isFinal(job.state)) tx.addFinishedBytes(-job.bytes)
  return "changed"
}

function addTrail(tx: WriteTx, job: ActedJob, to: number, { actor, reason }: ActOptions): number {
  return tx.addTrail({
    job: job.seq,
    prev: job.trail,
    from: stateCode(job.state),
    to,
    attempt: job.attempt,
    actor,
    reason,
  })
}
