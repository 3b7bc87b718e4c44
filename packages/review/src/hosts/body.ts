/** The texts of a review. Each begins with a mark that no reader sees, by which the next run knows it for ours. */
import type { Finding, Report } from "../findings/finding.ts"
import { code, markdownFinding, prose, reasons } from "../reports/markdown.ts"
import { count, type RenderOptions } from "../reports/report.ts"

/** GitHub's limit for a body, in characters. GitLab takes more, and nobody reads it. */
export const MAX_BODY = 65_536

const SUMMARY_MARK = "<!-- drover-review:summary -->"
const MORE_MARK = "<!-- drover-review:more -->"

/** Only a mark at the very start counts: text of a repository can stand further down. */
export function fingerprintIn(body: string): string | null {
  return /^<!-- drover-review:([0-9a-f]{16}) -->/.exec(body)?.[1] ?? null
}

export function isSummary(body: string): boolean {
  return body.startsWith(SUMMARY_MARK)
}

/** The comment beside a line, with a suggestion's block if there is one. */
export function inlineBody(finding: Finding, suggestion: string | null): string {
  const { severity, rule, tier, message } = finding
  const head = `<!-- drover-review:${finding.fingerprint} -->\n**${severity}** ${code(rule)} (${tier}): ${prose(message)}`
  const parts = [head, reasons(finding), ...(suggestion === null ? [] : [suggestion])]
  const body = parts.join("\n\n")
  return body.length <= MAX_BODY ? body : cut(parts.slice(0, 2).join("\n\n"), MAX_BODY)
}

/** The review's own text: how much was found, and in full what has no line to stand beside. */
export function summaryBody(
  report: Report,
  rest: readonly Finding[],
  options: RenderOptions,
): string {
  const { findings } = report
  const files = new Set(findings.map((finding) => finding.path)).size
  const beside = findings.length - rest.length
  const head =
    findings.length === 0
      ? "**No findings.** What was found before is fixed."
      : `**${count(findings.length, "finding")} in ${count(files, "file")}**, ${beside} beside the code.`
  const parts = [`${SUMMARY_MARK}\n### Coordination review\n\n${head}`]
  if (rest.length > 0) parts.push("Outside of the lines that this change shows:")
  return withinLimit(parts, rest, options)
}

/** Adds findings as long as there is room, and says how many there was none for. */
function withinLimit(parts: string[], rest: readonly Finding[], options: RenderOptions): string {
  const RESERVE = 200
  let length = parts.join("\n\n").length
  for (const [i, finding] of rest.entries()) {
    const text = markdownFinding(finding, options)
    if (length + text.length + 2 > MAX_BODY - RESERVE) {
      parts.push(`…and ${count(rest.length - i, "finding")} more, for which there is no room here.`)
      break
    }
    parts.push(text)
    length += text.length + 2
  }
  return parts.join("\n\n")
}

/** What stands above the comments that a later run adds. */
export function moreBody(added: number): string {
  return `${MORE_MARK}\n${count(added, "new finding")}; the first review's text is up to date.`
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 2).toWellFormed()}…`
}
