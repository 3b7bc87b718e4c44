import type { Command } from "../command.ts"
import { findProgram, handOver } from "../handOver.ts"
import { exitCodes } from "../terminal.ts"

const PACKAGE = "@drover/review"

/** `drover review`: the reviewer, which is a package of its own and reads its own options. */
export const review: Command = {
  name: "review",
  summary: "find coordination mistakes in code, with @drover/review",
  usage: ["review [WORDS]"],
  options: {},
  passesOn: true,
  async run({ positionals, terminal }) {
    const program = findProgram(PACKAGE, "drover-review", terminal.cwd)
    if (program !== null) return handOver(program, positionals, terminal)
    terminal.note(
      `drover review: ${PACKAGE} is not installed in ${terminal.cwd} or above, and not beside drover`,
    )
    terminal.note(`Install it: npm install --save-dev ${PACKAGE}`)
    return exitCodes.usage
  },
}
