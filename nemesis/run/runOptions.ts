/** What a run is told. */
export interface RunOptions {
  readonly store: "sqlite" | "postgres"
  /** How long faults strike. What comes before and after takes about a quarter of a minute more. */
  readonly minutes: number
  readonly seed: string
  readonly mutant: string | null
  /** Aborts when the run must end at once and leave nothing behind. */
  readonly signal: AbortSignal
  /** Told now and then how far the run is. */
  onStatus(status: RunStatus): void
}

export interface RunStatus {
  readonly phase: "start" | "storm" | "heal" | "listen" | "judge"
  readonly leftMs: number
  readonly workers: number
  readonly faults: number
  readonly raging: readonly string[]
}

/** What a run did and what was found; printed as JSON. */
export interface RunReport {
  readonly store: "sqlite" | "postgres"
  readonly seed: string
  readonly minutes: number
  readonly mutant: string | null
  readonly jobs: number
  readonly acknowledged: number
  readonly unknown: number
  readonly attempts: number
  readonly crashes: number
  readonly interruptions: number
  readonly fenced: number
  readonly rescued: number
  readonly faults: Readonly<Record<string, number>>
  /** Faults that this machine cannot suffer, and why. */
  readonly missing: Readonly<Record<string, string>>
  readonly kills: number
  readonly recovery: {
    readonly jobs: number
    readonly undisturbed: number
    readonly worstMs: number
    readonly worstUndisturbedMs: number
  }
  /** Exchanges that brought jobs, as their workers timed them. */
  readonly claims: { readonly count: number; readonly p50Ms: number; readonly p99Ms: number }
  readonly storeErrors: number
  readonly drainedMs: number | null
  readonly violations: readonly { readonly checker: string; readonly what: string }[]
  /** Where everything is, kept when something did not hold. */
  readonly kept: string | null
}
