/** What a command is: one file in commands/ each, loaded only when it is called. */
import type { OptionSpecs } from "./options.ts"
import type { Parsed } from "./parse.ts"
import type { ExitCode, Terminal } from "./terminal.ts"

/** One call of a command. */
export interface Call {
  readonly parsed: Parsed
  readonly terminal: Terminal
}

export interface Command {
  /** "" is the review itself, which has no word. */
  readonly name: string
  readonly summary: string
  /** Forms, without the program's name. */
  readonly usage: readonly string[]
  readonly options: OptionSpecs
  /** @throws UsageError, ConfigError, InputError: told in a line and not as a fault */
  run(call: Call): Promise<ExitCode>
}

/** A command by its name and what the overview says, so that help loads none of them. */
export interface CommandEntry {
  readonly name: string
  readonly summary: string
  load(): Promise<Command>
}
