import { readStore } from "../../packages/drover/crash/history.ts"
import type { Store } from "../../packages/drover/src/store/index.ts"
import type { Fleet } from "../fleet/fleet.ts"
import { readOperations } from "../history/operation.ts"
import type { RunHistory } from "../history/runHistory.ts"
import { crashRecords, readSeen, readTestimonies } from "../history/testimony.ts"

/** Reads all that was written down and all that the store holds, when everything has stopped. */
export async function collect(
  {
    folder,
    store,
    fleet,
  }: { readonly folder: string; readonly store: Store; readonly fleet: Fleet },
  known: Pick<RunHistory, "faults" | "samples" | "leaseMs" | "healedMono" | "failures">,
): Promise<RunHistory> {
  const testimonies = readTestimonies(folder)
  const { rows, trails } = await readStore(store)
  return {
    ...known,
    rows,
    trails,
    testimonies,
    records: crashRecords(testimonies),
    seen: readSeen(folder),
    operations: readOperations(folder),
    deaths: new Map(fleet.deaths.map((death) => [death.pid, death])),
    pauses: fleet.pauses,
  }
}
