import type { DeclaredLimit, LimitId, LimitRow, LimitSetting, NewKey } from "drover/store"
import { limitName } from "drover/store"
import type { World } from "../world.ts"

// Short words for rules about limits.
export const kindSlots: LimitId = { scope: "kind", target: "mail", type: "concurrency", by: null }
export const queueSlots: LimitId = {
  scope: "queue",
  target: "default",
  type: "concurrency",
  by: null,
}
export const tenantSlots: LimitId = {
  scope: "kind",
  target: "mail",
  type: "concurrency",
  by: "tenant",
}
export const kindRate: LimitId = { scope: "kind", target: "mail", type: "rate", by: null }
export const tenantRate: LimitId = { scope: "kind", target: "mail", type: "rate", by: "tenant" }
export const fairQueue: LimitId = { scope: "queue", target: "default", type: "fair", by: "tenant" }

export const most: (max: number) => LimitSetting = (max) => ({ max, perMs: null, weights: null })
export const per: (max: number, perMs: number) => LimitSetting = (max, perMs) => ({
  max,
  perMs,
  weights: null,
})
export const fair = (weights: LimitSetting["weights"] = null): LimitSetting => ({
  max: null,
  perMs: null,
  weights,
})

export function key(limit: LimitId, text: string): readonly NewKey[] {
  return [{ limit: limitName(limit), key: text }]
}

export function set(
  world: World,
  limit: LimitId,
  setting: LimitSetting | null,
): Promise<LimitSetting | null> {
  return world.other.setLimit(limit, setting, "ann")
}

export async function rowOf(world: World, limit: LimitId): Promise<LimitRow> {
  const row = (await world.store.limits(1_000)).find(({ name }) => name === limitName(limit))
  if (row === undefined) throw new Error(`there is no limit ${limitName(limit)}`)
  return row
}

export function declare(
  world: World,
  generation: number,
  limits: readonly DeclaredLimit[],
): Promise<readonly string[]> {
  return world.store.declareLimits({ generation, limits, kinds: ["mail"], queues: ["default"] })
}
