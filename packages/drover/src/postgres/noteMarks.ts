import type { StoreContext } from "./context.ts"
import type { Reply } from "./exchangeReply.ts"

/** What claims have shown is not below the marks. An aging queue has no order that a mark could use. */
export function noteMarks(
  { marks, lanes }: StoreContext,
  ids: readonly number[],
  { claimed, agingMs }: Reply,
  limit: number,
): void {
  if (claimed.length === 0 || agingMs !== null) return
  const wasFilled = claimed.length === limit
  if (ids.length === 1) {
    marks.claimed(ids[0] as number, claimed, wasFilled)
    return
  }
  const byLane = Map.groupBy(claimed, ({ queue, kind }) => lanes.idOf(queue, kind))
  for (const [lane, jobs] of byLane) if (lane !== undefined) marks.claimed(lane, jobs, wasFilled)
}
