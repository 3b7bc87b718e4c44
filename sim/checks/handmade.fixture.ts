import type { StoreCall } from "../faults/faultStore.ts"
import type { Life } from "../engine/life.ts"
import type { HandlerRun, JobRecord, Move } from "./jobRecord.ts"

/** A row, as a waiting job that was just enqueued has it. */
export function record(changes: Partial<JobRecord> = {}): JobRecord {
  return {
    seq: 1,
    id: "job-1",
    kind: "sim.work",
    queue: "main",
    state: "available",
    runAt: 1_000,
    attempt: 0,
    token: null,
    worker: null,
    failures: 0,
    crashes: 0,
    interruptions: 0,
    maxAttempts: 4,
    maxCrashes: 3,
    solo: false,
    enqueuedAt: 1_000,
    expiresAt: null,
    finishedAt: null,
    cancelAt: null,
    trail: 1,
    result: null,
    error: null,
    reason: null,
    uniqueHash: null,
    uniqueLabel: null,
    uniqueStates: 0,
    uniqueUntil: null,
    keys: [],
    ...changes,
  }
}

/** A transition, as the claim of that job has it. */
export function move(changes: Partial<Move> = {}): Move {
  return {
    seq: 2,
    prev: 1,
    job: 1,
    at: 2_000,
    from: "available",
    to: "running",
    attempt: 1,
    worker: 7,
    actor: null,
    reason: null,
    ...changes,
  }
}

/** The entry of the enqueue. */
export const born: Move = move({
  seq: 1,
  prev: null,
  at: 1_000,
  from: null,
  to: "available",
  attempt: 0,
  worker: null,
})

/** A life that is neither dead nor paused, unless told otherwise. */
export function life(
  changes: Partial<
    Pick<Life, "name" | "isDead" | "isPaused" | "lastStalledMs" | "pendingTimers">
  > = {},
): Life {
  const facts = {
    name: "p0.1",
    isDead: false,
    isPaused: false,
    lastStalledMs: -Infinity,
    pendingTimers: 0,
  }
  return { ...facts, ...changes } as Life
}

/** A call of the store. */
export function call(
  op: StoreCall["op"],
  args: readonly unknown[],
  changes: Partial<StoreCall> = {},
): StoreCall {
  return { op, args, process: 0, life: life(), sentAtMs: 0, ...changes }
}

/** A run of the job's handler. */
export function run(changes: Partial<HandlerRun> = {}): HandlerRun {
  return {
    jobId: "job-1",
    kind: "sim.work",
    queue: "main",
    attempt: 1,
    process: 0,
    life: life(),
    signal: new AbortController().signal,
    startedMs: 0,
    endedMs: null,
    outcome: null,
    ...changes,
  }
}
