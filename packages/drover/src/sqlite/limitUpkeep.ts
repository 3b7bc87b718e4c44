import type { Fenced, LimitRepairs, TermRef } from "../store/index.ts"
import type { StoreContext } from "./context.ts"
import { readLimits } from "./limitLook.ts"
import { readAll, usesOfRunning, useWhatRuns } from "./limitSettings.ts"
import type { ActiveLimit } from "./limits.ts"
import { readMeter } from "./meters.ts"
import { fenced } from "./terms.ts"
import type { ReadTx, WriteTx } from "./writeTx.ts"

const nothing: LimitRepairs = { cleared: 0, opened: 0, more: false }

/** Clears away what no limit counts any more, and opens what nothing blocks. See `LimitStore.reconcileLimits`. */
export function reconcileLimits(
  context: StoreContext,
  { term, limit }: { readonly term: TermRef; readonly limit: number },
): Promise<Fenced<LimitRepairs>> {
  return fenced<LimitRepairs>(context, "reconcileLimits", term, {
    look: (tx) => (needsRepair(tx) ? "write" : nothing),
    write: (tx) => repair(tx, limit),
    rows: limit,
  })
}

function activeLimits(tx: ReadTx): readonly ActiveLimit[] {
  return readAll(tx).filter((limit): limit is ActiveLimit => limit.setting !== null)
}

function needsRepair(tx: ReadTx): boolean {
  const active = activeLimits(tx)
  if (active.length === 0) return false
  const counted = active.filter(({ type }) => type === "concurrency")
  return (
    tx.statements.first("garbage_uses", 1) !== undefined ||
    active.some((limit) => hasGarbage(tx, limit)) ||
    usesOfRunning(tx, counted).some(
      ({ limit, key, seq, attempt }) =>
        tx.statements.first("use_of_job", limit.id, key, seq)?.[0] !== attempt,
    ) ||
    needlesslyBlocked(tx).length > 0
  )
}

function hasGarbage(tx: ReadTx, { id, type, setting }: ActiveLimit): boolean {
  if (type === "rate") {
    const before = tx.now - (setting.perMs ?? 0)
    return tx.statements.first("has_past_starts", id, before) !== undefined
  }
  return type === "fair" && tx.statements.first("has_past_turns", id, id) !== undefined
}

/** Keys for which tracks wait although they have room: whoever freed them did not know of it. */
function needlesslyBlocked(tx: ReadTx): readonly (readonly [limit: number, key: string])[] {
  const limits = readLimits(tx)
  const names = new Map(readAll(tx).map(({ id, name }) => [id, name]))
  const keys = tx.statements.all("blocked_keys") as unknown as readonly [number, string][]
  return keys.filter(([id, key]) => {
    const limit = limits.named(names.get(id) ?? "")
    return limit === undefined || readMeter(tx, limit, key).room > 0
  })
}

function repair(tx: WriteTx, limit: number): LimitRepairs {
  let cleared = 0
  for (const [id, key, job] of tx.statements.all("garbage_uses", limit)) {
    cleared += tx.statements.run("drop_use", id as number, key as string, job as number)
  }
  const active = activeLimits(tx)
  for (const { id, type, setting } of active) {
    const before = tx.now - (setting.perMs ?? 0)
    if (type === "rate") cleared += tx.statements.run("garbage_starts", id, before, limit)
    if (type === "fair") cleared += tx.statements.run("garbage_turns", id, id, limit)
  }
  useWhatRuns(
    tx,
    active.filter(({ type }) => type === "concurrency"),
  )
  let opened = 0
  for (const [id, key] of needlesslyBlocked(tx)) opened += tx.statements.run("unblock_key", id, key)
  return { cleared, opened, more: cleared >= limit }
}
