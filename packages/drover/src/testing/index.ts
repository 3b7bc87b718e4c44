/**
 * The test kit, public as `drover/testing`: a client in a world of its own, one handler run inline, a drain,
 * assertions about what was enqueued, and a probe that waits for events. Nothing in it sleeps.
 */
export { assertEnqueued, assertNotEnqueued } from "./assertEnqueued.ts"
export type { ExpectedJob } from "./assertEnqueued.ts"
export { drain } from "./drain.ts"
export type { DrainOptions, DrainReport } from "./drain.ts"
export { EventProbe } from "./eventProbe.ts"
export type { EventFilter, SeenEvent } from "./eventProbe.ts"
export { runJob } from "./runJob.ts"
export type { JobRun, RunJobOptions } from "./runJob.ts"
export { createTestDrover } from "./testDrover.ts"
export type { TestDrover, TestDroverOptions } from "./testDrover.ts"
export { ManualClock, SeededRng } from "../time/index.ts"
export { nextTick } from "./nextTick.ts"
export type { FiredTick } from "./nextTick.ts"
