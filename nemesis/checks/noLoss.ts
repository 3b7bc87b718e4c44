import { isFinal } from "../../packages/drover/src/store/index.ts"
import type { RunHistory } from "../history/runHistory.ts"

/** What the producer notes of an enqueue that was answered. */
interface EnqueueResult {
  readonly duplicates?: readonly string[]
  readonly tries?: number
}

/**
 * Every acknowledged job is in the store, ended, and was run if it completed; no job that was refused or rolled back is
 * there; nothing ran or is stored that nobody asked for. Of an enqueue with an unknown outcome both are right.
 */
export function noLoss(history: RunHistory): string[] {
  const violations: string[] = []
  const invoked = new Map<string, "ok" | "fail" | "info">()
  for (const operation of history.operations) {
    const { op, type, args } = operation
    if (op !== "enqueue") continue
    for (const id of args.jobs ?? []) invoked.set(id, type)
    // Another job held their keys. Told at the first try, none was written; later, an earlier try may have been.
    const { duplicates = [], tries = 1 } = (operation.result ?? {}) as EnqueueResult
    for (const id of duplicates) invoked.set(id, tries === 1 ? "fail" : "info")
  }
  // Schedules ask by themselves.
  for (const { jobId } of [...history.ticks.values()].flat())
    if (jobId !== null) invoked.set(jobId, "ok")
  for (const [id, type] of invoked) {
    const row = history.rows.get(id)
    if (type === "ok" && row === undefined)
      violations.push(`job ${id} was acknowledged and is lost`)
    if (type === "fail" && row !== undefined)
      violations.push(`job ${id} was refused or rolled back, but is ${row.state}`)
  }
  const started = new Set<string>()
  for (const { event, job, attempt } of handlerEvents(history)) {
    if (event === "started") started.add(job)
    if (!invoked.has(job)) violations.push(`job ${job} ran (attempt ${attempt}), but nobody asked`)
    else if (!history.rows.has(job)) violations.push(`job ${job} ran, but is not in the store`)
  }
  for (const { id, state } of history.rows.values()) {
    if (!invoked.has(id)) violations.push(`job ${id} is in the store, but nobody asked for it`)
    if (!isFinal(state)) violations.push(`job ${id} is ${state} in the end`)
    if (state === "completed" && !started.has(id))
      violations.push(`job ${id} is completed, but no handler ever ran it`)
  }
  return [...new Set(violations)]
}

function handlerEvents(history: RunHistory): { event: string; job: string; attempt: number }[] {
  return history.records.flatMap((record) =>
    record.event === "started" || record.event === "ended" || record.event === "aborted"
      ? [{ event: record.event, job: record.job, attempt: record.attempt }]
      : [],
  )
}
