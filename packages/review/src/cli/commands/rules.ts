/** `drover-review rules`: the rules, one a line. */
import { configSchema } from "../../config/schema.ts"
import { rules } from "../../rules/rules.ts"
import { knownRules } from "../../session/session.ts"
import type { Command } from "../command.ts"
import { everywhere, type OptionSpecs } from "../options.ts"
import { exitCodes } from "../terminal.ts"
import { UsageError } from "../usage.ts"

const options: OptionSpecs = {
  ...everywhere,
  json: { type: "boolean", group: "show", about: "print JSON" },
  schema: {
    type: "boolean",
    group: "show",
    about: "print the JSON Schema of drover.review.yaml, with the names of the rules",
  },
}

export const rulesCommand: Command = {
  name: "rules",
  summary: "list the rules",
  usage: ["rules [--json|--schema]"],
  options,
  run({ parsed, terminal }) {
    if (parsed.positionals.length > 0) {
      throw new UsageError(
        `"rules" takes no name; "drover-review explain ${parsed.positionals[0]}" tells about one`,
      )
    }
    if (parsed.flags.has("schema")) {
      terminal.out(`${JSON.stringify(configSchema(knownRules), null, 2)}\n`)
      return Promise.resolve(exitCodes.clean)
    }
    if (parsed.flags.has("json")) {
      const cards = rules.map(({ id, title, languages, docs }) => ({
        id,
        title,
        languages,
        what: docs.what,
        reference: docs.reference,
      }))
      terminal.out(`${JSON.stringify({ version: 1, rules: cards }, null, 2)}\n`)
      return Promise.resolve(exitCodes.clean)
    }
    const widest = Math.max(0, ...rules.map(({ id }) => id.length))
    for (const { id, title, languages } of rules) {
      terminal.out(`${id.padEnd(widest)}  ${title} (${languages.join(", ")})\n`)
    }
    return Promise.resolve(exitCodes.clean)
  },
}
