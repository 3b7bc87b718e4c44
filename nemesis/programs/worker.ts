/** A process of the fleet. A mutant must be planted before the runtime is loaded, so that is imported after it. */
import { installMutant } from "../../sim/mutants/install.ts"
import { readWorkerPlan } from "../fleet/workerPlan.ts"
import { mutantNamed } from "../mutants/index.ts"

const plan = readWorkerPlan()
const checkLoaded =
  plan.mutant === null ? undefined : installMutant(mutantNamed(plan.mutant, plan.address.dialect))
const { runWorker } = await import("../fleet/workerProcess.ts")
const { storeSource } = await import("../fleet/storeSource.ts")
// A store is loaded when it is first named.
await storeSource(plan.address)
checkLoaded?.()
await runWorker(plan)
