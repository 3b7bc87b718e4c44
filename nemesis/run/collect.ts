import { readStore } from "../../packages/drover/crash/history.ts"
import { keptTicks } from "../../packages/drover/src/store/index.ts"
import type { Store, TickRow } from "../../packages/drover/src/store/index.ts"
import type { Fleet } from "../fleet/fleet.ts"
import type { Ground } from "../ground/ground.ts"
import { readOperations } from "../history/operation.ts"
import type { RunHistory } from "../history/runHistory.ts"
import { crashRecords, readSeen, readTestimonies } from "../history/testimony.ts"

const MOST_SCHEDULES = 100

/** Reads all that was written down and all that the store holds, when everything has stopped. */
export async function collect(
  {
    folder,
    store,
    fleet,
    ground,
  }: {
    readonly folder: string
    readonly store: Store
    readonly fleet: Fleet
    readonly ground: Ground
  },
  known: Pick<RunHistory, "faults" | "samples" | "leaseMs" | "healedMono" | "unheard" | "failures">,
): Promise<RunHistory> {
  const testimonies = readTestimonies(folder)
  const { rows, trails } = await readStore(store)
  const ticks = new Map<string, readonly TickRow[]>()
  for (const { name } of await store.schedules({ after: null, limit: MOST_SCHEDULES })) {
    const kept = await store.scheduleTicks({ name, limit: keptTicks, before: null })
    ticks.set(name, kept.toReversed())
  }
  return {
    ...known,
    rows,
    trails,
    ticks,
    storedTerms: await ground.storedTerms(),
    testimonies,
    records: crashRecords(testimonies),
    seen: readSeen(folder),
    operations: readOperations(folder),
    deaths: new Map(fleet.deaths.map((death) => [death.pid, death])),
    pauses: fleet.pauses,
  }
}
