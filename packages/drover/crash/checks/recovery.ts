import type { History } from "../history.ts"

/** How long the jobs of killed processes waited until they were taken back. */
export interface Recovery {
  readonly jobs: number
  readonly worstMs: number
  readonly violations: readonly string[]
}

/** What a killed process ran is taken back within `limitMs` of its death. */
export function recovery({ records, deaths, trails }: History, limitMs: number): Recovery {
  const violations: string[] = []
  let jobs = 0
  let worstMs = 0
  for (const record of records) {
    if (record.event !== "claimed" && record.event !== "started") continue
    const death = deaths.get(record.pid)
    if (death?.signal !== "SIGKILL") continue
    const { job, attempt } = record
    const end = trails
      .get(job)
      ?.find((entry) => entry.from === "running" && entry.attempt === attempt)
    // It settled the attempt itself before it died, or the job was still held when the run ended.
    if (end === undefined || end.actor !== "rescue") continue
    const waitedMs = end.at - death.at
    if (record.event === "claimed") jobs++
    worstMs = Math.max(worstMs, waitedMs)
    if (waitedMs > limitMs) violations.push(`job ${job} waited ${waitedMs} ms to be taken back`)
  }
  return { jobs, worstMs, violations }
}
