/** What a command may touch of the outside world; tests hand it their own. */
export interface Terminal {
  /** Writes a line for the caller: results. */
  out(line: string): void
  /** Writes a line beside the results: progress, hints, errors. */
  note(line: string): void
  /** All that was piped in. */
  readInput(): Promise<string>
  readonly cwd: string
  /** Makes a folder the one from which relative paths are read. */
  enter(folder: string): void
  /** Who acts, for trails: `cli:user@host`. */
  readonly actor: string
  /** Calls back on each request to stop (SIGINT, SIGTERM); returns how to stop listening. */
  onStop(listener: (signal: string) => void): () => void
}

/** How a command ended, as the exit status of the process. */
export const exitCodes = {
  ok: 0,
  /** The command was understood and failed, or a check found a fault. */
  failed: 1,
  /** What was written is wrong: a word that is not understood, or a value that is refused. Nothing was done. */
  usage: 2,
  /** Nothing has this id or name. */
  notFound: 3,
} as const

/** One of the exit codes. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]
