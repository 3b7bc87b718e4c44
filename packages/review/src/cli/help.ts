/** What `--help` prints. */
import type { Command, CommandEntry } from "./command.ts"
import type { OptionSpec, OptionSpecs } from "./options.ts"

const GROUPS: readonly [OptionSpec["group"], string][] = [
  ["what", "What is reviewed"],
  ["show", "What is shown"],
  ["fail", "What fails"],
  ["fix", "Fixes"],
  ["run", "How it runs"],
  ["model", "A language model (off unless asked for)"],
  ["all", "Other"],
]

// An answer instead of a review, so it is no option of one.
const VERSION: OptionSpec = {
  type: "boolean",
  group: "all",
  short: "V",
  about: "print the version",
}

export const EXIT_STATUS =
  "Exit status: 0 clean, 1 findings, 2 command line or configuration, 3 internal."

/** The help of the program: the review's own options and the other commands. */
export function programHelp(review: Command, entries: readonly CommandEntry[]): string {
  const widest = Math.max(...entries.map(({ name }) => name.length))
  return [
    "drover-review: finds distributed-coordination mistakes",
    "",
    ...usageLines(review),
    "       drover-review COMMAND [OPTIONS]",
    "",
    "Commands:",
    ...entries.map(({ name, summary }) => `  ${name.padEnd(widest)}  ${summary}`),
    ...optionLines({ ...review.options, version: VERSION }),
    "",
    '"drover-review COMMAND --help" says more about one. A folder with the name of a command is "./name".',
    EXIT_STATUS,
    "",
  ].join("\n")
}

/** The help of one command. */
export function commandHelp(command: Command): string {
  return [
    `drover-review ${command.name}: ${command.summary}`,
    "",
    ...usageLines(command),
    ...optionLines(command.options),
    "",
  ].join("\n")
}

function usageLines(command: Command): string[] {
  return command.usage.map((form, at) => `${at === 0 ? "Usage: " : "       "}drover-review ${form}`)
}

function optionLines(specs: OptionSpecs): string[] {
  const entries = Object.entries(specs).map(([name, spec]) => ({
    group: spec.group,
    left: `${spec.short === undefined ? "    " : `-${spec.short}, `}--${name}${spec.value === undefined ? "" : ` ${spec.value}`}`,
    about: spec.choices ? `${spec.about} (${spec.choices.join(", ")})` : spec.about,
  }))
  const widest = Math.max(...entries.map(({ left }) => left.length))
  return GROUPS.flatMap(([group, title]) => {
    const lines = entries.filter((entry) => entry.group === group)
    if (lines.length === 0) return []
    return [
      "",
      `${title}:`,
      ...lines.map(({ left, about }) => `  ${left.padEnd(widest)}  ${about}`),
    ]
  })
}
