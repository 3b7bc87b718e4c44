import { defineJob, discard, cancel, retryIn, snooze } from "drover"
import type { JobContext, JobDefinition } from "drover"
import type { HandlerRun } from "../checks/jobRecord.ts"
import type { Life } from "../engine/life.ts"
import { kinds } from "../workload/plan.ts"
import type { KindName, Step } from "../workload/plan.ts"
import { kindLimits } from "../workload/limits.ts"

/** What a handler needs of the process that runs it. */
export interface HandlerHost {
  readonly process: number
  readonly life: Life
  readonly nowMs: () => number
  started(run: HandlerRun): void
  ended(run: HandlerRun): void
  /** The handler takes the process with it. */
  crash(): void
}

/** Input of every simulated job: what each attempt does. */
export interface PlannedInput {
  readonly steps: readonly Step[]
  /** Key under keyed limits; without it the job is subject to none of them. */
  readonly tenant?: string
}

const RETRY = { base: "1s", cap: "30s", maxAttempts: 4 } as const

/** A definition of each kind, whose handler does what its job's input says. `null` for clients that run nothing. */
export function defineKinds(
  host: HandlerHost | null,
  names: readonly KindName[],
): JobDefinition<PlannedInput>[] {
  return names.map((kind) =>
    defineJob(kind, {
      queue: kinds[kind].queue,
      retry: RETRY,
      ...kindLimits[kind],
      timeout: kinds[kind].timeout,
      run: (context: JobContext<PlannedInput>): Promise<unknown> => {
        if (host === null) throw new Error("this client runs no jobs")
        return runStep(host, context)
      },
    }),
  )
}

async function runStep(host: HandlerHost, context: JobContext<PlannedInput>): Promise<unknown> {
  const { attempt, input, job, signal } = context
  const step = input.steps[Math.min(attempt, input.steps.length) - 1]!
  const run: HandlerRun = {
    jobId: job.id,
    kind: job.kind,
    queue: job.queue,
    attempt,
    process: host.process,
    life: host.life,
    signal,
    startedMs: host.nowMs(),
    endedMs: null,
    outcome: null,
  }
  host.started(run)
  try {
    if (step.noisy) makeNoise(context, step)
    if (step.ms > 0) await host.life.sleep(step.ms, step.deaf ? {} : { signal })
    run.outcome = step.then
    return endStep(host, step)
  } finally {
    // A crash ends nothing: its process is gone.
    if (!host.life.isDead) {
      run.endedMs = host.nowMs()
      host.ended(run)
    }
  }
}

function makeNoise({ log, progress }: JobContext<PlannedInput>, step: Step): void {
  log.info({ ms: step.ms }, "working")
  progress({ part: 0.5 })
}

function endStep(host: HandlerHost, step: Step): unknown {
  switch (step.then) {
    case "complete":
      return step.deaf ? { ms: step.ms } : undefined
    case "throw":
      throw new Error("simulated failure")
    case "snooze":
      return snooze({ delay: Math.min(10_000, step.ms * 2), reason: "not yet" })
    case "cancel":
      return cancel("nobody wants it")
    case "discard":
      return discard("cannot be done")
    case "retryIn":
      return retryIn(Math.min(15_000, step.ms))
    case "crash":
      host.crash()
      return new Promise(() => {})
  }
}
