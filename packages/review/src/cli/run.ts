/** Runs one command line, from its words to its exit status. */
import { ConfigError } from "../config/configError.ts"
import { InputError } from "../files/inputError.ts"
import { visibleLines } from "../reports/visible.ts"
import type { Command, CommandEntry } from "./command.ts"
import { commandEntries, reviewEntry } from "./commands.ts"
import { commandHelp, programHelp } from "./help.ts"
import { parseWords } from "./parse.ts"
import { exitCodes, type ExitCode, type Terminal } from "./terminal.ts"
import { UsageError } from "./usage.ts"
import { version } from "./version.ts"

/** Never throws: a fault becomes a line and a status. */
export async function run(words: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const [first] = words
  if (first === "--version" || first === "-V") {
    terminal.out(`${version()}\n`)
    return exitCodes.clean
  }
  const entry = first === "help" ? entryOf(words[1]) : entryOf(first)
  try {
    const command = await entry.load()
    const rest = entry === reviewEntry ? words : words.slice(1)
    if (first === "help" || asksForHelp(rest)) {
      terminal.out(
        entry === reviewEntry ? programHelp(command, commandEntries) : commandHelp(command),
      )
      return exitCodes.clean
    }
    return await runCommand(command, rest, terminal)
  } catch (error) {
    return tell(error, entry, terminal)
  }
}

async function runCommand(
  command: Command,
  words: readonly string[],
  terminal: Terminal,
): Promise<ExitCode> {
  return command.run({ parsed: parseWords(words, command.options), terminal })
}

function entryOf(word: string | undefined): CommandEntry {
  return commandEntries.find(({ name }) => name === word) ?? reviewEntry
}

/** Before anything else is checked: who asks for help may have the rest wrong. */
function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf("--")
  return (end < 0 ? words : words.slice(0, end)).some((word) => word === "--help" || word === "-h")
}

function tell(error: unknown, entry: CommandEntry, terminal: Terminal): ExitCode {
  const isOurs =
    error instanceof UsageError || error instanceof ConfigError || error instanceof InputError
  const message = error instanceof Error ? error.message : String(error)
  const lines = visibleLines(message).split("\n")
  for (const line of lines) terminal.err(`drover-review: ${line}\n`)
  if (error instanceof UsageError) {
    const name = entry.name === "" ? "" : ` ${entry.name}`
    terminal.err(`"drover-review${name} --help" lists what there is.\n`)
  }
  if (isOurs) return exitCodes.usage
  if (error instanceof Error && terminal.env["DROVER_DEBUG"]) terminal.err(`${error.stack ?? ""}\n`)
  return exitCodes.internal
}
