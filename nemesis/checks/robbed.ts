import type { RunHistory } from "../history/runHistory.ts"
import { wasUnderFault } from "../history/runHistory.ts"

// How far back a lapse, a stall or a fault may lie that a rescue is the answer to, beyond the lease itself.
const SLACK_MS = 1_500
// A worker that only hears that it was taken for dead had its last beat answered less than this part of a lease ago.
const LAPSED = 0.75

/**
 * A rescue takes jobs only from a worker that could not prove to be alive: its process was dead, was under a fault
 * that kept it from beating, or noticed itself that its lease had lapsed.
 */
export function robbed(history: RunHistory): string[] {
  const { testimonies, deaths, leaseMs } = history
  const pids = new Map<string, number>()
  const lapses = new Map<number, number[]>()
  for (const record of testimonies) {
    if (record.event === "joined") pids.set(record.worker, record.pid)
    if (record.event === "lapsed" && record.sinceMs >= LAPSED * leaseMs)
      lapses.set(record.pid, [...(lapses.get(record.pid) ?? []), record.mono])
  }
  return testimonies.flatMap((record) => {
    if (record.event !== "rescued") return []
    const pid = pids.get(record.from)
    if (pid === undefined) return []
    const window = { fromMono: record.mono - leaseMs - SLACK_MS, toMono: record.mono }
    const died = deaths.get(pid)
    if (died !== undefined && died.mono <= record.mono + SLACK_MS) return []
    if (wasUnderFault(history, pid, window)) return []
    const lapsed = lapses
      .get(pid)
      ?.some((mono) => mono >= window.fromMono && mono <= record.mono + SLACK_MS)
    if (lapsed === true) return []
    return [
      `job ${record.job}: attempt ${record.attempt} was taken from process ${pid}, which was alive and well`,
    ]
  })
}
