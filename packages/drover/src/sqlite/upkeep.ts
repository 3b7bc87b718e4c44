import { jobStates, stateCode } from "../store/index.ts"
import type {
  ExpiredJob,
  Fenced,
  JobState,
  PruneReply,
  Retention,
  TermRef,
} from "../store/index.ts"
import type { StoreContext } from "./context.ts"
import { deleteJob } from "./deleteJob.ts"
import { endJob } from "./handBack.ts"
import type { Row } from "./statements.ts"
import { fenced } from "./terms.ts"
import type { ReadTx, WriteTx } from "./writeTx.ts"

const DISCARDED = stateCode("discarded")

/** Discards waiting jobs whose expiry has passed. See `Store.expire`. */
export function expire(
  context: StoreContext,
  { term, limit }: { readonly term: TermRef; readonly limit: number },
): Promise<Fenced<readonly ExpiredJob[]>> {
  const find = (tx: ReadTx): readonly Row[] => tx.statements.all("expired_jobs", tx.now, limit)
  return fenced<readonly ExpiredJob[]>(context, "expire", term, {
    // Nearly always there is nothing, and a write transaction would cost every process a look.
    look: (tx) => (find(tx).length === 0 ? [] : "write"),
    write: (tx) => find(tx).map((row) => expireOne(tx, row)),
    rows: limit,
  })
}

function expireOne(tx: WriteTx, row: Row): ExpiredJob {
  const [seq, id, lane, from, attempt, prev, crashes, interruptions] = row as [
    ...[number, string, number, number, number, number, number, number],
  ]
  const reason = "expired"
  const trail = tx.addTrail({
    job: seq,
    prev,
    from,
    to: DISCARDED,
    attempt,
    actor: "sweep",
    reason,
  })
  endJob(tx, { seq, from, to: DISCARDED, crashes, interruptions, reason, trail })
  const { kind, queue } = tx.lanes.byId(tx.statements, lane)
  return { jobId: id, kind, queue }
}

/**
 * Deletes finished jobs that are older than their state may get, and the oldest ones beyond the bytes, with
 * all their traces. `false` keeps for ever.
 */
export function prune(
  context: StoreContext,
  request: { readonly term: TermRef; readonly retention: Retention; readonly limit: number },
): Promise<Fenced<PruneReply>> {
  const { term, retention, limit } = request
  return fenced<PruneReply>(context, "prune", term, {
    look: (tx) => {
      const finishedBytes = (tx.statements.first("read_pulse")?.[4] as number | undefined) ?? 0
      const isIdle = overdue(tx, retention, finishedBytes, 1).length === 0
      return isIdle ? { jobs: 0, more: false } : "write"
    },
    write: (tx) => {
      const seqs = overdue(tx, retention, tx.finishedBytes, limit)
      for (const seq of seqs) deleteFinished(tx, seq)
      const more = overdue(tx, retention, tx.finishedBytes, 1).length > 0
      return { jobs: seqs.length, more }
    },
    rows: limit,
  })
}

/** The jobs to delete now, at most `limit`. */
function overdue(
  tx: ReadTx,
  retention: Retention,
  finishedBytes: number,
  limit: number,
): readonly number[] {
  const ages = [
    ["completed", retention.completedMs],
    ["discarded", retention.discardedMs],
    ["cancelled", retention.cancelledMs],
  ] as const
  const found: number[] = []
  for (const [state, ageMs] of ages) {
    if (ageMs === false) continue
    const left = limit - found.length
    const rows = tx.statements.all("ended_by_age", stateCode(state), tx.now - ageMs, left)
    for (const [seq] of rows) found.push(seq as number)
  }
  if (retention.bytes === false || found.length > 0) return found
  return beyondBytes(tx, finishedBytes - retention.bytes, limit)
}

/** The oldest finished jobs of any state that make up so many bytes. */
function beyondBytes(tx: ReadTx, excess: number, limit: number): readonly number[] {
  if (excess <= 0) return []
  const oldest = (["completed", "discarded", "cancelled"] as const)
    .flatMap((state) => tx.statements.all("oldest_ended", stateCode(state), limit))
    .toSorted((a, b) => (a[1] as number) - (b[1] as number))
  const found: number[] = []
  let bytes = 0
  for (const [seq, , size] of oldest) {
    if (bytes >= excess || found.length === limit) break
    found.push(seq as number)
    bytes += size as number
  }
  return found
}

function deleteFinished(tx: WriteTx, seq: number): void {
  const row = tx.statements.first("pruned_job", seq)
  if (row === undefined) return
  const [state, bytes, hash] = row as [number, number, Uint8Array | null]
  deleteJob(tx, { seq, state: jobStates[state] as JobState, bytes, hash })
}
