import { Events } from "../../src/events/index.ts"
import { sqlite } from "../../src/sqlite/index.ts"
import type { Store } from "../../src/store/index.ts"
import { systemClock, systemRng } from "../../src/time/index.ts"
import { crashingStore } from "../crashingStore.ts"
import { Fuse, readPlan } from "../plan.ts"
import type { Plan } from "../plan.ts"
import { Witness } from "../witness.ts"

/** What each program of the crash tests works with. */
export interface ProgramParts {
  readonly plan: Plan
  readonly witness: Witness
  readonly fuse: Fuse
  readonly store: Store
  readonly events: Events
}

/** Opens the store with the crash points that the driver asked for, and reports what must never happen. */
export async function beginProgram(): Promise<ProgramParts> {
  const plan = readPlan()
  const witness = new Witness(plan.folder)
  const trouble = (what: string): void => witness.write({ event: "trouble", what })
  process.on("uncaughtExceptionMonitor", (error) => trouble(`uncaught: ${String(error)}`))
  const fuse = new Fuse(process.env["DROVER_CRASH_AT"], (point, signal) => {
    witness.write({ event: "struck", point, signal })
  })
  const events = new Events()
  events.on("store.failed", ({ operation, code, message }) => {
    trouble(`${operation} failed with ${code}: ${message}`)
  })
  const environment = { clock: systemClock, rng: systemRng, events }
  const real = sqlite(plan.database).connect(environment)
  await real.open({ migrate: false })
  const store = crashingStore(real, fuse, witness, plan.deadProof)
  return { plan, witness, fuse, store, events }
}

/** Tells the driver that the program is at work. Without its driver it ends too: nobody would ever stop it. */
export function ready(): void {
  process.once("disconnect", () => process.exit())
  process.send?.("ready")
}
