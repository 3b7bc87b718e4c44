import type { DeclaredLimit, LimitDeclaration, LimitId, LimitSetting } from "../store/index.ts"
import { limitName } from "../store/index.ts"
import type { StoreContext } from "./context.ts"
import { readKeys } from "../store/index.ts"
import { storedLimit } from "./limits.ts"
import type { ActiveLimit, StoredLimit } from "./limits.ts"
import { shareOf, turnOf } from "./tracks.ts"
import type { ReadTx, WriteTx } from "./writeTx.ts"

/** Takes over what code declares. See `LimitStore.declareLimits`. */
export async function declareLimits(
  context: StoreContext,
  declaration: LimitDeclaration,
): Promise<readonly string[]> {
  // Every start of a worker declares what all others have declared.
  const changes = await context.read("declareLimits", (tx) => newsOf(tx, declaration).length)
  if (changes === 0) return []
  return context.write("declareLimits", (tx) => {
    const news = newsOf(tx, declaration)
    const before = inForce(tx)
    for (const { scope, target, type, by, declared } of news) {
      const text = declared === null ? null : settingText(declared)
      const { generation } = declaration
      tx.statements.run("put_declared", scope, target, type, by ?? "", text, generation)
    }
    if (news.length > 0) tx.bumpGeneration()
    return applyChanges(tx, before)
  })
}

type News = LimitId & { readonly declared: LimitSetting | null }

/** What a declaration changes: limits that are new or different, and those that are withdrawn. */
function newsOf(tx: ReadTx, declaration: LimitDeclaration): readonly News[] {
  const { generation, limits, kinds, queues } = declaration
  const stored = new Map(readAll(tx).map((limit) => [limit.name, limit]))
  const declared = new Map(limits.map((limit) => [limitName(limit), limit]))
  const isNews = (limit: DeclaredLimit): boolean => {
    const known = stored.get(limitName(limit))
    if (known === undefined) return true
    if (known.generation > generation) return false
    return known.generation < generation || settingText(limit) !== settingText(known.declared)
  }
  const speaksFor = ({ scope, target }: LimitId): boolean =>
    (scope === "kind" ? kinds : queues).includes(target)
  const gone = [...stored.values()].filter(
    (limit) =>
      limit.declared !== null &&
      limit.generation <= generation &&
      speaksFor(limit) &&
      !declared.has(limit.name),
  )
  return [
    ...limits.filter(isNews).map((limit) => ({ ...limit, declared: limit })),
    ...gone.map((limit) => ({ ...limit, declared: null })),
  ]
}

/** Sets a limit over what code declares. See `LimitStore.setLimit`. */
export function setLimit(
  context: StoreContext,
  limit: LimitId,
  setting: LimitSetting | null,
  actor: string,
): Promise<LimitSetting | null> {
  return context.write("setLimit", (tx) => {
    const before = inForce(tx)
    const { scope, target, type, by } = limit
    const text = setting === null ? null : settingText(setting)
    const [at, who] = setting === null ? [null, null] : [tx.now, actor]
    tx.statements.run("put_setting", scope, target, type, by ?? "", text, at, who)
    tx.bumpGeneration()
    applyChanges(tx, before)
    return tx.limits.named(limitName(limit))?.setting ?? null
  })
}

/** All rows of drover_limit. */
export function readAll({ statements }: ReadTx): readonly StoredLimit[] {
  return statements.all("read_limits").map((row) => storedLimit(row))
}

function inForce(tx: ReadTx): ReadonlyMap<string, StoredLimit> {
  const limits = readAll(tx).filter(({ setting }) => setting !== null)
  return new Map(limits.map((limit) => [limit.name, limit]))
}

// In one order, so that equal settings have equal texts.
function settingText(setting: LimitSetting | null): string | null {
  if (setting === null) return null
  const { max, perMs, weights } = setting
  const sorted =
    weights === null
      ? null
      : Object.fromEntries(Object.entries(weights).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  return JSON.stringify({ max, perMs, weights: sorted })
}

/** Brings what hangs on limits in line with what holds from now on. @returns the names of those that changed. */
function applyChanges(tx: WriteTx, before: ReadonlyMap<string, StoredLimit>): readonly string[] {
  const changed: string[] = []
  for (const stored of readAll(tx)) {
    const old = before.get(stored.name)
    if (settingText(old?.setting ?? null) === settingText(stored.setting)) continue
    changed.push(stored.name)
    tx.statements.run("unblock_limit", stored.id)
    const limit = tx.limits.named(stored.name)
    if (limit === undefined) {
      for (const query of ["forget_uses", "forget_starts", "forget_turns"] as const) {
        tx.statements.run(query, stored.id)
      }
    } else if (limit.type === "concurrency" && old === undefined) useWhatRuns(tx, [limit])
    if (stored.type === "fair") shareLanes(tx, stored)
  }
  for (const { id, declared, set } of readAll(tx)) {
    if (declared === null && set === null) tx.statements.run("forget_limit", id)
  }
  return changed
}

/** Counts what runs already under limits of concurrency. @returns how many were not counted before. */
export function useWhatRuns(tx: WriteTx, limits: readonly ActiveLimit[]): number {
  let added = 0
  for (const { limit, key, seq, attempt } of usesOfRunning(tx, limits)) {
    if (tx.statements.first("use_of_job", limit.id, key, seq)?.[0] === attempt) continue
    tx.statements.run("add_use", limit.id, key, seq, attempt)
    added += 1
  }
  return added
}

/** What counts under limits of concurrency, as the running jobs themselves say. */
export function usesOfRunning(
  tx: ReadTx,
  limits: readonly ActiveLimit[],
): readonly {
  readonly limit: ActiveLimit
  readonly key: string
  readonly seq: number
  readonly attempt: number
}[] {
  return tx.statements.all("running_jobs").flatMap((row) => {
    const [seq, lane, attempt, text] = row as readonly [number, number, number, string | null]
    const { queue, kind } = tx.lanes.byId(tx.statements, lane)
    const keys = new Map(text === null ? [] : readKeys(text))
    return limits.flatMap((limit) => {
      const isOwner = limit.target === (limit.scope === "queue" ? queue : kind)
      const key = limit.by === null ? (isOwner ? "" : undefined) : keys.get(limit.name)
      return key === undefined ? [] : [{ limit, key, seq, attempt }]
    })
  })
}

/** Fair sharing begins, changes or ends: tracks of its lanes learn whose turn is theirs. */
function shareLanes(tx: WriteTx, { scope, target }: LimitId): void {
  for (const [id, queue, kind] of tx.statements.all("all_lanes")) {
    if (target !== (scope === "queue" ? queue : kind) || !tx.limits.isKeyed(id as number)) continue
    const lane = tx.lanes.byId(tx.statements, id as number)
    for (const [track, , text] of tx.statements.all("tracks_of_lane", id as number)) {
      const share = shareOf(tx.limits, lane, readKeys(text as string))
      const values =
        share === undefined ? [0, "", 0] : [share.limit.id, share.key, turnOf(tx, share)]
      tx.statements.run("share_track", ...values, track as number)
    }
  }
}
