import { isDroverError } from "../errors/index.ts"
import { judgeMaintenance, judgeMove } from "../store/index.ts"
import type { HealthCheck } from "../store/index.ts"
import type { StoreContext } from "./context.ts"
import { checkClock, checkIntegrity, checkLock, checkLog, checkSchema } from "./doctorDatabase.ts"
import { checkDisk, checkPermissions, checkPlace } from "./doctorFile.ts"
import {
  checkCancels,
  checkFinishedBytes,
  checkLeases,
  checkOldestWaiting,
  checkUnserved,
  workerInfos,
} from "./doctorJobs.ts"
import { noteIn } from "./sqliteMove.ts"
import { checkLeader } from "./terms.ts"
import type { ReadTx } from "./writeTx.ts"

type Check = (tx: ReadTx, context: StoreContext) => HealthCheck

/** The checks that read the database, by the name of what they find. */
const CHECKS: Readonly<Record<string, Check>> = {
  schema: checkSchema,
  move: (tx) => judgeMove(noteIn(tx)),
  wal: checkLog,
  integrity: checkIntegrity,
  clock: checkClock,
  leader: checkLeader,
  maintenance: (tx) => judgeMaintenance(workerInfos(tx)),
  stuck_leases: checkLeases,
  oldest_waiting: checkOldestWaiting,
  unserved_kinds: checkUnserved,
  ignored_cancels: checkCancels,
  finished_bytes: checkFinishedBytes,
}

/** Looks at everything that goes wrong in practice. Each finding says what was seen and what to do. */
export async function doctor(context: StoreContext): Promise<readonly HealthCheck[]> {
  const { file } = context
  const checks: HealthCheck[] = []
  if (file !== null) {
    const place = checkPlace(file)
    // What is read through the open connection would be about another file.
    if (place.status === "fail") return [place]
    checks.push(place, checkPermissions(file), checkDisk(file))
  }
  checks.push(await examine("write_lock", () => checkLock(context)))
  for (const [name, check] of Object.entries(CHECKS)) {
    const look = (): Promise<HealthCheck> => context.read("doctor", (tx) => check(tx, context))
    checks.push(await examine(name, look))
    // Each check is short, but all of them together would hold up the event loop.
    await new Promise<void>((resolve) => context.clock.defer(resolve))
  }
  return checks
}

async function examine(name: string, look: () => Promise<HealthCheck>): Promise<HealthCheck> {
  try {
    return await look()
  } catch (error) {
    // What keeps a check from being made is itself what was found.
    if (!isDroverError(error) || error.code === "DROVER_CLOSED") throw error
    return { check: name, status: "fail", message: error.message, value: error.code }
  }
}
