import { isFinal } from "../../packages/drover/src/store/index.ts"
import type { JobRow, TrailEntry } from "../../packages/drover/src/store/index.ts"

/**
 * At no instant do two unfinished jobs hold one key: a sweep line over the trail, whose order is the order in which the
 * store carried things out. A job that gives way to the holder of its key on its way back ends in the same entry.
 */
export function uniqueHolders(
  rows: readonly JobRow[],
  trails: ReadonlyMap<string, readonly TrailEntry[]>,
): string[] {
  const keys = new Map(rows.map(({ id, kind, uniqueKey }) => [id, `${kind} ${uniqueKey}`]))
  const entries = rows.flatMap(({ id }) => trails.get(id) ?? []).toSorted((a, b) => a.seq - b.seq)
  const holders = new Map<string, string>()
  return entries.flatMap(({ jobId, to }) => {
    const key = keys.get(jobId) ?? ""
    const holder = holders.get(key)
    if (isFinal(to)) {
      if (holder === jobId) holders.delete(key)
      return []
    }
    if (holder === undefined) holders.set(key, jobId)
    if (holder === undefined || holder === jobId) return []
    return [`jobs ${holder} and ${jobId} hold the key "${key}" at once`]
  })
}
