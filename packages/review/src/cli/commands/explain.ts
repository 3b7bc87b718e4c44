/** `drover-review explain RULE`: all that a rule says about itself. */
import { hint } from "../../config/nearest.ts"
import type { Language } from "../../ir/nodes.ts"
import { rules } from "../../rules/rules.ts"
import type { Rule } from "../../rules/rule.ts"
import type { Command } from "../command.ts"
import { everywhere, type OptionSpecs } from "../options.ts"
import { textOf } from "../parse.ts"
import { exitCodes } from "../terminal.ts"
import { UsageError } from "../usage.ts"

const LANGUAGES: readonly Language[] = [
  "go",
  "python",
  "typescript",
  "javascript",
  "java",
  "kotlin",
  "sql",
]

const options: OptionSpecs = {
  ...everywhere,
  language: {
    type: "string",
    group: "show",
    value: "NAME",
    choices: LANGUAGES,
    about: "only the examples of this language",
  },
}

export const explainCommand: Command = {
  name: "explain",
  summary: "explain a rule: what, why, when it is silent, examples",
  usage: ["explain RULE [--language NAME]"],
  options,
  run({ parsed, terminal }) {
    const rule = ruleNamed(parsed.positionals)
    terminal.out(ruleText(rule, textOf(parsed, "language") as Language | undefined))
    return Promise.resolve(exitCodes.clean)
  },
}

/** @throws UsageError */
function ruleNamed(words: readonly string[]): Rule {
  const [name, extra] = words
  if (name === undefined) throw new UsageError('which rule? "drover-review rules" lists them')
  if (extra !== undefined) throw new UsageError(`one rule at a time; "${extra}" is too much`)
  const rule = rules.find(({ id }) => id === name)
  if (rule) return rule
  const names = rules.map(({ id }) => id)
  throw new UsageError(`there is no rule "${name}"; ${hint(name, names)}`)
}

/** The documentation of a rule as text; without a language it has all examples. */
export function ruleText(rule: Rule, language?: Language): string {
  const { what, why, silent, reach, fix, reference, examples } = rule.docs
  const shown = LANGUAGES.filter(
    (one) => examples[one] && (language === undefined || one === language),
  )
  const lines = [
    `${rule.id}: ${rule.title}`,
    `Languages: ${rule.languages.join(", ")}`,
    "",
    what,
    "",
    why,
    "",
    "It looks at:",
    ...reach.sees.map((sentence) => `  - ${sentence}`),
    "",
    "It is silent when:",
    ...silent.map((sentence) => `  - ${sentence}`),
    "",
    "It does not see:",
    ...reach.misses.map((sentence) => `  - ${sentence}`),
    "",
    `Fix: ${fix}`,
    `Reference: ${reference}`,
  ]
  for (const one of shown) {
    const { bad, good } = examples[one]!
    lines.push("", `${one}, reported:`, ...indent(bad), "", `${one}, silent:`, ...indent(good))
  }
  return `${lines.join("\n")}\n`
}

function indent(code: string): string[] {
  return code.split("\n").map((line) => (line === "" ? "" : `    ${line}`))
}
