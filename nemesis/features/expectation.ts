import type { JobRow, JobState } from "../../packages/drover/src/store/index.ts"
import type { RunHistory } from "../history/runHistory.ts"

/** The jobs of a kind that are in the store in the end. */
export function rowsOf({ rows }: RunHistory, kind: string): readonly JobRow[] {
  return [...rows.values()].filter((row) => row.kind === kind)
}

/** Says which jobs did not end in this state. */
export function unlike(rows: readonly JobRow[], state: JobState): string[] {
  return rows
    .filter((row) => row.state !== state)
    .map((row) => `job ${row.id} of ${row.kind} ended as ${row.state}: ${row.reason}`)
}
