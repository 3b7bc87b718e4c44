import { assert } from "../errors/index.ts"
import { isFinal } from "../store/index.ts"
import type { JobState } from "../store/index.ts"
import type { WriteTx } from "./writeTx.ts"

/** Deletes a job that does not run, with all its traces. */
export function deleteJob(
  tx: WriteTx,
  job: {
    readonly seq: number
    readonly state: JobState
    readonly bytes: number
    readonly hash: Uint8Array | null
  },
): void {
  const { seq, state, bytes, hash } = job
  const { statements } = tx
  // The job's row comes last: the trail is found through it.
  statements.run("delete_trail", seq)
  statements.run("delete_log", seq)
  statements.run("delete_log_count", seq)
  statements.run("delete_progress", seq)
  statements.run("drop_input", seq)
  if (hash !== null) statements.run("delete_hold", hash, seq, tx.now)
  const deleted = statements.run("delete_job", seq)
  assert(deleted === 1, "a job that was read under the write lock and does not run can be deleted")
  if (isFinal(state)) tx.addFinishedBytes(-bytes)
  else tx.persistTime()
}
