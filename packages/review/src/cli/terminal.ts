/** What a command may touch of the outside world; tests hand it their own. */
export interface Terminal {
  /** Writes results. */
  out(text: string): void
  /** Writes beside the results: progress, hints, errors. */
  err(text: string): void
  /** All that was piped in. */
  readInput(): Promise<string>
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Whether a person looks at `out`. */
  readonly outIsTerminal: boolean
  readonly errIsTerminal: boolean
  readonly columns: number
  /** The day, in ISO form: baselines expire by it. */
  readonly today: string
  /** A reading of a monotonic clock. */
  nowMono(): number
  /** Calls back once after a while; returns how not to. */
  after(delayMs: number, callback: () => void): () => void
  /** From 0 to 1. */
  random(): number
  /** Calls back on each request to stop; returns how to stop listening. */
  onStop(listener: () => void): () => void
}

/** How a run ended, as the exit status of the process. */
export const exitCodes = {
  clean: 0,
  findings: 1,
  /** The command line or a file that a person wrote was not understood. */
  usage: 2,
  /** A fault of this program, or a host or file that did not do its part. */
  internal: 3,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]
