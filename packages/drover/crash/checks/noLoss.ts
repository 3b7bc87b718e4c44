import { isFinal } from "../../src/store/index.ts"
import type { History } from "../history.ts"

/** Every acknowledged job is in the store and ended; a completed one was run to its end by that attempt. */
export function noLoss({ records, rows }: History): string[] {
  const violations: string[] = []
  for (const record of records) {
    if (record.event !== "acked") continue
    const row = rows.get(record.job)
    if (row === undefined) violations.push(`job ${record.job} was acknowledged and is lost`)
    else if (!isFinal(row.state)) violations.push(`job ${record.job} is ${row.state} in the end`)
  }
  const ended = new Set<string>()
  for (const record of records) {
    if (record.event === "ended") ended.add(`${record.job} ${record.attempt}`)
  }
  for (const { id, state, attempt } of rows.values()) {
    if (state === "completed" && !ended.has(`${id} ${attempt}`)) {
      violations.push(`job ${id} is completed, but no handler saw the end of attempt ${attempt}`)
    }
  }
  return violations
}
