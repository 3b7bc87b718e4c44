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
    const accounted = failures + crashes + interruptions + (state === "completed" ? 1 : 0)
    if (attempt !== accounted) {
      violations.push(
        `job ${id} was claimed ${attempt} times for ${failures} failures, ${crashes} crashes, ` +
          `${interruptions} interruptions, ${state}`,
      )
    }
    if (failures > maxAttempts) violations.push(`job ${id} failed more often than it may`)
  }
  return violations
}
