import type { UniqueMode } from "../../packages/drover/src/store/index.ts"

/** How one attempt of a simulated job goes. */
export interface Step {
  /** How long the handler takes, in virtual time. */
  readonly ms: number
  readonly then:
    | "complete"
    | "throw"
    | "snooze"
    | "cancel"
    | "discard"
    | "retryIn"
    /** Takes its whole process with it. */
    | "crash"
  /** Does not look at its signal. */
  readonly deaf: boolean
  /** Logs and reports progress on its way. */
  readonly noisy: boolean
}

/** One job of the workload: everything that happens to it in its handler is decided here. */
export interface JobPlan {
  readonly kind: KindName
  readonly delayMs: number
  readonly priority: number
  readonly expireMs: number | false
  readonly unique: UniquePlan | null
  /** Its key under keyed limits; `null` exempts it from them. */
  readonly tenant: string | null
  /** By attempt; the last one stands for all that follow. */
  readonly steps: readonly Step[]
}

export interface UniquePlan {
  readonly key: string
  readonly mode: UniqueMode
  readonly forMs: number | null
}

/** The kinds of jobs, each in its queue. */
export const kinds = {
  "sim.work": { queue: "main", slots: 4, timeout: "20s" },
  // Some take longer than a lease.
  "sim.bulk": { queue: "bulk", slots: 3, timeout: "2m" },
  // Not every process knows it.
  "sim.rare": { queue: "main", slots: 4, timeout: "20s" },
  "sim.herd": { queue: "herd", slots: 64, timeout: "20s" },
  // Only in runs with limits.
  "sim.tenant": { queue: "shared", slots: 4, timeout: "20s" },
  "sim.metered": { queue: "shared", slots: 4, timeout: "20s" },
} as const

export type KindName = keyof typeof kinds

/** Slots of each queue in each process, unless an operator resized it. */
export const queueSlots: ReadonlyMap<string, number> = new Map(
  Object.values(kinds).map(({ queue, slots }) => [queue, slots]),
)

/** Something that a client or an operator does, at a planned instant. */
export type Action = { readonly atMs: number; readonly process: number } & (
  | { readonly do: "enqueue"; readonly jobs: readonly JobPlan[] }
  /** Enqueues in a transaction of its own, which commits, is rolled back, or dies with its process. */
  | {
      readonly do: "transact"
      readonly job: JobPlan
      readonly end: "commit" | "rollback" | "crash"
    }
  /** Many jobs at once that all fail at the same instant. */
  | { readonly do: "herd"; readonly count: number }
  /** On one of the jobs that are known, mostly one that is not finished; `pick` in [0, 1). */
  | { readonly do: "cancel" | "retry" | "discard" | "delete" | "edit"; readonly pick: number }
  | { readonly do: "pause" | "resume"; readonly queue: string }
  | { readonly do: "resize"; readonly queue: string; readonly slots: number | null }
  /** How long a wait counts as one step of priority. */
  | { readonly do: "age"; readonly queue: string; readonly everyMs: number | null }
  /** Asks all that a dashboard asks. */
  | { readonly do: "look"; readonly pick: number }
  /** On a schedule: operators pause and resume, trigger, edit, make and remove; a program deploys again. */
  | {
      readonly do: "tend"
      readonly what: "pause" | "resume" | "trigger" | "edit" | "remake" | "deploy"
      readonly schedule: string
    }
  /** An operator gives a schedule another timing; `null` gives it back the one that the code declares. */
  | { readonly do: "retime"; readonly schedule: string; readonly timing: number | null }
  /** An operator sets a limit; `null` takes back what operators set. */
  | { readonly do: "limit"; readonly limit: string; readonly max: number | null }
  /** Waits for the result of one of the jobs that are known. */
  | { readonly do: "await"; readonly pick: number }
)
