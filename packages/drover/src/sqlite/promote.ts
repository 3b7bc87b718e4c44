import { stateCode } from "../store/index.ts"
import { endJob } from "./handBack.ts"
import { readLanes } from "./laneQueries.ts"
import type { LaneQuery } from "./laneQueries.ts"
import { keyLostReason, reclaimKey } from "./reclaimKey.ts"
import type { Row } from "./statements.ts"
import { standingOf } from "./tracks.ts"
import type { WriteTx } from "./writeTx.ts"

const AVAILABLE = stateCode("available")
const CANCELLED = stateCode("cancelled")

// Served by drover_job_due.
const due: LaneQuery = {
  columns:
    "j.seq, j.state, j.trail, j.attempt, j.crashes, j.interruptions, j.unique_hash, j.unique_states, j.unique_until, j.lane, j.rank, j.keys, j.id",
  where: "state in (0, 3) and run_at <= ?",
  order: "run_at, seq",
}

// About 5 ms. When more than this come due at once, the rest is promoted by the next claims.
const MOST_PROMOTED = 1_000

/** Makes the jobs of these lanes available whose time has come. Their rank is set already. */
export function promoteDue(tx: WriteTx, lanes: readonly number[]): void {
  for (const row of readLanes(tx.statements, due, lanes, [tx.now], MOST_PROMOTED)) promote(tx, row)
}

function promote(tx: WriteTx, row: Row): void {
  const [job, from, prev, attempt, crashes, interruptions] = row as readonly number[] as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const [hash, states, until, lane, rank, keys, jobId] = row.slice(6) as [
    ...[Uint8Array | null, number | null, number | null, number, number, string | null, string],
  ]
  const move = { job, prev, from, attempt }
  if (hash !== null && !reclaimKey(tx, { job, hash, states, until }, AVAILABLE)) {
    const reason = keyLostReason
    const trail = tx.addTrail({ ...move, to: CANCELLED, reason })
    endJob(tx, { seq: job, from, to: CANCELLED, crashes, interruptions, reason, trail })
    tx.noteEnded({ jobId, reason }, lane, CANCELLED)
    return
  }
  const trail = tx.addTrail({ ...move, to: AVAILABLE })
  if (keys === null) tx.statements.run("promote_job", trail, job)
  else {
    const standing = standingOf(tx, { seq: job, lane, rank, crashes, keys })
    tx.statements.run("promote_keyed", standing, trail, job)
  }
}
