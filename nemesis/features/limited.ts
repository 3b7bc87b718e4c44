import { defineJob } from "drover"
import type { JobContext } from "drover"
import { randomBelow } from "../../packages/drover/src/time/index.ts"
import { mostAtOnce } from "../checks/mostAtOnce.ts"
import { mostInWindow } from "../checks/mostInWindow.ts"
import type { RunHistory } from "../history/runHistory.ts"
import { rowsOf, unlike } from "./expectation.ts"
import type { Feature } from "./feature.ts"

const GLOBAL = "nemesis.few"
const KEYED = "nemesis.tenant"
const RATED = "nemesis.rated"
const FEW = 3
const PER_TENANT = 2
const TENANTS = 3
const STARTS = 5
const WINDOW_MS = 1_000

interface Limited {
  readonly ms: number
  readonly tenant: string
}

/** Limits over all processes: so many at once, so many for each key, so many starts in any second. */
export const limited: Feature = {
  name: "limited",
  define: (handlers) => {
    const run = (context: JobContext<Limited>): Promise<void> =>
      handlers.witnessed(context, () => handlers.sleep(context.input.ms, context.signal))
    const concurrency = { limit: PER_TENANT, key: (input: Limited) => input.tenant }
    const rate = { limit: STARTS, per: WINDOW_MS }
    return [
      defineJob(GLOBAL, { maxCrashes: 1_000, concurrency: FEW, run }),
      defineJob(KEYED, { maxCrashes: 1_000, concurrency, run }),
      defineJob(RATED, { maxCrashes: 1_000, rate, run }),
    ]
  },
  async produce({ rng, newId, enqueue }) {
    const kind = [GLOBAL, KEYED, RATED][randomBelow(rng, 3)] ?? GLOBAL
    const jobs = Array.from({ length: 1 + randomBelow(rng, 4) }, () => {
      const input = { ms: 20 + randomBelow(rng, 250), tenant: `t${randomBelow(rng, TENANTS)}` }
      return { id: newId(), kind, input }
    })
    await enqueue(jobs)
  },
  check(history) {
    const kinds = [GLOBAL, KEYED, RATED].flatMap((kind) => rowsOf(history, kind))
    return [...unlike(kinds, "completed"), ...crowds(history), ...tooFast(history)]
  },
}

/**
 * What handlers witnessed: each runs between its claim and its settlement, so more of them at once than the limit means
 * more running jobs. An attempt that was taken from a process may be witnessed for longer than it held its place.
 */
function crowds(history: RunHistory): string[] {
  const few = rowsOf(history, GLOBAL).map(({ id }) => ({ id, group: GLOBAL, limit: FEW }))
  const tenants = rowsOf(history, KEYED).map(({ id, input }) => {
    const { tenant } = JSON.parse(input) as Limited
    return { id, group: `${KEYED} of ${tenant}`, limit: PER_TENANT }
  })
  const groups = Map.groupBy([...few, ...tenants], ({ group }) => group)
  return Array.from(groups, ([group, jobs]) => {
    const ids = new Set(jobs.map(({ id }) => id))
    const most = mostAtOnce(
      history.records.filter(
        (record) =>
          (record.event === "started" || record.event === "ended" || record.event === "aborted") &&
          ids.has(record.job) &&
          endedByItself(history, record),
      ),
    )
    const limit = jobs[0]?.limit ?? 0
    return most <= limit ? "" : `${most} jobs of ${group} ran at once, the limit is ${limit}`
  }).filter((text) => text !== "")
}

function endedByItself(
  { trails }: RunHistory,
  { job, attempt }: { readonly job: string; readonly attempt: number },
): boolean {
  const end = trails
    .get(job)
    ?.find((entry) => entry.from === "running" && entry.attempt === attempt)
  return end !== undefined && end.actor === null
}

function tooFast(history: RunHistory): string[] {
  const starts = rowsOf(history, RATED).flatMap(({ id }) =>
    (history.trails.get(id) ?? []).filter(({ to }) => to === "running").map(({ at }) => at),
  )
  const most = mostInWindow(starts, WINDOW_MS)
  return most <= STARTS
    ? []
    : [`${most} jobs of ${RATED} started within ${WINDOW_MS} ms, the limit is ${STARTS}`]
}
