import type { Rng } from "../../packages/drover/src/time/index.ts"
import { randomBelow } from "../../packages/drover/src/time/index.ts"
import { logUniform, weighted } from "../faults/drawFaults.ts"
import type { Action, JobPlan, KindName, Step, UniquePlan } from "./plan.ts"

/** What a workload is drawn from. */
export interface WorkloadShape {
  readonly processes: number
  readonly drawTime: (rng: Rng) => number
  /** About how many actions there are. */
  readonly actions: number
  /** How many different unique keys there are; few, so that they meet. */
  readonly keys: number
}

const doings: readonly (readonly [Action["do"], number])[] = [
  ["enqueue", 60],
  ["transact", 5],
  ["cancel", 14],
  ["retry", 3],
  ["discard", 1],
  ["delete", 2],
  ["edit", 4],
  ["pause", 3],
  ["resize", 2],
  ["await", 6],
  ["look", 1],
  ["age", 1],
]
const queues = ["main", "bulk"]
const HERDS = 1
const HERD_JOBS = 50

/** Draws what clients and operators do in a run, in the order of its time. */
export function drawActions(rng: Rng, shape: WorkloadShape): readonly Action[] {
  const actions: Action[] = []
  for (let i = 0; i < shape.actions; i++) actions.push(...drawAction(rng, shape))
  for (let i = 0; i < HERDS; i++) {
    if (rng.next() < 0.3) actions.push({ ...drawPlace(rng, shape), do: "herd", count: HERD_JOBS })
  }
  return actions.toSorted((a, b) => a.atMs - b.atMs)
}

function drawPlace(
  rng: Rng,
  shape: WorkloadShape,
): { readonly atMs: number; readonly process: number } {
  return {
    atMs: shape.drawTime(rng),
    process: randomBelow(rng, shape.processes),
  }
}

function drawAction(rng: Rng, shape: WorkloadShape): Action[] {
  const place = drawPlace(rng, shape)
  const what = weighted(rng, doings)
  switch (what) {
    case "enqueue": {
      const count = rng.next() < 0.8 ? 1 : 2 + randomBelow(rng, 8)
      const jobs = Array.from({ length: count }, () => drawJob(rng, shape))
      return [{ ...place, do: what, jobs: oneKind(jobs) }]
    }
    case "transact":
      return [{ ...place, do: what, job: drawJob(rng, shape), end: drawEnd(rng) }]
    case "pause": {
      const queue = queues[randomBelow(rng, queues.length)]!
      const resumeAtMs = place.atMs + logUniform(rng, 1_000, 120_000)
      const process = randomBelow(rng, shape.processes)
      return [
        { ...place, do: "pause", queue },
        { atMs: resumeAtMs, process, do: "resume", queue },
      ]
    }
    case "resize": {
      const queue = queues[randomBelow(rng, queues.length)]!
      return [{ ...place, do: what, queue, slots: rng.next() < 0.3 ? null : randomBelow(rng, 7) }]
    }
    case "age": {
      const queue = queues[randomBelow(rng, queues.length)]!
      const everyMs = rng.next() < 0.3 ? null : logUniform(rng, 10, 60_000)
      return [{ ...place, do: what, queue, everyMs }]
    }
    case "cancel":
    case "retry":
    case "discard":
    case "delete":
    case "edit":
    case "await":
    case "look":
      return [{ ...place, do: what, pick: rng.next() }]
    case "resume":
    case "herd":
    case "tend":
    case "retime":
    case "limit":
      return []
  }
}

const ordinaryKinds: readonly KindName[] = ["sim.work", "sim.bulk", "sim.rare"]

/** Draws a job of one of these kinds. */
export function drawJob(
  rng: Rng,
  shape: Pick<WorkloadShape, "keys">,
  names: readonly KindName[] = ordinaryKinds,
): JobPlan {
  const kind = names[randomBelow(rng, names.length)]!
  const unique = rng.next() < 0.3 ? drawUnique(rng, shape.keys) : null
  const delayed = unique?.mode === "debounce" || rng.next() < 0.25
  return {
    kind,
    delayMs: delayed ? logUniform(rng, 200, 240_000) : 0,
    priority: rng.next() < 0.6 ? 100 : randomBelow(rng, 1_001),
    expireMs: rng.next() < 0.1 ? logUniform(rng, 500, 120_000) : false,
    unique,
    tenant: null,
    steps: drawSteps(rng, kind === "sim.bulk"),
  }
}

/** What is enqueued in one statement is of one kind. */
export function oneKind(jobs: readonly JobPlan[]): readonly JobPlan[] {
  return jobs.map((job) => ({ ...job, kind: jobs[0]!.kind }))
}

export function drawEnd(rng: Rng): "commit" | "rollback" | "crash" {
  return weighted(rng, [
    ["commit", 6],
    ["rollback", 3],
    ["crash", 1],
  ] as const)
}

function drawUnique(rng: Rng, keys: number): UniquePlan {
  const key = `key-${randomBelow(rng, keys)}`
  const mode = weighted(rng, [
    ["skip", 5],
    ["replace", 2],
    ["debounce", 1],
    ["throttle", 1],
  ] as const)
  if (mode === "throttle") {
    return { key: `throttle-${key}`, mode, forMs: logUniform(rng, 2_000, 60_000) }
  }
  return { key, mode, forMs: rng.next() < 0.2 ? logUniform(rng, 1_000, 120_000) : null }
}

function drawSteps(rng: Rng, isLong: boolean): readonly Step[] {
  const steps: Step[] = []
  const troubles = rng.next() < 0.55 ? 0 : 1 + randomBelow(rng, 3)
  for (let i = 0; i < troubles; i++) {
    const then = weighted(rng, [
      ["throw", 10],
      ["snooze", 4],
      ["retryIn", 3],
      ["crash", 1],
    ] as const)
    steps.push(drawStep(rng, isLong, then))
  }
  const last = weighted(rng, [
    ["complete", 40],
    ["cancel", 1],
    ["discard", 1],
    ["throw", 1],
    ["crash", 0.4],
  ] as const)
  return [...steps, drawStep(rng, isLong, last)]
}

function drawStep(rng: Rng, isLong: boolean, then: Step["then"]): Step {
  const isInstant = rng.next() < 0.3
  const leastMs = isLong && rng.next() < 0.4 ? 30_000 : 1
  return {
    ms: isInstant ? 0 : logUniform(rng, leastMs, 100_000),
    then,
    deaf: rng.next() < 0.12,
    noisy: rng.next() < 0.15,
  }
}

/** What each job of a herd does: all fail together, later all succeed. */
export const herdSteps: readonly Step[] = [
  { ms: 400, then: "throw", deaf: true, noisy: false },
  { ms: 50, then: "complete", deaf: true, noisy: false },
]
