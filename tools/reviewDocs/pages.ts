/** The pages of the rules and their index, as texts. */
import type { Language } from "../../packages/review/src/ir/nodes.ts"
import type { Rule } from "../../packages/review/src/rules/rule.ts"
import type { Said } from "./said.ts"

export const INDEX = "README.md"
const GENERATED =
  "<!-- Generated from packages/review/src/rules by `npm run review:docs`. Change the rule instead. -->"

const LANGUAGES: readonly (readonly [Language, string])[] = [
  ["go", "Go"],
  ["python", "Python"],
  ["typescript", "TypeScript and JavaScript"],
  ["java", "Java"],
  ["kotlin", "Kotlin"],
  ["sql", "SQL"],
]

const TIER_WORDS: Readonly<Record<string, string>> = {
  certain: "`certain`: the syntax proves it",
  likely: "`likely`: all that would clear it was looked for and is not there",
  context: "`context`: a reader has to decide, so it is shown only with `--tier context`",
}

const SEVERITY_WORDS: Readonly<Record<string, string>> = {
  high: "`high`",
  medium: "`medium`",
  low: "`low`",
  info: "`info`",
}

const SCOPE_WORDS: Readonly<Record<Rule["scope"], string>> = {
  code: "It passes over tests.",
  tests: "It looks at tests and at nothing else.",
  everything: "It looks at code and at tests.",
}

/** Every page by its file's name. */
export function pagesOf(rules: readonly Rule[], saidBy: (id: string) => Said): Map<string, string> {
  const said = new Map(rules.map(({ id }) => [id, saidBy(id)]))
  const pages = new Map<string, string>()
  pages.set(INDEX, indexPage(rules, said))
  for (const rule of rules) pages.set(`${rule.id}.md`, rulePage(rule, said.get(rule.id)!))
  return pages
}

/** One rule's page. */
export function rulePage(rule: Rule, said: Said): string {
  const { what, why, silent, reach, fix, reference } = rule.docs
  return `${[
    GENERATED,
    `# ${prose(rule.title)}`,
    `\`${rule.id}\` · ${listed(languagesOf(rule))}`,
    prose(what),
    "## Why it matters",
    prose(why),
    "## How sure, how grave",
    `${saidWords(said)} ${SCOPE_WORDS[rule.scope]}`,
    "## What it looks at",
    bullets(reach.sees),
    "## When it is silent",
    bullets(silent),
    "## What it does not see",
    bullets(reach.misses),
    "## How to mend it",
    prose(fix),
    "## Examples",
    "Excerpts: the rule also looks at what is around them.",
    ...examplesOf(rule),
    "## Read on",
    `<${reference}>`,
    `Where the rule is wrong for you: [Ignoring and baseline](../ignoring.md). What the tiers mean: [How it decides](../deciding.md). All rules: [index](${INDEX}).`,
  ].join("\n\n")}\n`
}

function bullets(sentences: readonly string[]): string {
  return sentences.map((sentence) => `- ${prose(sentence)}`).join("\n")
}

function examplesOf({ docs }: Rule): string[] {
  return LANGUAGES.flatMap(([language, name]) => {
    const example =
      docs.examples[language] ?? (language === "typescript" ? docs.examples.javascript : undefined)
    if (!example) return []
    return [
      `### ${name}`,
      "Reported:",
      fenced(language, example.bad),
      "Silent:",
      fenced(language, example.good),
    ]
  })
}

function fenced(language: Language, code: string): string {
  return `\`\`\`${language}\n${code.replace(/\n+$/, "")}\n\`\`\``
}

function indexPage(rules: readonly Rule[], said: ReadonlyMap<string, Said>): string {
  const rows = rules.map((rule) => {
    const { tiers, severities } = said.get(rule.id)!
    const cells = [
      `[${rule.id}](${rule.id}.md)`,
      prose(rule.title),
      languagesOf(rule).join(", "),
      tiers.join(", "),
      severities.join(", "),
    ]
    return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`
  })
  return `${GENERATED}

# Rules

${rules.length} rules. Each page says what the rule looks for and why it matters, which code and libraries it looks at, when it
is silent, what it does not see and how to mend it, with an example that is reported and one that is not in each language. \`drover-review explain RULE\` prints the same.

| rule | finds | languages | tiers | severities |
| --- | --- | --- | --- | --- |
${rows.join("\n")}
`
}

function saidWords({ tiers, severities }: Said): string {
  const sure = tiers.map((tier) => TIER_WORDS[tier]!).join("; or ")
  const grave = listed(
    severities.map((severity) => SEVERITY_WORDS[severity]!),
    "or",
  )
  const by = severities.length > 1 ? ", by what the code around it says" : ""
  return `A finding is ${sure}. Its severity is ${grave}${by}.`
}

function languagesOf({ languages }: Rule): string[] {
  const spoken = languages.map((one): Language => (one === "javascript" ? "typescript" : one))
  return LANGUAGES.filter(([language]) => spoken.includes(language)).map(([, name]) => name)
}

function listed(words: readonly string[], last = "and"): string {
  if (words.length < 2) return words.join("")
  return `${words.slice(0, -1).join(", ")} ${last} ${words.at(-1)}`
}

/** Sentences of a rule as Markdown: outside of code nothing of them is a mark. */
function prose(text: string): string {
  return text
    .split(/(`[^`]*`)/)
    .map((part) => (part.startsWith("`") ? part : part.replaceAll(/[\\*_<>[\]]/g, String.raw`\$&`)))
    .join("")
}
