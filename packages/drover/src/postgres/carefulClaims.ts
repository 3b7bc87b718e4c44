import type { ClaimedJob } from "../store/index.ts"
import type { PostgresDatabase } from "./database.ts"
import type { Bands } from "./lowMarks.ts"

// Each round looks past what the ones before it have left.
const MOST_ROUNDS = 10

/** What came of jobs that were looked at one by one. */
export interface CarefulClaim {
  readonly claimed: readonly ClaimedJob[]
  /** Those that somebody else has locked, or whose key. */
  readonly left: readonly string[]
}

/**
 * Claims what waits behind jobs whose keys somebody keeps locked: every claim picks those again, and a transaction of a
 * user that stays open would hold up all that is behind them. One by one, because jobs of a batch share a rank: none says
 * where to go on.
 * @param left what the claim of these bands has left.
 */
export async function claimPast(
  database: PostgresDatabase,
  { lanes, lows, highs }: Bands,
  { left, most }: { readonly left: readonly string[]; readonly most: number },
  claim: (ids: readonly string[], most: number) => Promise<CarefulClaim>,
): Promise<readonly ClaimedJob[]> {
  const claimed: ClaimedJob[] = []
  const past = [...left]
  for (let round = 0; round < MOST_ROUNDS && claimed.length < most; round++) {
    const wanted = most - claimed.length
    const values = [lanes, lows, highs, past, wanted]
    const rows = await database.statement("exchange", "next_past", values, { reads: true })
    if (rows.length === 0) break
    const found = await claim(
      rows.map(([id]) => id as string),
      wanted,
    )
    claimed.push(...found.claimed)
    past.push(...found.left)
  }
  return claimed
}
