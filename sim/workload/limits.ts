import type { LimitSettings, QueueOptions } from "drover"
import type { Rng } from "../../packages/drover/src/time/index.ts"
import { randomBelow } from "../../packages/drover/src/time/index.ts"
import { logUniform } from "../faults/drawFaults.ts"
import type { PlannedInput } from "../world/handlers.ts"
import { drawEnd, drawJob, oneKind } from "./drawActions.ts"
import type { WorkloadShape } from "./drawActions.ts"
import { queueSlots } from "./plan.ts"
import type { Action, JobPlan, KindName } from "./plan.ts"

/** The kinds that only runs with limits have. */
export const limitedKinds: readonly KindName[] = ["sim.tenant", "sim.metered"]

/** The queue of these kinds. */
export const LIMITED_QUEUE = "shared"

const key = (input: PlannedInput): string | null => input.tenant ?? null

/** What programs declare about kinds. */
export const kindLimits: Readonly<Partial<Record<KindName, LimitSettings<PlannedInput>>>> = {
  "sim.tenant": { concurrency: { limit: 2, key } },
  "sim.metered": { rate: { limit: 3, per: "10s", key } },
}

const queueLimits: LimitSettings = {
  concurrency: 5,
  rate: { limit: 8, per: "4s" },
  fair: { key: (input) => key(input as PlannedInput), weights: { ann: 2 } },
}

/** Longer than every window. */
export const LONGEST_WINDOW_MS = 10_000

/** The limit by which the keys of that queue take turns. */
export const FAIR_LIMIT = "queue:shared#fair.key"

/** The limits that operators change. The last is declared by nobody: it begins and ends with what they set. */
export const limitNames = [
  "queue:shared#concurrency",
  "queue:shared#rate",
  FAIR_LIMIT,
  "kind:sim.tenant#concurrency.key",
  "kind:sim.metered#rate.key",
  "kind:sim.metered#concurrency",
] as const

/** What a program says of its queues. */
export function queuesOf(isLimited: boolean): Readonly<Record<string, QueueOptions>> {
  const queues = [...queueSlots].filter(([queue]) => isLimited || queue !== LIMITED_QUEUE)
  return Object.fromEntries(
    queues.map(([queue, slots]) => [
      queue,
      queue === LIMITED_QUEUE ? { slots, ...queueLimits } : { slots },
    ]),
  )
}

const TENANTS = ["ann", "bob", "cyd"]
const VALUES = [0, 1, 2, 3, 6, 12, null]

/** Draws the jobs of a run that meet limits, and what operators do to the limits. */
export function drawLimits(
  rng: Rng,
  shape: Pick<WorkloadShape, "processes" | "drawTime" | "keys">,
): readonly Action[] {
  const actions: Action[] = []
  const place = (): { readonly atMs: number; readonly process: number } => ({
    atMs: shape.drawTime(rng),
    process: randomBelow(rng, shape.processes),
  })
  const job = (): JobPlan => {
    const tenant = rng.next() < 0.15 ? null : TENANTS[randomBelow(rng, TENANTS.length)]!
    return { ...drawJob(rng, shape, limitedKinds), tenant }
  }
  for (let left = logUniform(rng, 5, 30); left > 0; left--) {
    if (rng.next() < 0.1)
      actions.push({ ...place(), do: "transact", job: job(), end: drawEnd(rng) })
    else {
      const jobs = Array.from({ length: 1 + randomBelow(rng, 9) }, job)
      actions.push({ ...place(), do: "enqueue", jobs: oneKind(jobs) })
    }
  }
  for (let left = 1 + randomBelow(rng, 15); left > 0; left--) {
    const limit = limitNames[randomBelow(rng, limitNames.length)]!
    const at = place()
    actions.push({ ...at, do: "limit", limit, max: VALUES[randomBelow(rng, VALUES.length)]! })
    if (rng.next() < 0.5) {
      const atMs = at.atMs + logUniform(rng, 1_000, 120_000)
      actions.push({ ...at, atMs, do: "limit", limit, max: null })
    }
  }
  // In the middle of the work a kind is throttled, for which nobody has declared it.
  for (let left = randomBelow(rng, 4); left > 0; left--) {
    const { atMs, process } = actions[randomBelow(rng, actions.length)]!
    const limit = "kind:sim.metered#concurrency"
    const beginMs = atMs + logUniform(rng, 100, 5_000)
    actions.push({ atMs: beginMs, process, do: "limit", limit, max: 1 })
    const endMs = beginMs + logUniform(rng, 5_000, 60_000)
    actions.push({ atMs: endMs, process, do: "limit", limit, max: null })
  }
  return actions
}
