/**
 * Findings as Markdown, for a comment or the summary of a build. What comes from a repository is text there: it makes
 * no links, images, mentions or HTML, and no fence inside it closes ours.
 */
import type { Finding, Report } from "../findings/finding.ts"
import { Lines } from "../findings/place.ts"
import { byPath, summaryLine, uriOf, type RenderOptions } from "./report.ts"
import { visible } from "./visible.ts"

export function markdown(report: Report, options: RenderOptions): string {
  const parts = [`## ${prose(summaryLine(report, options))}\n`]
  for (const [path, findings] of byPath(report.findings)) {
    parts.push(`### ${code(path)}\n`)
    for (const finding of findings) parts.push(`${markdownFinding(finding, options)}\n`)
  }
  return parts.join("\n")
}

/** One finding: its sentence, the lines, the facts, what was looked for, the fix. */
export function markdownFinding(finding: Finding, options: RenderOptions): string {
  const { path, line, severity, tier, rule, message } = finding
  const parts = [
    `**${severity}** ${code(rule)} at ${code(`${path}:${line}`)} (${tier}): ${prose(message)}`,
  ]
  const quoted = quote(finding, options)
  if (quoted !== null) parts.push(quoted)
  parts.push(reasons(finding))
  return `${parts.join("\n\n")}\n`
}

/** The facts, what was looked for, the fix and the reference, as a list. */
export function reasons(finding: Finding): string {
  return [
    ...finding.because.map(({ text, place }) => {
      const at = place === undefined ? "" : ` (${code(`${place.path}:${place.line}`)})`
      return `- Because: ${prose(text)}${at}`
    }),
    ...finding.checked.map((text) => `- Looked for: ${prose(text)}`),
    `- Fix: ${prose(finding.fix.text)}`,
    `- See: ${referenceLink(finding.reference)}`,
  ].join("\n")
}

/** A reference as a link where it is an address. */
export function referenceLink(reference: string): string {
  const uri = uriOf(reference)
  if (uri === null) return prose(reference)
  const name = reference.replace(uri, "").trim()
  return name === "" ? `<${uri}>` : `${prose(name)} <${uri}>`
}

/** The lines of a place as a fenced block, or null when its file is not at hand. */
export function quote(
  place: Pick<Finding, "path" | "line" | "endLine">,
  options: RenderOptions,
): string | null {
  const text = options.textOf?.(place.path) ?? null
  if (text === null) return null
  const lines = new Lines(text)
  const last = Math.min(place.endLine, place.line + MAX_QUOTED - 1, lines.count)
  const rows: string[] = []
  for (let line = place.line; line <= last; line++) rows.push(visibleCode(lines.textOf(line)))
  return rows.length === 0 ? null : fence(rows.join("\n"), languageOf(place.path))
}

const MAX_QUOTED = 12

/** A line of code in which a tab stays a tab. */
function visibleCode(line: string): string {
  return line.split("\t").map(visible).join("\t")
}

/** A fenced block that no fence inside it can end. */
export function fence(text: string, language: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length))
  const mark = "`".repeat(longest + 1)
  return `${mark}${language}\n${text}\n${mark}`
}

/** Text of a repository in a sentence of Markdown. What stands in backquotes stays code. */
export function prose(text: string): string {
  const parts = visible(text).split(/((?<!`)`[^`]+`(?!`))/)
  return parts.map((part, i) => (i % 2 === 1 ? part : escapeMarkdown(part))).join("")
}

/** A span of code, whatever is in it. */
export function code(text: string): string {
  const shown = visible(text)
  const longest = Math.max(0, ...[...shown.matchAll(/`+/g)].map(([run]) => run.length))
  const mark = "`".repeat(longest + 1)
  const pad = longest > 0 || shown.startsWith(" ") ? " " : ""
  return shown === "" ? "" : `${mark}${pad}${shown}${pad}${mark}`
}

function escapeMarkdown(text: string): string {
  return (
    text
      .replaceAll("&", "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;")
      .replace(/[\\`*_[\]|~]/g, "\\$&")
      // Hosts look for mentions in what is rendered, where an escape is gone; an empty comment parts the two for good.
      .replace(/[@#](?=\w)/g, "$&<!-- -->")
      .replace(/:\/\//g, "&#58;//")
      .replace(/\bwww\./gi, (www) => `${www.slice(0, -1)}&#46;`)
  )
}

const LANGUAGES: Readonly<Record<string, string>> = {
  go: "go",
  py: "python",
  ts: "ts",
  mts: "ts",
  cts: "ts",
  tsx: "tsx",
  js: "js",
  mjs: "js",
  cjs: "js",
  jsx: "jsx",
  java: "java",
  kt: "kotlin",
  kts: "kotlin",
  sql: "sql",
}

/** The name by which Markdown knows the language of a file, or "". */
export function languageOf(path: string): string {
  return LANGUAGES[path.slice(path.lastIndexOf(".") + 1)] ?? ""
}
