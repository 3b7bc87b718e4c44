/** How often each rule spoke, and in how many files. */
import type { Report } from "../findings/finding.ts"
import { SEVERITIES, summaryLine, type RenderOptions } from "./report.ts"
import { visible } from "./visible.ts"

export function statistics(report: Report, options: RenderOptions): string {
  const rules = new Map<
    string,
    { files: Set<string>; severities: Map<string, number>; total: number }
  >()
  for (const { rule, path, severity } of report.findings) {
    const row = rules.get(rule) ?? { files: new Set(), severities: new Map(), total: 0 }
    row.files.add(path)
    row.severities.set(severity, (row.severities.get(severity) ?? 0) + 1)
    row.total += 1
    rules.set(rule, row)
  }
  const sorted = [...rules].sort(([a, x], [b, y]) => y.total - x.total || (a < b ? -1 : 1))
  const table = [
    ["rule", "findings", "files", ...SEVERITIES],
    ...sorted.map(([rule, { files, severities, total }]) => [
      visible(rule),
      String(total),
      String(files.size),
      ...SEVERITIES.map((severity) => String(severities.get(severity) ?? 0)),
    ]),
  ]
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)))
  const lines = table.map((row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join("  "),
  )
  return sorted.length === 0
    ? `${summaryLine(report, options)}\n`
    : `${lines.join("\n")}\n\n${summaryLine(report, options)}\n`
}
