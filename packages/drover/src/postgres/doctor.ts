import { isDroverError } from "../errors/index.ts"
import { judgeMaintenance, judgeMove } from "../store/index.ts"
import type { HealthCheck } from "../store/index.ts"
import type { Connection } from "./connection.ts"
import type { PostgresDatabase } from "./database.ts"
import {
  checkCancels,
  checkFinishedBytes,
  checkLeases,
  checkOldestWaiting,
  checkUnserved,
  workerInfos,
} from "./doctorJobs.ts"
import { doctorLimits } from "./doctorLimits.ts"
import type { DoctorLimits } from "./doctorLimits.ts"
import {
  checkConnections,
  checkDurability,
  checkNotifyQueue,
  checkPooler,
  checkSkew,
  checkTransactions,
  checkVersion,
  checkWraparound,
  checkXmin,
  readServer,
} from "./doctorServer.ts"
import {
  checkAutovacuum,
  checkBrokenIndexes,
  checkDeadRows,
  checkGrants,
  checkIndexBloat,
  checkLocks,
  checkSchema,
} from "./doctorTables.ts"
import { noteIn } from "./postgresMove.ts"
import { checkLeader } from "./terms.ts"

// Whoever asks waits; what cannot be read in this time is itself what was found.
const CHECK_MS = 5_000

/** The checks that read the tables, by the name of what they find. */
const TABLES: Readonly<
  Record<string, (connection: Connection, limits: DoctorLimits) => Promise<HealthCheck>>
> = {
  move: async (connection) => judgeMove(await noteIn(connection, "read_move")),
  xmin_age: checkXmin,
  dead_rows: checkDeadRows,
  index_bloat: checkIndexBloat,
  invalid_indexes: checkBrokenIndexes,
  grants: checkGrants,
  long_locks: checkLocks,
  leader: checkLeader,
  maintenance: async (connection) => judgeMaintenance(await workerInfos(connection)),
  stuck_leases: checkLeases,
  oldest_waiting: checkOldestWaiting,
  unserved_kinds: checkUnserved,
  ignored_cancels: checkCancels,
  finished_bytes: checkFinishedBytes,
}

/** Looks at everything that goes wrong in practice. Each finding says what was seen and what to do. */
export async function doctor(
  database: PostgresDatabase,
  limits: DoctorLimits = doctorLimits,
): Promise<readonly HealthCheck[]> {
  const read = <T>(body: (connection: Connection) => Promise<T>): Promise<T> =>
    database.read("doctor", body, { deadlineMs: CHECK_MS })
  const checks = [
    await examine("schema", () => checkSchema(database)),
    await examine("pooler", async () => checkPooler(database)),
  ]
  try {
    const server = await read((connection) => readServer(connection, database))
    checks.push(
      checkVersion(server),
      checkDurability(server),
      checkWraparound(server),
      checkConnections(server, limits),
      checkNotifyQueue(server, limits),
      checkSkew(server, limits),
    )
    const named = {
      oldest_transaction: (connection: Connection) => checkTransactions(connection, server, limits),
      autovacuum: (connection: Connection) => checkAutovacuum(connection, server),
    }
    for (const [name, look] of Object.entries(named)) {
      checks.push(await examine(name, () => read(look)))
    }
  } catch (error) {
    checks.push(failed("server", error))
  }
  for (const [name, look] of Object.entries(TABLES)) {
    checks.push(await examine(name, () => read((connection) => look(connection, limits))))
  }
  return checks
}

async function examine(name: string, look: () => Promise<HealthCheck>): Promise<HealthCheck> {
  try {
    return await look()
  } catch (error) {
    return failed(name, error)
  }
}

/** What keeps a check from being made is itself what was found. */
function failed(name: string, error: unknown): HealthCheck {
  if (!isDroverError(error) || error.code === "DROVER_CLOSED") throw error
  return { check: name, status: "fail", message: error.message, value: error.code }
}
