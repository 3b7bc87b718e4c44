import fc from "fast-check"
import type { JobAction, Settlement } from "drover/store"

/** One step of a random history. Numbers called `pick` choose among what is there, whatever that is. */
export type Step =
  | { readonly step: "enqueue"; readonly process: number; readonly jobs: readonly StepJob[] }
  | { readonly step: "enqueueAgain"; readonly pick: number }
  | {
      readonly step: "claim"
      readonly worker: number
      readonly queue: string
      readonly kinds: readonly string[]
      readonly limit: number
      readonly solo: boolean
    }
  | {
      readonly step: "settle"
      /** Counted from the newest claim back; far ones are mostly superseded. */
      readonly pick: number
      readonly worker: number
      readonly to: Settlement["to"]
      readonly delayMs: number
    }
  | { readonly step: "progress" | "log"; readonly pick: number; readonly process: number }
  | { readonly step: "advance"; readonly ms: number }
  | { readonly step: "beat" | "retire"; readonly worker: number }
  | { readonly step: "rescue"; readonly dead: number | null; readonly process: number }
  | {
      readonly step: "act"
      readonly action: JobAction
      readonly pick: number
      /** Among the running ones. */
      readonly running: boolean
    }
  | {
      readonly step: "edit"
      readonly pick: number
      readonly priority: number
      readonly queue: string
      readonly delayMs: number | null
    }
  | { readonly step: "pause"; readonly queue: string; readonly paused: boolean }
  | { readonly step: "expire" | "prune"; readonly process: number }

export interface StepJob {
  readonly kind: string
  readonly queue: string
  readonly priority: number
  readonly delayMs: number
  readonly key: string | null
  readonly expireMs: number | null
  readonly maxCrashes: number
}

const kinds = ["a", "b"] as const
const queues = ["q", "r"] as const

const kind = fc.constantFrom(...kinds)
// One is used more, so that its jobs meet.
const queue = fc.constantFrom(queues[0], ...queues)
const pick = fc.nat(30)
const worker = fc.nat(2)
const process = fc.nat(1)
const priority = fc.nat(2)
const delayMs = fc.constantFrom(0, 0, 5_000, 40_000)

const job: fc.Arbitrary<StepJob> = fc.record({
  kind,
  queue,
  priority,
  delayMs,
  key: fc.constantFrom(null, null, "k1", "k2"),
  // Half seconds: time moves in whole ones, so nothing here depends on which side of an instant belongs to it.
  expireMs: fc.constantFrom(null, null, null, 12_500),
  maxCrashes: fc.constantFrom(1, 2, 3),
})

const outcomes = [
  "completed",
  "retryable",
  "discarded",
  "cancelled",
  "snoozed",
  "interrupted",
  "crashed",
] as const satisfies readonly Settlement["to"][]

const actions = ["cancel", "retry", "discard", "delete"] as const satisfies readonly JobAction[]

const step: fc.Arbitrary<Step> = fc.oneof(
  weigh(5, {
    step: fc.constant("enqueue"),
    process,
    jobs: fc.array(job, { minLength: 1, maxLength: 3 }),
  }),
  weigh(1, { step: fc.constant("enqueueAgain"), pick }),
  weigh(6, {
    step: fc.constant("claim"),
    worker,
    queue,
    kinds: fc.subarray([...kinds], { minLength: 1 }),
    limit: fc.integer({ min: 1, max: 4 }),
    solo: fc.boolean(),
  }),
  weigh(6, {
    step: fc.constant("settle"),
    pick: fc.oneof(fc.nat(3), pick),
    worker,
    to: fc.constantFrom(...outcomes),
    delayMs,
  }),
  weigh(1, { step: fc.constantFrom("progress", "log"), pick: fc.nat(5), process }),
  weigh(4, { step: fc.constant("advance"), ms: fc.constantFrom(1_000, 10_000, 41_000) }),
  weigh(2, { step: fc.constantFrom("beat", "beat", "retire"), worker }),
  weigh(2, { step: fc.constant("rescue"), dead: fc.option(fc.nat(2)), process }),
  weigh(3, {
    step: fc.constant("act"),
    action: fc.constantFrom(...actions),
    pick,
    running: fc.boolean(),
  }),
  weigh(1, { step: fc.constant("edit"), pick, priority, queue, delayMs: fc.option(delayMs) }),
  weigh(1, { step: fc.constant("pause"), queue, paused: fc.constantFrom(true, false, false) }),
  weigh(1, { step: fc.constantFrom("expire", "prune"), process }),
)

function weigh(
  weight: number,
  fields: { readonly [K in string]: fc.Arbitrary<unknown> },
): { readonly weight: number; readonly arbitrary: fc.Arbitrary<Step> } {
  return { weight, arbitrary: fc.record(fields) as unknown as fc.Arbitrary<Step> }
}

/** Random histories, long enough that jobs crash, expire, are cancelled and come back. */
export const histories: fc.Arbitrary<readonly Step[]> = fc.array(step, {
  minLength: 20,
  maxLength: 100,
  size: "max",
})
