import { schedule } from "drover"
import type { ScheduleDefinition, ScheduleEdit } from "drover"
import type { Rng } from "../../packages/drover/src/time/index.ts"
import { randomBelow } from "../../packages/drover/src/time/index.ts"
import { logUniform } from "../faults/drawFaults.ts"
import { defineKinds } from "../world/handlers.ts"
import type { Action } from "./plan.ts"

/** When ticks are planned, by arithmetic of its own: `offsetMs` after each multiple of `everyMs` since 1970. */
export interface TimingPlan {
  readonly everyMs: number
  readonly offsetMs: number
}

/** A schedule of every run. */
export interface SchedulePlan extends TimingPlan {
  readonly name: string
  /** The most jobs that one look at it may make. */
  readonly most: number
  readonly overlap: "allow" | "skip" | "queue-one"
  /** How long its job takes. */
  readonly jobMs: number
}

const SECOND_MS = 1_000
const MINUTE_MS = 60_000
// Before any run: an interval is counted from there, so that all processes plan the same.
const LONG_AGO = 1e12

/** What recurs in every run, each by another policy. */
export const schedulePlans: readonly SchedulePlan[] = [
  plan("caught-up", [47 * SECOND_MS, 3 * SECOND_MS], { most: 5 }),
  plan("jittered", [19 * SECOND_MS, 7 * SECOND_MS]),
  plan("skipping", [181 * SECOND_MS, 0], { overlap: "skip" }),
  plan("cron", [5 * MINUTE_MS, 15 * SECOND_MS]),
  // Its job has ended when its next tick comes, unless something is in its way or it was given another timing.
  plan("queueing", [61 * SECOND_MS, 29 * SECOND_MS], { overlap: "queue-one", jobMs: 45_000 }),
]

/** What operators retime schedules to; by an interval, or by the expression if there is one. */
const retimings: readonly (TimingPlan & { readonly cron?: string })[] = [
  { everyMs: 31 * SECOND_MS, offsetMs: 11 * SECOND_MS },
  { everyMs: 83 * SECOND_MS, offsetMs: 5 * SECOND_MS },
  { everyMs: 2 * MINUTE_MS, offsetMs: 40 * SECOND_MS, cron: "40 */2 * * * *" },
]

function plan(
  name: string,
  [everyMs, offsetMs]: readonly [number, number],
  more: Partial<SchedulePlan> = {},
): SchedulePlan {
  return { name, everyMs, offsetMs, most: 1, overlap: "allow", jobMs: 40, ...more }
}

/** The first planned instant after another instant. */
export function plannedAfter({ everyMs, offsetMs }: TimingPlan, afterMs: number): number {
  return (Math.floor((afterMs - offsetMs) / everyMs) + 1) * everyMs + offsetMs
}

/** The edit that gives a schedule one of the other timings. */
export function retiming(place: number): ScheduleEdit {
  const timing = retimings[place]!
  const { cron, everyMs } = timing
  return cron === undefined ? { every: everyMs, startAt: plannedAfter(timing, LONG_AGO) } : { cron }
}

/** The timing that an edit asks for; `undefined` when it asks for none. */
export function timingOfEdit(edit: ScheduleEdit): TimingPlan | undefined {
  if (edit.cron !== undefined) return retimings.find(({ cron }) => cron === edit.cron)
  return edit.every === undefined
    ? undefined
    : { everyMs: Number(edit.every), offsetMs: Number(edit.startAt) % Number(edit.every) }
}

/** The plans as programs declare them. @param endAt no tick is planned after. */
export function simSchedules(endAt: number): readonly ScheduleDefinition[] {
  const [short, long] = defineKinds(null, ["sim.work", "sim.bulk"])
  return schedulePlans.map((planned) => {
    const { name, everyMs, most, overlap, jobMs } = planned
    const timing =
      name === "cron"
        ? ({ cron: "15 */5 * * * *" } as const)
        : ({ every: everyMs, startAt: plannedAfter(planned, LONG_AGO) } as const)
    return schedule(name, {
      ...timing,
      endAt,
      job: jobMs > 1_000 ? long! : short!,
      input: { steps: [{ ms: jobMs, then: "complete", deaf: false, noisy: false }] },
      catchUp: most > 1 ? { all: most } : name === "skipping" ? "skip" : "latest",
      overlap,
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

/** Draws what operators do to the timings of schedules in a run: most of them while the schedule is paused. */
export function drawRetiming(
  rng: Rng,
  shape: { readonly processes: number; readonly drawTime: (rng: Rng) => number },
): readonly Action[] {
  const actions: Action[] = []
  for (let left = randomBelow(rng, 4); left > 0; left--) {
    const { name } = schedulePlans[randomBelow(rng, schedulePlans.length)]!
    const process = randomBelow(rng, shape.processes)
    const atMs = shape.drawTime(rng)
    const timing = randomBelow(rng, retimings.length)
    actions.push({ atMs, process, do: "retime", schedule: name, timing })
    if (rng.next() < 0.6) {
      const pausedMs = atMs - logUniform(rng, 1_000, 300_000)
      const resumedMs = atMs + logUniform(rng, 1_000, 300_000)
      if (pausedMs > 0) {
        actions.push({ atMs: pausedMs, process, do: "tend", what: "pause", schedule: name })
        actions.push({ atMs: resumedMs, process, do: "tend", what: "resume", schedule: name })
      }
    }
    if (rng.next() < 0.4) {
      const resetMs = atMs + logUniform(rng, 1_000, 600_000)
      actions.push({ atMs: resetMs, process, do: "retime", schedule: name, timing: null })
    }
  }
  return actions
}
