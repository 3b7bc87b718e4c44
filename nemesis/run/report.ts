import { recovered } from "../checks/recovered.ts"
import type { Violation } from "../checks/index.ts"
import type { RunHistory } from "../history/runHistory.ts"
import type { RunOptions, RunReport } from "./runOptions.ts"

/** Sums up a run. */
export function reportOf(
  { store, seed, minutes, mutant }: RunOptions,
  history: RunHistory,
  found: {
    readonly violations: readonly Violation[]
    readonly faults: ReadonlyMap<string, number>
    readonly missing: ReadonlyMap<string, string>
    readonly drainedMs: number | null
    readonly kept: string | null
  },
): RunReport {
  const rows = [...history.rows.values()]
  const enqueues = history.operations.filter(({ op }) => op === "enqueue")
  const jobsOf = (type: string): number =>
    enqueues.reduce(
      (sum, each) => sum + (each.type === type ? (each.args.jobs?.length ?? 0) : 0),
      0,
    )
  const seen = (event: string): number =>
    history.testimonies.filter((record) => record.event === event).length
  const { violations: _, ...recovery } = recovered(history)
  const sum = (field: "attempt" | "crashes" | "interruptions"): number =>
    rows.reduce((total, row) => total + row[field], 0)
  return {
    store,
    seed,
    minutes,
    mutant,
    jobs: rows.length,
    acknowledged: jobsOf("ok"),
    unknown: jobsOf("info"),
    attempts: sum("attempt"),
    crashes: sum("crashes"),
    interruptions: sum("interruptions"),
    fenced: history.records.filter(
      (record) => record.event === "settled" && record.status === "fenced",
    ).length,
    rescued: seen("rescued"),
    faults: Object.fromEntries(found.faults),
    missing: Object.fromEntries(found.missing),
    kills: [...history.deaths.values()].filter(({ signal }) => signal === "SIGKILL").length,
    recovery: {
      ...recovery,
      worstMs: Math.round(recovery.worstMs),
      worstUndisturbedMs: Math.round(recovery.worstUndisturbedMs),
    },
    claims: claimTimes(history),
    storeErrors: seen("store"),
    drainedMs: found.drainedMs === null ? null : Math.round(found.drainedMs),
    violations: found.violations,
    kept: found.kept,
  }
}

function claimTimes({ testimonies }: RunHistory): RunReport["claims"] {
  const times = testimonies
    .flatMap((record) => (record.event === "claim" ? [record.ms] : []))
    .toSorted((a, b) => a - b)
  const at = (part: number): number =>
    Math.round((times[Math.floor(times.length * part)] ?? 0) * 10) / 10
  return { count: times.length, p50Ms: at(0.5), p99Ms: at(0.99) }
}
