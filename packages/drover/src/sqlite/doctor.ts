import type { HealthCheck } from "../store/index.ts"
import type { StoreContext } from "./context.ts"
import { checkClock, checkLock } from "./doctorDatabase.ts"
import { checkIntegrity, checkLog, checkSchema } from "./doctorDatabase.ts"
import { checkDisk, checkPermissions, checkPlace } from "./doctorFile.ts"
import {
  checkCancels,
  checkFinishedBytes,
  checkLeases,
  checkOldestWaiting,
  checkUnserved,
} from "./doctorJobs.ts"

/** Looks at everything that goes wrong in practice. Each finding says what was seen and what to do. */
export async function doctor(context: StoreContext): Promise<readonly HealthCheck[]> {
  const { file } = context
  const checks: HealthCheck[] = []
  if (file !== null) checks.push(checkPlace(file), checkPermissions(file), checkDisk(file))
  checks.push(await checkLock(context))
  for (const check of [
    checkSchema,
    checkLog,
    checkIntegrity,
    checkClock,
    checkLeases,
    checkOldestWaiting,
    checkUnserved,
    checkCancels,
    checkFinishedBytes,
  ]) {
    checks.push(await context.read("doctor", (tx) => check(tx, context)))
    // Each check is short, but all of them together would hold up the event loop.
    await new Promise<void>((resolve) => context.clock.defer(resolve))
  }
  return checks
}
