import { sqlite } from "drover/sqlite"
import type { StoreSource } from "../../packages/drover/src/store/index.ts"
import type { StoreAddress } from "./workerPlan.ts"

/** The database at an address, as a user would name it. */
export async function storeSource(address: StoreAddress): Promise<StoreSource> {
  if (address.dialect === "sqlite") return sqlite(address.path)
  throw new Error("the Postgres store is not there yet")
}
