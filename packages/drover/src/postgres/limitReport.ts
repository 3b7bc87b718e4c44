import type { LimitKeyRow, LimitRow } from "../store/index.ts"
import type { PostgresDatabase } from "./database.ts"
import { readLimits } from "./limitSettings.ts"
import type { StoredLimit } from "./limitSettings.ts"

const MOST_KEYS = 100

/** All limits, with what is going on under them. */
export async function limits(
  database: PostgresDatabase,
  cap: number,
): Promise<readonly LimitRow[]> {
  const rows: LimitRow[] = []
  for (const stored of await readLimits(database)) rows.push(await rowOf(database, stored, cap))
  return rows.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

async function rowOf(
  database: PostgresDatabase,
  stored: StoredLimit,
  cap: number,
): Promise<LimitRow> {
  const keys = await readKeyRows(database, stored)
  const { name, scope, target, type, by, declared, set, setAt, setBy } = stored
  return {
    ...{ name, scope, target, type, by, declared, set, setAt, setBy, setting: set ?? declared },
    running: sum(keys, ({ running }) => running),
    starts: sum(keys, ({ starts }) => starts),
    waiting: await countWaiting(database, stored, cap),
    keys:
      by === null
        ? []
        : keys.toSorted((a, b) => b.running - a.running || b.starts - a.starts).slice(0, MOST_KEYS),
  }
}

async function readKeyRows(
  database: PostgresDatabase,
  { id, type, set, declared }: StoredLimit,
): Promise<readonly LimitKeyRow[]> {
  const read = { reads: true }
  if (type === "concurrency") {
    const rows = await database.statement("limits", "busiest_uses", [id], read)
    return rows.map(
      ([key, running]) => ({ key, running: Number(running), starts: 0 }) as LimitKeyRow,
    )
  }
  if (type !== "rate") return []
  const values = [id, (set ?? declared)?.perMs ?? 0]
  const rows = await database.statement("limits", "busiest_starts", values, read)
  return rows.map(([key, starts]) => ({ key, running: 0, starts: Number(starts) }) as LimitKeyRow)
}

async function countWaiting(
  database: PostgresDatabase,
  { id, type, by, scope, target, set, declared }: StoredLimit,
  cap: number,
): Promise<number> {
  if (type === "fair" || (set ?? declared) === null) return 0
  const read = { reads: true }
  const [row] =
    by === null
      ? await database.statement("limits", "count_held_back", [scope, target, cap, id], read)
      : await database.statement("limits", "count_blocked", [id, cap], read)
  return Number(row?.[0])
}

function sum<T>(rows: readonly T[], of: (row: T) => number): number {
  return rows.reduce((total, row) => total + of(row), 0)
}
