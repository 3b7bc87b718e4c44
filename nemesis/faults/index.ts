import type { Ground } from "../ground/ground.ts"
import type { Fault } from "./fault.ts"
import { leaderFaults } from "./leaderFaults.ts"
import { pauseMidway } from "./pauseMidway.ts"
import { postgresFaults } from "./postgresFaults.ts"
import { processFaults } from "./processFaults.ts"
import { sqliteFaults } from "./sqliteFaults.ts"

/** All faults, of processes and of databases. */
export const faults: readonly Fault[] = [
  ...processFaults,
  ...leaderFaults,
  ...sqliteFaults,
  ...postgresFaults,
  pauseMidway,
]

/** Those that this ground can suffer. */
export function faultsOn({ dialect, missing }: Ground): readonly Fault[] {
  return faults.filter(({ name, stores }) => stores.includes(dialect) && !missing.has(name))
}
