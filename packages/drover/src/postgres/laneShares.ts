import type { StoreContext } from "./context.ts"
import type { Bands } from "./lowMarks.ts"

/** How many jobs to take from each band, so that together they are the first ones. From one lane, as many as are wanted. */
export async function laneShares(
  { database }: StoreContext,
  claim: {
    readonly wish: { readonly ids: readonly number[] }
    readonly bands: Bands
    readonly limit: number
  },
): Promise<readonly number[]> {
  const { wish, bands, limit } = claim
  if (wish.ids.length === 1) return bands.lanes.map(() => limit)
  const values = [
    `{${bands.lanes.join(",")}}`,
    `{${bands.lows.join(",")}}`,
    `{${bands.highs.join(",")}}`,
    limit,
  ]
  const rows = await database.statement("exchange", "lane_shares", values, { reads: true })
  const shares = new Map(rows.map(([lane, count]) => [lane as number, count as number]))
  return bands.lanes.map((lane) => shares.get(lane) ?? 0)
}
