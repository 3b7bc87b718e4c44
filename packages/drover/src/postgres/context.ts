import type { PostgresDatabase } from "./database.ts"
import type { Lanes } from "./lanes.ts"
import type { LimitedLanes } from "./limitedLanes.ts"
import type { LowMarks } from "./lowMarks.ts"
import type { OpenClaims } from "./openClaims.ts"

/** What the operations of one store share. */
export interface StoreContext {
  readonly database: PostgresDatabase
  readonly lanes: Lanes
  readonly marks: LowMarks
  readonly limited: LimitedLanes
  readonly claims: OpenClaims
}
