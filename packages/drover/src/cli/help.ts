import type { Command, OptionSpecs } from "./command.ts"

/** The help of the program: its commands, one a line. */
export function programHelp(commands: readonly Command[]): string {
  const widest = Math.max(...commands.map((command) => command.name.length))
  return [
    "drover: background jobs on the database you have",
    "",
    "Usage: drover COMMAND [OPTIONS]",
    "",
    ...commands.map((command) => `  ${command.name.padEnd(widest)}  ${command.summary}`),
    "",
    '"drover COMMAND --help" says more. Exit status: 0 done, 1 failed, 2 not understood, 3 not found.',
  ].join("\n")
}

/** The help of one command: its forms and its options. */
export function commandHelp(command: Command, everywhere: OptionSpecs): string {
  const entries = Object.entries({ ...command.options, ...everywhere }).map(([name, spec]) => ({
    left: `${spec.short === undefined ? "    " : `-${spec.short}, `}--${name}${spec.value === undefined ? "" : ` ${spec.value}`}`,
    about: spec.about,
  }))
  const widest = Math.max(...entries.map(({ left }) => left.length))
  return [
    `drover ${command.name}: ${command.summary}`,
    "",
    ...command.usage.map((form, at) => `${at === 0 ? "Usage: " : "       "}drover ${form}`),
    "",
    ...entries.map(({ left, about }) => `  ${left.padEnd(widest)}  ${about}`),
  ].join("\n")
}
