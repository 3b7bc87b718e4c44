import type { History } from "../history.ts"
import type { Record } from "../witness.ts"

// Who ends an attempt without asking its handler.
const TAKERS: ReadonlySet<string> = new Set(["rescue", "hand-back"])

interface Run {
  readonly job: string
  readonly attempt: number
  readonly pid: number
  readonly fromMono: number
  readonly toMono: number
}

/**
 * Two attempts of a job overlap only if the earlier one had been taken away, and then the earlier one
 * wrote nothing more: each of its settlements was fenced.
 */
export function overlap(history: History): string[] {
  const violations: string[] = []
  for (const runs of Map.groupBy(runsOf(history), ({ job }) => job).values()) {
    const ordered = runs.toSorted((a, b) => a.attempt - b.attempt)
    for (const [index, earlier] of ordered.entries()) {
      const later = ordered.slice(index + 1).find(({ fromMono }) => fromMono < earlier.toMono)
      if (later === undefined) continue
      if (!wasTakenAway(history, earlier)) {
        violations.push(
          `job ${earlier.job}: attempts ${earlier.attempt} and ${later.attempt} ran at the same time`,
        )
      }
    }
  }
  return [...violations, ...writesAfterRescue(history)]
}

/** Intervals in which handlers ran, as far as witnesses saw; a process that died ended all of its own. */
function runsOf({ records, deaths }: History): Run[] {
  const ends = new Map<string, number>()
  const key = (record: Record & { readonly job: string; readonly attempt: number }): string =>
    `${record.pid} ${record.job} ${record.attempt}`
  for (const record of records) {
    if (record.event === "ended" || record.event === "aborted") ends.set(key(record), record.mono)
  }
  return records.flatMap((record) => {
    if (record.event !== "started") return []
    const { job, attempt, pid, mono } = record
    const toMono = ends.get(key(record)) ?? deaths.get(pid)?.mono ?? Number.POSITIVE_INFINITY
    return [{ job, attempt, pid, fromMono: mono, toMono }]
  })
}

function wasTakenAway({ trails }: History, { job, attempt }: Run): boolean {
  const end = trails
    .get(job)
    ?.find((entry) => entry.from === "running" && entry.attempt === attempt)
  return TAKERS.has(end?.actor ?? "")
}

function writesAfterRescue(history: History): string[] {
  return history.records.flatMap((record) => {
    if (record.event !== "settled" || record.status === "fenced") return []
    const { job, attempt, pid, status, to } = record
    if (!wasTakenAway(history, { job, attempt, pid, fromMono: 0, toMono: 0 })) return []
    return [
      `job ${job}: attempt ${attempt} was taken away, but its settlement as ${to} was ${status}`,
    ]
  })
}
