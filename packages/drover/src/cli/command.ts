import type { Drover } from "../client/index.ts"
import type { Config } from "./config.ts"
import type { Terminal } from "./terminal.ts"

/** An option of a command: how it is written and what it is for. */
export interface OptionSpec {
  readonly type: "string" | "boolean"
  readonly short?: string
  /** May be given more than once. */
  readonly multiple?: boolean
  /** Name of its value in the help: `--queue NAME`. */
  readonly value?: string
  readonly about: string
}

/** The options of a command by name. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>

/** The values of the options that were given. */
export type OptionValues = Readonly<
  Record<string, string | boolean | readonly (string | boolean)[] | undefined>
>

/** One call of a command. */
export interface Call {
  readonly positionals: readonly string[]
  readonly values: OptionValues
  readonly terminal: Terminal
  /** Whether the caller wants JSON: one value, or one a line for lists and streams. */
  readonly json: boolean
  /** Reads the configuration. @throws DroverError `DROVER_CONFIG`. */
  config(): Promise<Config>
  /**
   * Makes the client of the configuration; it is closed when the command ends. A command that only looks must not
   * change the schema, so unless options say otherwise it refuses a database with pending migrations.
   */
  drover(options?: Partial<Config>): Promise<Drover>
}

/** A command of the `drover` program. */
export interface Command {
  readonly name: string
  readonly summary: string
  /** One line for each form: what follows `drover`. */
  readonly usage: readonly string[]
  readonly options: OptionSpecs
  /** Its words, `--help` too, are for another program: they are its positionals as they were written. */
  readonly passesOn?: boolean
  /** @returns the exit status: one of `exitCodes`, or what another program ended with. */
  run(call: Call): Promise<number>
}

/** What the caller wrote cannot be understood. Nothing was done. Its cause, if it has one, is what the library said. */
export class UsageError extends Error {
  override readonly name = "UsageError"
}
