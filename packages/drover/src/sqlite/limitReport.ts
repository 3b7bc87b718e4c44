import type { LimitKeyRow, LimitRow } from "../store/index.ts"
import type { StoreContext } from "./context.ts"
import { readLimits } from "./limitLook.ts"
import { readAll } from "./limitSettings.ts"
import type { ActiveLimit, StoredLimit } from "./limits.ts"
import { readMeter } from "./meters.ts"
import type { ReadTx } from "./writeTx.ts"

const MOST_KEYS = 100
// Blocked tracks of one limit that are looked into; each holds a job at least.
const MOST_TRACKS = 1_000

/** All limits, with what is going on under them. One limit at a time: the event loop turns in between. */
export async function limits(context: StoreContext, cap: number): Promise<readonly LimitRow[]> {
  const rows: LimitRow[] = []
  for (const stored of await context.read("limits", readAll)) {
    rows.push(await context.read("limits", (tx) => rowOf(tx, stored, cap)))
    await new Promise<void>((resolve) => context.clock.defer(resolve))
  }
  return rows.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

function rowOf(tx: ReadTx, stored: StoredLimit, cap: number): LimitRow {
  const keys = readKeyRows(tx, stored)
  const { name, scope, target, type, by, setting, declared, set, setAt, setBy } = stored
  const active = readLimits(tx).named(name)
  return {
    ...{ name, scope, target, type, by, setting, declared, set, setAt, setBy },
    running: sum(keys, ({ running }) => running),
    starts: sum(keys, ({ starts }) => starts),
    waiting: active === undefined ? 0 : Math.min(cap, countWaiting(tx, active, cap)),
    keys:
      by === null
        ? []
        : keys.toSorted((a, b) => b.running - a.running || b.starts - a.starts).slice(0, MOST_KEYS),
  }
}

function readKeyRows(tx: ReadTx, { id, type, setting }: StoredLimit): readonly LimitKeyRow[] {
  if (type === "concurrency") {
    const rows = tx.statements.all("busiest_uses", id)
    return rows.map(([key, running]) => ({ key, running, starts: 0 }) as LimitKeyRow)
  }
  if (type !== "rate") return []
  const rows = tx.statements.all("busiest_starts", id, tx.now - (setting?.perMs ?? 0))
  return rows.map(([key, starts]) => ({ key, running: 0, starts }) as LimitKeyRow)
}

function countWaiting(tx: ReadTx, limit: ActiveLimit, cap: number): number {
  if (limit.type === "fair") return 0
  return limit.by === null ? countOfOwner(tx, limit, cap) : countBlocked(tx, limit, cap)
}

function countBlocked(tx: ReadTx, { id }: ActiveLimit, cap: number): number {
  let count = 0
  for (const [track, lane] of tx.statements.all("count_blocked", id, MOST_TRACKS)) {
    if (count >= cap) break
    count += tx.statements.first("count_track", lane as number, track as number, cap)?.[0] as number
  }
  return count
}

// A limit over all holds back everything of its queue or kind, or nothing.
function countOfOwner(tx: ReadTx, limit: ActiveLimit, cap: number): number {
  if (readMeter(tx, limit, "").room > 0) return 0
  let count = 0
  for (const [lane, queue, kind] of tx.statements.all("all_lanes")) {
    if (limit.target !== (limit.scope === "queue" ? queue : kind) || count >= cap) continue
    count += tx.statements.first("count_ready_of_lane", lane as number, cap)?.[0] as number
  }
  return count
}

function sum<T>(rows: readonly T[], of: (row: T) => number): number {
  return rows.reduce((total, row) => total + of(row), 0)
}
