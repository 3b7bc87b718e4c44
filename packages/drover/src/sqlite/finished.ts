import { jobStates } from "../store/index.ts"
import type { FinishedJob, StoredError } from "../store/index.ts"
import type { StoreContext } from "./context.ts"
import type { Row } from "./statements.ts"

// Ids that one statement takes; it is padded to this, so that there is one shape of it.
const CHUNK = 100

const text = `select id, state, result, reason, error from drover_job where state >= 4 and id in (${Array<string>(CHUNK).fill("?").join(", ")})`

/** Those of the jobs that are finished. See `Store.finished`. Served by the unique index on id. */
export function finished(
  context: StoreContext,
  ids: readonly string[],
): Promise<readonly FinishedJob[]> {
  if (ids.length === 0) return Promise.resolve([])
  return context.read("finished", ({ statements }) => {
    const jobs: FinishedJob[] = []
    for (let from = 0; from < ids.length; from += CHUNK) {
      const chunk: (string | null)[] = ids.slice(from, from + CHUNK)
      while (chunk.length < CHUNK) chunk.push(null)
      const rows = statements.made(text).all(...chunk) as unknown as readonly Row[]
      for (const row of rows) jobs.push(finishedJob(row))
    }
    return jobs
  })
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
