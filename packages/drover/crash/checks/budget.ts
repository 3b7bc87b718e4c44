import type { TrailEntry } from "../../src/store/index.ts"
import type { History } from "../history.ts"

/**
 * Nothing runs without a claim, nothing runs twice on one claim, and no job runs more often than its failures,
 * crashes and interruptions account for.
 */
export function budget({ records, rows, trails }: History): string[] {
  const violations: string[] = []
  const starts = new Set<string>()
  for (const record of records) {
    if (record.event !== "started") continue
    const run = `${record.job} ${record.attempt}`
    if (starts.has(run)) violations.push(`attempt ${run} was started twice`)
    starts.add(run)
    const claims = trails.get(record.job)?.filter(({ to }) => to === "running") ?? []
    if (!claims.some(({ attempt }) => attempt === record.attempt)) {
      violations.push(`attempt ${run} was started, but the trail knows no such claim`)
    }
  }
  for (const {
    id,
    state,
    attempt,
    failures,
    crashes,
    interruptions,
    maxAttempts,
  } of rows.values()) {
    const trail = trails.get(id) ?? []
    const accounted = failures + crashes + interruptions + trail.filter(isFree).length
    // A handler that failed while a cancel was requested is on both.
    const both = trail.filter((entry) => isFree(entry) && entry.to === "cancelled").length
    if (attempt > accounted || attempt < accounted - both) {
      violations.push(
        `job ${id} was claimed ${attempt} times for ${failures} failures, ${crashes} crashes, ` +
          `${interruptions} interruptions, ${state}`,
      )
    }
    if (failures > maxAttempts) violations.push(`job ${id} failed more often than it may`)
  }
  return violations
}

/** Ends of an attempt that are on no counter: it completed, was cancelled or asked for a later time. */
function isFree({ from, to, actor }: TrailEntry): boolean {
  if (from !== "running") return false
  return to === "completed" || to === "scheduled" || (to === "cancelled" && actor === null)
}
