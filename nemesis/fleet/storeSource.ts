import { sqlite } from "drover/sqlite"
import type { StoreSource } from "../../packages/drover/src/store/index.ts"
import type { StoreAddress } from "./workerPlan.ts"

// So few that handlers, claims and the producer of a process do wait for each other.
const MOST_CONNECTIONS = 4

/** The database at an address, as a user would name it. */
export async function storeSource(address: StoreAddress): Promise<StoreSource> {
  if (address.dialect === "sqlite") return sqlite(address.path)
  // Loaded only where it is used, so that a run on SQLite does without it.
  const { postgres } = await import("drover/postgres")
  return postgres({ url: address.url, max: MOST_CONNECTIONS })
}
