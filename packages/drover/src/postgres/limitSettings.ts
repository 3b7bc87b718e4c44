import { limitName } from "../store/index.ts"
import type {
  DeclaredLimit,
  Fenced,
  LimitDeclaration,
  LimitId,
  LimitRepairs,
  LimitSetting,
  LimitScope,
  LimitType,
  TermRef,
} from "../store/index.ts"
import type { StoreContext } from "./context.ts"
import type { PostgresDatabase } from "./database.ts"
import { fenced } from "./terms.ts"
import type { Row } from "./values.ts"

/** A row of `limits`. */
export interface StoredLimit extends LimitId {
  readonly id: number
  readonly name: string
  readonly declared: LimitSetting | null
  readonly generation: number
  readonly set: LimitSetting | null
  readonly setAt: number | null
  readonly setBy: string | null
}

/** Every limit, by name. */
export async function readLimits(database: PostgresDatabase): Promise<readonly StoredLimit[]> {
  const rows = await database.statement("limits", "read_limits", [], { reads: true })
  return rows.map(storedLimit)
}

function storedLimit(row: Row): StoredLimit {
  const [id, scope, target, type, by, declared, generation, set, setAt, setBy] = row
  const limit: LimitId = {
    scope: scope as LimitScope,
    target: target as string,
    type: type as LimitType,
    by: by === "" ? null : (by as string),
  }
  return {
    ...limit,
    id: id as number,
    name: limitName(limit),
    declared: readSetting(declared),
    generation: generation as number,
    set: readSetting(set),
    setAt: setAt as number | null,
    setBy: setBy as string | null,
  }
}

function readSetting(text: unknown): LimitSetting | null {
  if (text === null || text === undefined) return null
  const { max, perMs, weights } = JSON.parse(text as string) as LimitSetting
  return { max, perMs, weights }
}

/** Takes over what code declares. See `LimitStore.declareLimits`. */
export async function declareLimits(
  database: PostgresDatabase,
  declaration: LimitDeclaration,
): Promise<readonly string[]> {
  // Every start of a worker declares what all others have declared.
  if (!bringsNews(await readLimits(database), declaration)) return []
  const { generation, limits, kinds, queues } = declaration
  const text = JSON.stringify(
    limits.map((limit) => ({
      ...{ name: limitName(limit), scope: limit.scope, target: limit.target, type: limit.type },
      ...{ by: limit.by ?? "", setting: settingOf(limit) },
    })),
  )
  const values = [generation, text, kinds, queues]
  return database.write("declareLimits", async (db) => {
    const [row] = await db.query("put_declared", values)
    return row?.[0] as unknown as readonly string[]
  })
}

function bringsNews(stored: readonly StoredLimit[], declaration: LimitDeclaration): boolean {
  const { generation, limits, kinds, queues } = declaration
  const byName = new Map(stored.map((limit) => [limit.name, limit]))
  const declared = new Set(limits.map((limit) => limitName(limit)))
  const isNews = (limit: DeclaredLimit): boolean => {
    const known = byName.get(limitName(limit))
    if (known === undefined) return true
    if (known.generation > generation) return false
    return known.generation < generation || !isEqual(settingOf(limit), known.declared)
  }
  const isGone = (limit: StoredLimit): boolean =>
    limit.declared !== null &&
    limit.generation <= generation &&
    (limit.scope === "kind" ? kinds : queues).includes(limit.target) &&
    !declared.has(limit.name)
  return limits.some(isNews) || stored.some(isGone)
}

function settingOf({ max, perMs, weights }: LimitSetting): LimitSetting {
  return { max, perMs, weights }
}

function isEqual(a: LimitSetting, b: LimitSetting | null): boolean {
  if (b === null || a.max !== b.max || a.perMs !== b.perMs) return false
  const sorted = (weights: LimitSetting["weights"]): string =>
    JSON.stringify(Object.entries(weights ?? {}).toSorted(([x], [y]) => (x < y ? -1 : 1)))
  return sorted(a.weights) === sorted(b.weights)
}

/** Sets a limit over what code declares. See `LimitStore.setLimit`. */
export async function setLimit(
  database: PostgresDatabase,
  limit: LimitId,
  setting: LimitSetting | null,
  actor: string,
): Promise<LimitSetting | null> {
  const { scope, target, type, by } = limit
  const text = setting === null ? null : JSON.stringify(settingOf(setting))
  const values = [limitName(limit), scope, target, type, by ?? "", text, actor]
  return database.write("setLimit", async (db) => {
    const [row] = await db.query("put_setting", values)
    return readSetting(row?.[0])
  })
}

const nothing: LimitRepairs = { cleared: 0, opened: 0, more: false }

/** Clears away what no limit counts any more, and opens what nothing blocks. See `LimitStore.reconcileLimits`. */
export function reconcileLimits(
  context: StoreContext,
  { term, limit }: { readonly term: TermRef; readonly limit: number },
): Promise<Fenced<LimitRepairs>> {
  return fenced<LimitRepairs>(context, "reconcileLimits", term, {
    look: async (db) => {
      const [row] = await db.query("needs_repair")
      return row?.[0] === true ? "write" : nothing
    },
    write: async (db) => {
      const [row] = await db.query("repair_limits", [limit])
      const [cleared, opened] = row as unknown as readonly [number, number]
      return { cleared, opened, more: cleared >= limit }
    },
  })
}
