import type { NewJob } from "../src/store/index.ts"

/** The one kind of job of the crash tests: it takes some time and fails as often as it was told. */
export const stepKind = "crash.step"
export const stepQueue = "steps"

export interface StepInput {
  /** How long the first attempt takes. */
  readonly ms: number
  /** How long later attempts take. @default the same */
  readonly laterMs?: number
  /** Kills its process whenever it runs. */
  readonly poison?: boolean
  /** How many attempts fail before one succeeds. */
  readonly failures: number
}

export interface StepResult {
  readonly attempt: number
  readonly pid: number
}

/** A job that outlives any number of crashes, so that none may be missing in the end. */
export function stepJob(id: string, input: StepInput): NewJob {
  return {
    id,
    kind: stepKind,
    queue: stepQueue,
    priority: 100,
    input: JSON.stringify(input),
    delayMs: 0,
    runAt: null,
    expireMs: null,
    maxAttempts: 100,
    maxCrashes: 1_000,
    timeoutMs: null,
    retry: JSON.stringify({ backoff: "fixed", base: 20, jitter: "full" }),
    tags: [],
    metadata: null,
    unique: null,
  }
}
