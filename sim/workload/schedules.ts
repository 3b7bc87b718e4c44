import { schedule } from "drover"
import type { ScheduleDefinition } from "drover"
import type { Rng } from "../../packages/drover/src/time/index.ts"
import { randomBelow } from "../../packages/drover/src/time/index.ts"
import { logUniform } from "../faults/drawFaults.ts"
import { defineKinds } from "../world/handlers.ts"
import type { Action } from "./plan.ts"

/** A schedule of every run, by arithmetic of its own: ticks are `offsetMs` after each multiple of `everyMs` since 1970. */
export interface SchedulePlan {
  readonly name: string
  readonly everyMs: number
  readonly offsetMs: number
  /** The most jobs that one look at it may make. */
  readonly most: number
}

const SECOND_MS = 1_000
const MINUTE_MS = 60_000

/** What recurs in every run, each by another policy. */
export const schedulePlans: readonly SchedulePlan[] = [
  { name: "caught-up", everyMs: 47 * SECOND_MS, offsetMs: 3 * SECOND_MS, most: 5 },
  { name: "jittered", everyMs: 19 * SECOND_MS, offsetMs: 7 * SECOND_MS, most: 1 },
  { name: "skipping", everyMs: 181 * SECOND_MS, offsetMs: 0, most: 1 },
  { name: "cron", everyMs: 5 * MINUTE_MS, offsetMs: 15 * SECOND_MS, most: 1 },
]

/** The first planned instant of a plan after another instant. */
export function plannedAfter({ everyMs, offsetMs }: SchedulePlan, afterMs: number): number {
  return (Math.floor((afterMs - offsetMs) / everyMs) + 1) * everyMs + offsetMs
}

/** The plans as programs declare them. @param endAt no tick is planned after. */
export function simSchedules(endAt: number): readonly ScheduleDefinition[] {
  const [job] = defineKinds(null, ["sim.work"])
  const steps = [{ ms: 40, then: "complete", deaf: false, noisy: false }] as const
  return schedulePlans.map((plan) => {
    const { name, everyMs, most } = plan
    const timing =
      name === "cron"
        ? ({ cron: "15 */5 * * * *" } as const)
        : // Long before any run: an interval is counted from there, so that all processes plan the same.
          ({ every: everyMs, startAt: plannedAfter(plan, 1e12) } as const)
    return schedule(name, {
      ...timing,
      endAt,
      job: job!,
      input: { steps },
      catchUp: most > 1 ? { all: most } : name === "skipping" ? "skip" : "latest",
      overlap: name === "skipping" ? "skip" : "allow",
      jitter: name === "jittered" ? "4s" : 0,
    })
  })
}

/** Draws what operators do to schedules in a run. */
export function drawTending(
  rng: Rng,
  shape: { readonly processes: number; readonly drawTime: (rng: Rng) => number },
): readonly Action[] {
  const actions: Action[] = []
  const tend = (atMs: number, what: Extract<Action, { readonly do: "tend" }>["what"]): void => {
    const { name } = schedulePlans[randomBelow(rng, schedulePlans.length)]!
    const process = randomBelow(rng, shape.processes)
    actions.push({ atMs, process, do: "tend", what, schedule: name })
  }
  for (const what of ["pause", "trigger", "edit", "remake", "deploy"] as const) {
    const count = randomBelow(rng, 3)
    for (let n = 0; n < count; n++) {
      const atMs = shape.drawTime(rng)
      tend(atMs, what)
      if (what === "pause") tend(atMs + logUniform(rng, 1_000, 600_000), "resume")
    }
  }
  return actions
}
