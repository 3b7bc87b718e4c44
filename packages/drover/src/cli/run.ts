import { parseArgs } from "node:util"
import { Drover } from "../client/index.ts"
import { isDroverError, nearest } from "../errors/index.ts"
import { asConfigured, isWrittenWrong, openedAsConfigured } from "./blame.ts"
import type { Call, Command, OptionSpecs, OptionValues } from "./command.ts"
import { UsageError } from "./command.ts"
import { commands } from "./commands/index.ts"
import { loadConfig } from "./config.ts"
import type { Config } from "./config.ts"
import { commandHelp, programHelp } from "./help.ts"
import { plainJson, plainText } from "./plainText.ts"
import { exitCodes } from "./terminal.ts"
import type { ExitCode, Terminal } from "./terminal.ts"
import { version } from "./version.ts"

/** The options that every command has. */
const everywhere: OptionSpecs = {
  config: {
    type: "string",
    value: "FILE",
    about: "configuration to read instead of drover.config.ts",
  },
  db: {
    type: "string",
    value: "PLACE",
    about: "database to look at, without a configuration: FILE or postgres://HOST/NAME",
  },
  json: { type: "boolean", about: "print JSON instead of text for people" },
  help: { type: "boolean", short: "h", about: "say how the command is used" },
}

const NOT_FOUND = [
  "DROVER_JOB_NOT_FOUND",
  "DROVER_UNKNOWN_KIND",
  "DROVER_UNKNOWN_QUEUE",
  "DROVER_UNKNOWN_SCHEDULE",
]

/** Runs one command line, from its words to its exit status. Never throws. */
export async function run(words: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...rest] = words
  if (name === "--version" || name === "version") {
    terminal.out(version)
    return exitCodes.ok
  }
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    const about = commands.find((candidate) => candidate.name === rest[0])
    terminal.out(about === undefined ? programHelp(commands) : helpOf(about))
    return name === undefined ? exitCodes.usage : exitCodes.ok
  }
  const command = commands.find((candidate) => candidate.name === name)
  if (command === undefined) return unknownCommand(name, terminal)
  return runCommand(command, rest, terminal)
}

function helpOf(command: Command): string {
  return commandHelp(command, command.passesOn === true ? {} : everywhere)
}

async function runCommand(
  command: Command,
  words: readonly string[],
  terminal: Terminal,
): Promise<number> {
  let json = command.passesOn !== true && words.includes("--json")
  await using clients = new AsyncDisposableStack()
  try {
    const { values, positionals } =
      command.passesOn === true ? { values: {}, positionals: words } : parse(command, words)
    json = values["json"] === true
    if (values["help"] === true) {
      terminal.out(helpOf(command))
      return exitCodes.ok
    }
    return await command.run(callOf(positionals, values, terminal, clients))
  } catch (error) {
    return report(command, error, terminal, json)
  }
}

function callOf(
  positionals: readonly string[],
  values: OptionValues,
  terminal: Terminal,
  clients: AsyncDisposableStack,
): Call {
  const config = (): Promise<Config> =>
    asConfigured(() =>
      loadConfig(terminal, {
        config: values["config"] as string | undefined,
        db: values["db"] as string | undefined,
      }),
    )
  return {
    positionals,
    values,
    terminal,
    json: values["json"] === true,
    config,
    drover: async (options = { migrate: false }) => {
      const { store, ...own } = await config()
      const all = { actor: terminal.actor, ...own, ...options, store: openedAsConfigured(store) }
      return clients.use(await asConfigured(() => new Drover(all)))
    },
  }
}

function parse(
  command: Command,
  words: readonly string[],
): { readonly values: OptionValues; readonly positionals: readonly string[] } {
  try {
    return parseArgs({
      args: [...words],
      options: parseOptions({ ...command.options, ...everywhere }),
      allowPositionals: true,
    })
  } catch (error) {
    const words = (error as Error).message
    const unknown = /^Unknown option '(--[^' ]+)'/.exec(words)?.[1]
    if (unknown === undefined) throw new UsageError(words)
    throw new UsageError(unknownOption(unknown, Object.keys({ ...command.options, ...everywhere })))
  }
}

// Node answers with how to write an argument that begins with a dash.
function unknownOption(given: string, names: readonly string[]): string {
  const suggestion = nearest(given.slice(2), names)
  const hint = suggestion === undefined ? "" : `; did you mean --${suggestion}?`
  return `there is no option ${plainText(given)}${hint}`
}

function parseOptions(
  specs: OptionSpecs,
): Record<string, { type: "string" | "boolean"; short?: string; multiple?: boolean }> {
  return Object.fromEntries(
    Object.entries(specs).map(([name, { type, short, multiple }]) => [
      name,
      { type, ...(short !== undefined && { short }), ...(multiple !== undefined && { multiple }) },
    ]),
  )
}

function unknownCommand(name: string, terminal: Terminal): ExitCode {
  const names = commands.map((command) => command.name)
  const suggestion = nearest(name, names)
  const hint =
    suggestion === undefined ? `one of: ${names.join(", ")}` : `did you mean "${suggestion}"?`
  terminal.note(`drover: there is no command "${plainText(name)}"; ${hint}`)
  return exitCodes.usage
}

function report(command: Command, error: unknown, terminal: Terminal, json: boolean): ExitCode {
  const usage = isWrittenWrong(error)
  const told = error instanceof UsageError ? (error.cause ?? error) : error
  const code = isDroverError(told) ? told.code : usage ? "USAGE" : "UNEXPECTED"
  const message = error instanceof Error ? error.message : String(error)
  if (json) terminal.note(plainJson({ error: { code, message } }))
  else {
    terminal.note(
      `drover ${command.name}: ${plainText(message)}${isDroverError(told) ? ` [${code}]` : ""}`,
    )
    if (usage) terminal.note(`Try "drover ${command.name} --help".`)
  }
  if (NOT_FOUND.includes(code)) return exitCodes.notFound
  return usage ? exitCodes.usage : exitCodes.failed
}
