/**
 * A Code Quality report of GitLab. GitLab shows only the first of two entries with one fingerprint, so no two are ever
 * the same, even where the findings came from two runs.
 */
import type { Report, Severity } from "../findings/finding.ts"
import { safeJson } from "./visible.ts"

const LEVELS: Readonly<Record<Severity, string>> = {
  high: "critical",
  medium: "major",
  low: "minor",
  info: "info",
}

export function gitlab(report: Report): string {
  const seen = new Map<string, number>()
  const entries = report.findings.map((finding) => {
    const times = (seen.get(finding.fingerprint) ?? 0) + 1
    seen.set(finding.fingerprint, times)
    return {
      description: `${finding.message} ${finding.fix.text}`,
      check_name: finding.rule,
      fingerprint: times === 1 ? finding.fingerprint : `${finding.fingerprint}-${times}`,
      severity: LEVELS[finding.severity],
      location: { path: finding.path, lines: { begin: finding.line, end: finding.endLine } },
    }
  })
  return `${safeJson(entries, 2)}\n`
}
