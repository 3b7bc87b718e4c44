import type { JobRow, Store, TrailEntry } from "../src/store/index.ts"
import type { Death } from "./program.ts"
import type { Ground } from "./ground.ts"
import { readWitnesses } from "./witness.ts"
import type { Record } from "./witness.ts"

const PAGE = 1_000

/** A time in which a process was stopped by a signal. */
export interface Pause {
  readonly pid: number
  /** By the wall clock, which the store's clock follows. */
  readonly fromAt: number
  readonly fromMono: number
  readonly toMono: number
}

/** All that is known in the end: what processes saw, how they died, and what the store says. */
export interface History {
  readonly records: readonly Record[]
  /** By process id. */
  readonly deaths: ReadonlyMap<number, Death>
  readonly pauses: readonly Pause[]
  readonly rows: ReadonlyMap<string, JobRow>
  readonly trails: ReadonlyMap<string, readonly TrailEntry[]>
}

/** Collects the history of a finished run. */
export async function readHistory(
  { plan, deaths, pauses }: Pick<Ground, "plan" | "deaths" | "pauses">,
  store: Store,
): Promise<History> {
  return {
    ...(await readStore(store)),
    records: readWitnesses(plan.folder),
    deaths: new Map(deaths.map((death) => [death.pid, death])),
    pauses,
  }
}

/** Reads all jobs and trails of a store. */
export async function readStore(store: Store): Promise<Pick<History, "rows" | "trails">> {
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
  return { rows, trails: Map.groupBy(entries, ({ jobId }) => jobId) }
}
