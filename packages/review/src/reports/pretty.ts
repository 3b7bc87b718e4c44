/** Findings for a person at a terminal: the code, what is marked in it, and what was looked for. */
import type { Fact, Finding, Report, Severity } from "../findings/finding.ts"
import { frame, type Mark } from "./frame.ts"
import { count, summaryLine, type RenderOptions } from "./report.ts"
import { styleOf, type Style } from "./style.ts"
import { visible } from "./visible.ts"

export function pretty(report: Report, options: RenderOptions): string {
  const style = styleOf(options.colour ?? false)
  const parts = report.findings.map((finding) => prettyFinding(finding, options))
  for (const notice of report.notices) {
    const at =
      notice.path === undefined
        ? ""
        : ` ${visible(notice.path)}${notice.line ? `:${notice.line}` : ""}`
    parts.push(`${style.cyan("note")}[${notice.code}]${at}: ${visible(notice.message)}\n`)
  }
  if (options.summary !== false)
    parts.push(`${style.bold(summaryLine(report, options))}${heldBack(report)}\n`)
  return parts.join("\n")
}

/** One finding with its frames, without the summary. */
export function prettyFinding(finding: Finding, options: RenderOptions): string {
  const style = styleOf(options.colour ?? false)
  const groups = groupMarks(finding)
  const gutter = String(
    Math.max(...[...groups.values()].flat().map((mark) => mark.line + 2)),
  ).length
  const rows = [header(finding, style)]
  let lead = "-->"
  for (const [path, marks] of groups) {
    rows.push(...place(path, marks, lead, gutter, style))
    const text = options.textOf?.(path) ?? null
    const framed =
      text === null ? [] : frame(text, marks, { style, gutter, width: options.width ?? 120 })
    if (framed.length > 0) rows.push(blank(gutter, style), ...framed)
    rows.push(...unframed(marks, text === null, gutter, style))
    lead = ":::"
  }
  rows.push(blank(gutter, style))
  for (const [name, text] of footnotes(finding)) {
    rows.push(`${" ".repeat(gutter)} ${style.blue("=")} ${style.bold(name)}: ${visible(text)}`)
  }
  return `${rows.join("\n")}\n`
}

function header(finding: Finding, style: Style): string {
  const paint = paintOf(finding.severity, style)
  const tier = finding.tier === "certain" ? "" : ` (${finding.tier})`
  return `${paint(`${finding.severity}[${visible(finding.rule)}]`)}${tier}: ${style.bold(visible(finding.message))}`
}

function paintOf(severity: Severity, style: Style): (text: string) => string {
  if (severity === "high") return style.red
  return severity === "medium" ? style.yellow : style.cyan
}

/** The marks of a finding by file, its own file first. */
function groupMarks(finding: Finding): Map<string, Mark[]> {
  const groups = new Map<string, Mark[]>([
    [finding.path, [{ ...placeOnly(finding), label: "", primary: true }]],
  ])
  for (const fact of finding.because) {
    if (fact.place === undefined) continue
    const mark = { ...fact.place, label: fact.text, primary: false }
    const group = groups.get(mark.path) ?? []
    groups.set(mark.path, group)
    // What is said of one place is said beside one marker.
    const same = group.findIndex((other) => isSamePlace(other, mark))
    if (same === -1) group.push(mark)
    else group[same] = { ...group[same]!, label: joined(group[same]!.label, mark.label) }
  }
  return groups
}

function isSamePlace(a: Mark, b: Mark): boolean {
  return (
    a.line === b.line &&
    a.column === b.column &&
    a.endLine === b.endLine &&
    a.endColumn === b.endColumn
  )
}

function joined(a: string, b: string): string {
  return a === "" ? b : `${a}; ${b}`
}

function placeOnly({ path, line, column, endLine, endColumn }: Finding): Required<Fact>["place"] {
  return { path, line, column, endLine, endColumn }
}

function place(
  path: string,
  marks: readonly Mark[],
  lead: string,
  gutter: number,
  style: Style,
): string[] {
  const first = marks[0]
  if (first === undefined) return []
  const arrow = `${" ".repeat(gutter)}${style.blue(lead)}`
  return [`${arrow} ${visible(path)}:${first.line}:${first.column}`]
}

/** What a frame would say, where there is no text to frame. */
function unframed(marks: readonly Mark[], noText: boolean, gutter: number, style: Style): string[] {
  if (!noText) return []
  return marks
    .filter((mark) => mark.label !== "")
    .map(
      (mark) =>
        `${" ".repeat(gutter)} ${style.blue("|")} ${mark.line}:${mark.column} ${visible(mark.label)}`,
    )
}

function blank(gutter: number, style: Style): string {
  return `${" ".repeat(gutter)} ${style.blue("|")}`
}

function footnotes(finding: Finding): [string, string][] {
  return [
    ...finding.because
      .filter((fact) => fact.place === undefined)
      .map((fact): [string, string] => ["because", fact.text]),
    ...finding.checked.map((text): [string, string] => ["looked for", text]),
    ...(finding.adjudication?.reasons ?? []).map((text): [string, string] => [
      `model (${finding.adjudication?.verdict ?? ""})`,
      text,
    ]),
    ["fix", finding.fix.text],
    ["see", finding.reference],
  ]
}

function heldBack(report: Report): string {
  const comments = report.suppressed.filter(({ by }) => by === "comment").length
  const baseline = report.suppressed.length - comments
  const parts = [
    ...(comments === 0 ? [] : [`${comments} by ${comments === 1 ? "a comment" : "comments"}`]),
    ...(baseline === 0 ? [] : [`${baseline} by the baseline`]),
  ]
  return parts.length === 0
    ? ""
    : `\n${count(report.suppressed.length, "finding")} held back: ${parts.join(", ")}`
}
