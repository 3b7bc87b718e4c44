import { defineJob, schedule } from "drover"
import type { JobContext } from "drover"
import type { JobRow, TickRow } from "../../packages/drover/src/store/index.ts"
import type { RunHistory } from "../history/runHistory.ts"
import { rowsOf, unlike } from "./expectation.ts"
import type { Feature } from "./feature.ts"

const KIND = "nemesis.tick"
/** By name, how far apart the planned instants are. */
const EVERY_MS = { "nemesis-all": 2_000, "nemesis-latest": 3_000 } as const

/**
 * Schedules that every worker declares, ticked by whoever leads: each planned instant becomes one job or has its reason,
 * none is left out, none is doubled, and none is early.
 */
export const scheduled: Feature = {
  name: "scheduled",
  define: (handlers) => [
    defineJob(KIND, {
      maxCrashes: 1_000,
      run: (context: JobContext) => handlers.witnessed(context, () => undefined),
    }),
  ],
  schedules(definitions) {
    const job = definitions.find(({ kind }) => kind === KIND)
    if (job === undefined) return []
    return [
      schedule("nemesis-all", {
        every: EVERY_MS["nemesis-all"],
        catchUp: { all: 20 },
        job,
        maxCrashes: 1_000,
      }),
      schedule("nemesis-latest", { cron: "*/3 * * * * *", job, maxCrashes: 1_000 }),
    ]
  },
  // The leader does it.
  produce: () => Promise.resolve(),
  check(history) {
    const rows = rowsOf(history, KIND)
    return [
      ...unlike(rows, "completed"),
      ...Object.entries(EVERY_MS).flatMap(([name, everyMs]) =>
        wrongTicks(history, { name, everyMs }),
      ),
      ...strayJobs(history, rows),
    ]
  },
}

/** A gap between two lines, two lines for one instant, a line without job and reason, a job that is early. */
function wrongTicks(
  history: RunHistory,
  { name, everyMs }: { readonly name: string; readonly everyMs: number },
): string[] {
  const ticks = history.ticks.get(name) ?? []
  const ordered = ticks.toSorted((a, b) => a.at - b.at)
  return ordered.flatMap((tick, index) => {
    const next = ordered[index + 1]
    const apartMs = next === undefined ? everyMs : next.at - tick.throughAt
    return [
      ...(apartMs === everyMs
        ? []
        : [`${name}: the tick after ${tick.throughAt} is ${apartMs} ms later, not ${everyMs}`]),
      ...(tick.jobId === null && tick.reason === null
        ? [`${name}: the tick of ${tick.at} has neither a job nor a reason`]
        : []),
      ...early(history, name, tick),
    ]
  })
}

function early({ rows }: RunHistory, name: string, { at, jobId, recordedAt }: TickRow): string[] {
  const row = jobId === null ? undefined : rows.get(jobId)
  if (recordedAt >= at && (row === undefined || row.enqueuedAt >= at)) return []
  return [`${name}: the tick of ${at} was early: recorded at ${recordedAt}`]
}

/** Every job of a tick belongs to exactly one. */
function strayJobs({ ticks }: RunHistory, rows: readonly JobRow[]): string[] {
  const owners = Map.groupBy(
    [...ticks.values()].flat().flatMap(({ jobId }) => jobId ?? []),
    (id) => id,
  )
  return rows.flatMap(({ id }) => {
    const count = owners.get(id)?.length ?? 0
    return count === 1 ? [] : [`job ${id} belongs to ${count} ticks`]
  })
}
