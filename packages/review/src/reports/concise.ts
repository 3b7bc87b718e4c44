/** One line a finding, for a log or a pipe. */
import type { Report } from "../findings/finding.ts"
import { summaryLine, type RenderOptions } from "./report.ts"
import { visible } from "./visible.ts"

export function concise(report: Report, options: RenderOptions): string {
  const lines = report.findings.map(({ path, line, column, severity, rule, tier, message }) => {
    const doubt = tier === "certain" ? "" : ` (${tier})`
    return `${visible(path)}:${line}:${column}: ${severity} ${visible(rule)}${doubt}: ${visible(message)}\n`
  })
  return `${lines.join("")}${options.summary === false ? "" : `${summaryLine(report, options)}\n`}`
}
