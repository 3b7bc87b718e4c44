import { DroverError } from "../errors/index.ts"
import type { Store } from "../store/index.ts"
import type { ManualClock } from "../time/index.ts"

/**
 * Moves the clock, and with it the time of the store, which decides what is due.
 * @throws DroverError `DROVER_CONFIG` when the store has a time of its own, as a server has: a test would wait for ever.
 */
export async function moveTime(
  store: Store,
  clock: ManualClock,
  byMs: number,
  what: string,
): Promise<void> {
  const before = await store.now()
  await clock.advance(byMs)
  if ((await store.now()) >= before + byMs) return
  throw new DroverError(
    "DROVER_CONFIG",
    `${what} moves the clock, and the time of this store is that of its server, which no test moves; use a store of SQLite`,
  )
}
