/** One finding as an issue that a maintainer can judge without this tool: what, where, why, how to mend it. */
import type { Finding } from "../findings/finding.ts"
import { code, fence, languageOf, prose, quote, referenceLink } from "../reports/markdown.ts"
import type { RenderOptions, RuleCard } from "../reports/report.ts"
import { visible } from "../reports/visible.ts"
import { MAX_BODY } from "./body.ts"

export interface Issue {
  readonly title: string
  readonly body: string
}

/** The title's limit of both hosts is 255 or more. */
const MAX_TITLE = 200

/** The mark by which an issue that was filed before is found. */
export function issueMark(fingerprint: string): string {
  return `<!-- drover-review:issue:${fingerprint} -->`
}

/** Writes the issue. `card` is the rule's documentation, for what it says of why. */
export function issueOf(
  finding: Finding,
  card: RuleCard | undefined,
  options: RenderOptions,
): Issue {
  const { path, message, fingerprint, rule } = finding
  const title = `${path.slice(path.lastIndexOf("/") + 1)}: ${message.replace(/\.$/, "")}`
  const parts = [
    issueMark(fingerprint),
    ["## Summary", prose(message), ...summaryFacts(finding)],
    ["## Where it happens", ...where(finding, options)],
    [
      "## Why this matters",
      card?.docs.why ?? prose(message),
      `See ${referenceLink(finding.reference)}.`,
    ],
    ["## Suggested fix", prose(finding.fix.text), ...example(finding, card)],
    ["## How this was found", ...found(finding, rule)],
  ]
  const body = parts.flat().join("\n\n")
  return { title: shorten(visible(title), MAX_TITLE), body: shorten(body, MAX_BODY) }
}

function summaryFacts({ because }: Finding): string[] {
  return because.length === 0 ? [] : [because.map(({ text }) => `- ${prose(text)}`).join("\n")]
}

function where(finding: Finding, options: RenderOptions): string[] {
  const inside = finding.symbol === "" ? "" : ` in ${code(finding.symbol)}`
  const parts = [`${code(`${finding.path}:${finding.line}`)}${inside}:`]
  const here = quote(finding, options)
  if (here !== null) parts.push(here)
  for (const { text, place } of finding.because) {
    if (place === undefined) continue
    const quoted = quote(place, options)
    parts.push(
      `${code(`${place.path}:${place.line}`)} (${prose(text)})${quoted === null ? "" : ":"}`,
    )
    if (quoted !== null) parts.push(quoted)
  }
  return parts
}

function example(finding: Finding, card: RuleCard | undefined): string[] {
  const language = languageOf(finding.path)
  const names: Readonly<Record<string, string>> = {
    ts: "typescript",
    tsx: "typescript",
    js: "javascript",
    jsx: "javascript",
  }
  const examples: Readonly<Record<string, { readonly good: string }>> = card?.docs.examples ?? {}
  const good = examples[names[language] ?? language]?.good
  return good === undefined ? [] : ["In general:", fence(good.trimEnd(), language)]
}

function found({ checked, tier }: Finding, rule: string): string[] {
  const looked =
    checked.length === 0
      ? []
      : [
          `What would have cleared it, and was looked for and not found:`,
          checked.map((text) => `- ${prose(text)}`).join("\n"),
        ]
  const doubt =
    tier === "certain"
      ? ""
      : " It is not proven: if something outside of this repository makes it right, it is a false alarm."
  return [
    `By ${code("drover-review")}, an analyser that looks for mistakes in how processes coordinate, with its rule ${code(rule)}.${doubt}`,
    ...looked,
  ]
}

function shorten(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1).toWellFormed()}…`
}
