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

// A worker lets a job that must run alone wait for what it runs, and only then makes room.
const LONE_SLACK_MS = 1_000

/**
 * What a SIGKILLed process ran is taken back and starts again within a lease and five seconds of its death. It runs alone
 * then, so time in which others that crashed have their lone turn does not count; nor does time in which the database or
 * another worker was under a fault, and a lease after it, in which work is distributed anew. In a long run enough deaths
 * have none of it.
 */
export function recovered(history: RunHistory): Recovery {
  const { deaths, leaseMs, records, trails } = history
  const lone = loneRuns(history)
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
    const others = lone.filter((run) => run.job !== job)
    const faults = faultsBeside(history, death.pid)
    const excusedMs = coveredMs([...faults, ...others], {
      fromMono: death.mono,
      toMono: again.mono,
    })
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

interface Span {
  readonly fromMono: number
  readonly toMono: number
}

/** Runs of jobs that had crashed before. */
function loneRuns({ records, deaths, trails }: RunHistory): (Span & { readonly job: string })[] {
  const ends = new Map<string, number>()
  for (const record of records) {
    if (record.event === "ended" || record.event === "aborted")
      ends.set(`${record.pid} ${record.job} ${record.attempt}`, record.mono)
  }
  return records.flatMap((record) => {
    if (record.event !== "started") return []
    const { job, attempt, pid, mono } = record
    const crashed = trails
      .get(job)
      ?.some((entry) => entry.actor === "rescue" && entry.attempt < attempt)
    if (crashed !== true) return []
    const toMono = ends.get(`${pid} ${job} ${attempt}`) ?? deaths.get(pid)?.mono ?? mono
    return [{ job, fromMono: mono - LONE_SLACK_MS, toMono: toMono + LONE_SLACK_MS }]
  })
}

/** Times in which something else than the death of this process was wrong. */
function faultsBeside({ faults, leaseMs }: RunHistory, pid: number): Span[] {
  return faults
    .filter(({ pids }) => pids === "all" || pids.some((other) => other !== pid))
    .map(({ fromMono, toMono }) => ({ fromMono, toMono: toMono + leaseMs }))
}

/** How much of a time is covered by any of the others. */
function coveredMs(spans: readonly Span[], { fromMono, toMono }: Span): number {
  const inside = spans
    .map((span) => ({
      fromMono: Math.max(fromMono, span.fromMono),
      toMono: Math.min(toMono, span.toMono),
    }))
    .filter((span) => span.toMono > span.fromMono)
    .toSorted((a, b) => a.fromMono - b.fromMono)
  let coveredTo = fromMono
  let sumMs = 0
  for (const span of inside) {
    sumMs += Math.max(0, span.toMono - Math.max(coveredTo, span.fromMono))
    coveredTo = Math.max(coveredTo, span.toMono)
  }
  return sumMs
}
