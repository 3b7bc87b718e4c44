import type { RunHistory } from "../history/runHistory.ts"

/** How soon killed processes' jobs ran again. */
export interface Recovery {
  /** Jobs that a killed process ran. */
  readonly jobs: number
  /** Those in whose wait no other fault fell. */
  readonly undisturbed: number
  readonly worstMs: number
  readonly worstUndisturbedMs: number
  readonly violations: readonly string[]
}

const SLACK_MS = 5_000

/**
 * What a SIGKILLed process ran is taken back and starts again within a lease and five seconds of its death. Time in
 * which the database or another worker was under a fault does not count, nor a lease after it, in which work is
 * distributed anew; in a long run enough deaths have none of it.
 */
export function recovered(history: RunHistory): Recovery {
  const { deaths, leaseMs, records, trails } = history
  const waits: { readonly ms: number; readonly clear: boolean; readonly late: string | null }[] = []
  const starts = Map.groupBy(
    records.flatMap(({ mono, ...record }) =>
      record.event === "started" ? [{ job: record.job, mono }] : [],
    ),
    ({ job }) => job,
  )
  for (const record of records) {
    if (record.event !== "started") continue
    const death = deaths.get(record.pid)
    if (death?.signal !== "SIGKILL") continue
    const { job, attempt } = record
    const end = trails
      .get(job)
      ?.find((entry) => entry.from === "running" && entry.attempt === attempt)
    // It ended the attempt itself, or the crash was the job's last: nothing is to run again.
    if (end?.actor !== "rescue" || end.to !== "available") continue
    const again = starts.get(job)?.find(({ mono }) => mono > death.mono)
    // It was cancelled while it waited, or never ran again, which others judge.
    if (again === undefined) continue
    const ms = again.mono - death.mono
    const excusedMs = underFaultMs(history, death.pid, death.mono, again.mono)
    const isLate = ms - excusedMs > leaseMs + SLACK_MS
    const late = isLate
      ? `job ${job} ran again only ${Math.round(ms)} ms after its process ${death.pid} was killed`
      : null
    waits.push({ ms, clear: excusedMs === 0, late })
  }
  const clear = waits.filter(({ clear }) => clear)
  return {
    jobs: waits.length,
    undisturbed: clear.length,
    worstMs: Math.max(0, ...waits.map(({ ms }) => ms)),
    worstUndisturbedMs: Math.max(0, ...clear.map(({ ms }) => ms)),
    violations: waits.flatMap(({ late }) => late ?? []),
  }
}

/** For how much of a time something else than this death was wrong. */
function underFaultMs(history: RunHistory, pid: number, fromMono: number, toMono: number): number {
  const spans = history.faults
    .filter(({ pids }) => pids === "all" || pids.some((other) => other !== pid))
    .map((fault) => ({
      fromMono: Math.max(fromMono, fault.fromMono),
      toMono: Math.min(toMono, fault.toMono + history.leaseMs),
    }))
    .filter((span) => span.toMono > span.fromMono)
    .toSorted((a, b) => a.fromMono - b.fromMono)
  let coveredTo = fromMono
  let sumMs = 0
  for (const span of spans) {
    sumMs += Math.max(0, span.toMono - Math.max(coveredTo, span.fromMono))
    coveredTo = Math.max(coveredTo, span.toMono)
  }
  return sumMs
}
