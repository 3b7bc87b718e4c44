import type { JobRow, Store, TrailEntry } from "../src/store/index.ts"
import type { Death } from "./fleet.ts"
import { readWitnesses } from "./witness.ts"
import type { Record } from "./witness.ts"

const PAGE = 1_000

/** All that is known in the end: what processes saw, how they died, and what the store says. */
export interface History {
  readonly records: readonly Record[]
  /** By process id. */
  readonly deaths: ReadonlyMap<number, Death>
  readonly rows: ReadonlyMap<string, JobRow>
  readonly trails: ReadonlyMap<string, readonly TrailEntry[]>
}

/** Collects the history of a finished run. */
export async function readHistory(
  folder: string,
  deaths: readonly Death[],
  store: Store,
): Promise<History> {
  const rows = new Map<string, JobRow>()
  for (let after: string | null = null; ;) {
    const page = await store.list({}, { limit: PAGE, after })
    for (const row of page.jobs) rows.set(row.id, row)
    after = page.next
    if (after === null) break
  }
  const entries: TrailEntry[] = []
  for (let seq = 0; ;) {
    const page = await store.trailAfter(seq, PAGE)
    if (page.entries.length === 0) break
    entries.push(...page.entries)
    seq = page.seq
  }
  return {
    records: readWitnesses(folder),
    deaths: new Map(deaths.map((death) => [death.pid, death])),
    rows,
    trails: Map.groupBy(entries, ({ jobId }) => jobId),
  }
}
