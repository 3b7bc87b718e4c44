import { jobStates } from "../store/index.ts"
import type { FinishedJob, StoredError } from "../store/index.ts"
import type { StoreContext } from "./context.ts"
import type { Row } from "./values.ts"

/** Those of the jobs that are finished. See `Store.finished`. */
export async function finished(
  { database }: StoreContext,
  ids: readonly string[],
): Promise<readonly FinishedJob[]> {
  if (ids.length === 0) return []
  const read = { reads: true }
  const rows = await database.statement("finished", "finished_jobs", [ids], read)
  return rows.map(finishedJob)
}

function finishedJob([id, state, result, reason, error]: Row): FinishedJob {
  return {
    id: id as string,
    state: jobStates[state as number] as FinishedJob["state"],
    result: result as string | null,
    reason: reason as string | null,
    error: error === null ? null : (JSON.parse(error as string) as StoredError),
  }
}
