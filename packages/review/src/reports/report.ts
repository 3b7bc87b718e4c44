/** What every format is handed beside the report itself. */
import type { Finding, Report, Severity } from "../findings/finding.ts"
import type { Rule } from "../rules/rule.ts"

/** What formats tell about a rule. */
export type RuleCard = Pick<Rule, "id" | "title" | "languages" | "docs">

export interface RenderOptions {
  /** The text of a file as it was analysed, or null when it is not at hand; without it there are no frames. */
  readonly textOf?: (path: string) => string | null
  /** Escape sequences for a terminal; off unless asked for. */
  readonly colour?: boolean
  /** Columns of the terminal; longer lines of code are cut around what is marked. Default 120. */
  readonly width?: number
  /** The rules that ran: SARIF describes all of them. */
  readonly rules?: readonly RuleCard[]
  /** The version of the program. */
  readonly version?: string
  /** Tells how long the run took. Off unless asked for, so that two runs print the same bytes. */
  readonly timing?: boolean
  /** Ends with a line that counts, in the forms for people. On unless told otherwise. */
  readonly summary?: boolean
}

export const SEVERITIES: readonly Severity[] = ["high", "medium", "low", "info"]

/** "3 findings in 2 files (412 files)", and with timing "(412 files, 0.8 s)". */
export function summaryLine(report: Report, { timing }: RenderOptions): string {
  const { findings } = report
  const places = new Set(findings.map((finding) => finding.path)).size
  const seconds = timing ? `, ${(report.ms / 1000).toFixed(1)} s` : ""
  const read = `(${count(report.files, "file")}${seconds})`
  if (findings.length === 0) return `No findings ${read}`
  return `${count(findings.length, "finding")} in ${count(places, "file")} ${read}`
}

/** "1 finding", "2 findings". */
export function count(value: number, noun: string): string {
  return `${value} ${noun}${value === 1 ? "" : "s"}`
}

/** The first address in a reference, or null: what formats need as a URI. */
export function uriOf(reference: string): string | null {
  const found = /https?:\/\/[-!#$%&'()*+,./0-9:;=?@A-Z_a-z~]+/.exec(reference)?.[0]
  if (found === undefined) return null
  const uri = found.replace(/[.,;:)']+$/, "")
  return URL.canParse(uri) ? uri : null
}

/** Findings by file, files in the order of the findings. */
export function byPath(findings: readonly Finding[]): Map<string, Finding[]> {
  const files = new Map<string, Finding[]>()
  for (const finding of findings) {
    const list = files.get(finding.path)
    if (list === undefined) files.set(finding.path, [finding])
    else list.push(finding)
  }
  return files
}
