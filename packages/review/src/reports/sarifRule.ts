/** A rule as SARIF describes it: the help that a code host shows beside a finding. */
import { fence } from "./markdown.ts"
import { uriOf, type RuleCard } from "./report.ts"

type Level = "error" | "warning" | "note"

/** The words by which GitHub sorts findings that are no security alerts. */
const PROBLEM: Readonly<Record<Level, string>> = {
  error: "error",
  warning: "warning",
  note: "recommendation",
}

/** The description of a rule; one of which only the name is known gets no help. */
export function sarifRule(id: string, card: RuleCard | undefined, level: Level): object {
  const properties = {
    tags: ["concurrency", "coordination"],
    precision: "high",
    "problem.severity": PROBLEM[level],
  }
  const name = id.replace(/(^|-)([a-z0-9])/g, (_, _dash: string, letter: string) =>
    letter.toUpperCase(),
  )
  if (card === undefined) {
    return { id, name, shortDescription: { text: id }, defaultConfiguration: { level }, properties }
  }
  const uri = uriOf(card.docs.reference)
  return {
    id,
    name,
    shortDescription: { text: sentence(card.title) },
    fullDescription: { text: card.docs.what },
    help: { text: helpText(card), markdown: helpMarkdown(card) },
    ...(uri === null ? {} : { helpUri: uri }),
    defaultConfiguration: { level },
    properties,
  }
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}

function helpText({ docs }: RuleCard): string {
  const silent = docs.silent.length === 0 ? "" : `\n\nSilent when: ${docs.silent.join(" ")}`
  return `${docs.what}\n\n${docs.why}\n\nFix: ${docs.fix}${silent}\n\nReference: ${docs.reference}`
}

function helpMarkdown({ title, docs }: RuleCard): string {
  const silent =
    docs.silent.length === 0
      ? []
      : ["## When it is silent", docs.silent.map((s) => `- ${s}`).join("\n")]
  const examples = Object.entries(docs.examples).flatMap(([language, example]) => [
    `## ${language}`,
    "Bad:",
    fence(example.bad.trimEnd(), language),
    "Good:",
    fence(example.good.trimEnd(), language),
  ])
  const parts = [`# ${title}`, docs.what, docs.why, "## Fix", docs.fix, ...silent, ...examples]
  return [...parts, `Reference: ${docs.reference}`].join("\n\n")
}
