/** What the driver tells a program it starts. */
export interface Plan {
  readonly database: string
  /** Where witnesses write. */
  readonly folder: string
  readonly leaseMs: number
  readonly sweepMs: number
  readonly slots: number
  /** Whether dead workers of this machine may be recognised before their lease ends. */
  readonly deadProof: boolean
  /** Seed of what the program draws. */
  readonly seed: string
}

/** Points at which a program can be told to kill itself. */
export const workerPoints = [
  "after-register",
  "before-claim",
  "after-claim",
  "mid-handler",
  "before-settle",
  "after-commit-before-reply",
  "after-rescue",
] as const
export const producerPoints = [
  "before-enqueue",
  "after-enqueue-before-reply",
  "mid-transaction",
] as const

export type CrashPoint = (typeof workerPoints)[number] | (typeof producerPoints)[number]

/**
 * Kills this process at the n-th passage of one point, `DROVER_CRASH_AT=after-claim:3`, or pauses it there,
 * `before-settle:1:SIGSTOP`.
 */
export class Fuse {
  readonly #point: string
  readonly #signal: string
  #left: number
  readonly #onBurnt: (point: string, signal: string) => void

  constructor(setting: string | undefined, onBurnt: (point: string, signal: string) => void) {
    const [point = "", count = "1", signal = "SIGKILL"] = (setting ?? "").split(":")
    this.#point = point
    this.#signal = signal
    this.#left = Number(count)
    this.#onBurnt = onBurnt
  }

  pass(point: CrashPoint): void {
    if (point !== this.#point || --this.#left !== 0) return
    this.#onBurnt(point, this.#signal)
    process.kill(process.pid, this.#signal)
  }
}

/** Reads what the driver put into the environment. */
export function readPlan(): Plan {
  return JSON.parse(process.env["DROVER_CRASH_PLAN"] ?? "null") as Plan
}
