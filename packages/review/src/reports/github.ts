/** Workflow commands of GitHub Actions, which become annotations of a commit. They need no token. */
import type { Finding, Report, Severity } from "../findings/finding.ts"
import { visible } from "./visible.ts"

const COMMANDS: Readonly<Record<Severity, string>> = {
  high: "error",
  medium: "warning",
  low: "notice",
  info: "notice",
}

export function github(report: Report): string {
  return report.findings.map((finding) => `${annotation(finding)}\n`).join("")
}

function annotation(finding: Finding): string {
  const { path, line, endLine, column, endColumn } = finding
  // Columns of an annotation over several lines are refused, and with them the annotation.
  const columns = endLine > line ? {} : { col: column, endColumn: Math.max(endColumn, column) }
  const properties = {
    file: path,
    line,
    endLine,
    ...columns,
    title: `${finding.rule} (${finding.tier})`,
  }
  const given = Object.entries(properties).map(
    ([name, value]) => `${name}=${property(String(value))}`,
  )
  const text = [
    finding.message,
    ...finding.because.map((fact) => `- ${fact.text}`),
    `Fix: ${finding.fix.text}`,
  ]
  const message = [...text, `See: ${finding.reference}`]
    .map((row) => data(visible(row)))
    .join("%0A")
  return `::${COMMANDS[finding.severity]} ${given.join(",")}::${message}`
}

function data(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A")
}

function property(text: string): string {
  return data(visible(text)).replaceAll(":", "%3A").replaceAll(",", "%2C")
}
