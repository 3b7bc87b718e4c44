import type { RunRequest } from "../world/seedConfig.ts"
import { runSeed } from "../world/runSeed.ts"
import type { RunResult } from "../world/runSeed.ts"
import { ddmin } from "./ddmin.ts"

/** A failing run, and the least that still fails in the same way. */
export interface Shrunk {
  readonly request: RunRequest
  readonly result: RunResult
  readonly faultsBefore: number
  readonly actionsBefore: number
  readonly runs: number
}

const FAULT_BUDGET = 150
const ACTION_BUDGET = 250

/**
 * Takes away faults, then actions, then processes, for as long as the same checker complains.
 * @param faultsOnly for a kill table, which names no more than the faults.
 */
export async function shrinkRun(
  failed: RunResult,
  request: RunRequest,
  { faultsOnly }: { readonly faultsOnly: boolean },
): Promise<Shrunk> {
  const checker = failed.violation?.checker
  let best: { request: RunRequest; result: RunResult } = { request, result: failed }
  let runs = 0
  const tryRequest = async (candidate: RunRequest): Promise<boolean> => {
    runs++
    const result = await runSeed(candidate)
    if (result.violation === undefined || result.violation.checker !== checker) return false
    best = { request: candidate, result }
    return true
  }
  const faults = request.faults ?? places(failed.config.faults.length)
  const actions = request.actions ?? places(failed.config.actions.length)
  await ddmin(faults, (part) => tryRequest({ ...best.request, faults: part }), FAULT_BUDGET)
  const shrunk = (): Shrunk => ({
    ...best,
    faultsBefore: faults.length,
    actionsBefore: actions.length,
    runs,
  })
  if (faultsOnly) return shrunk()
  await ddmin(actions, (part) => tryRequest({ ...best.request, actions: part }), ACTION_BUDGET)
  await ddmin(
    best.request.faults ?? faults,
    (part) => tryRequest({ ...best.request, faults: part }),
    FAULT_BUDGET,
  )
  for (let processes = best.result.config.processes - 1; processes >= 1; processes--) {
    if (!(await tryRequest({ ...best.request, processes }))) break
  }
  return shrunk()
}

function places(count: number): readonly number[] {
  return Array.from({ length: count }, (_, place) => place)
}
