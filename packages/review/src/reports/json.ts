/**
 * JSON for programs. Its fields are those of version 1 and stay: others may be added, none is renamed. `ms` comes last,
 * and is 0 unless it was asked for: all else is the same in every run over the same files.
 */
import type { Finding, Report } from "../findings/finding.ts"
import type { RenderOptions } from "./report.ts"
import { safeJson } from "./visible.ts"

export interface JsonFinding {
  readonly rule: string
  readonly tier: string
  readonly severity: string
  readonly path: string
  readonly line: number
  readonly column: number
  readonly endLine: number
  readonly message: string
  readonly because: readonly {
    readonly text: string
    readonly path?: string
    readonly line?: number
    readonly column?: number
  }[]
  readonly checked: readonly string[]
  readonly fix: string
  readonly fingerprint: string
}

export interface JsonReport {
  readonly version: 1
  readonly findings: readonly JsonFinding[]
  readonly files: number
  readonly ms: number
}

/** A finding as `json`, `jsonl` and the tools for agents give it. */
export function jsonFinding(finding: Finding): JsonFinding {
  const { rule, tier, severity, path, line, column, endLine, message, checked, fingerprint } =
    finding
  const because = finding.because.map(({ text, place }) =>
    place === undefined
      ? { text }
      : { text, path: place.path, line: place.line, column: place.column },
  )
  const fix = finding.fix.text
  return {
    rule,
    tier,
    severity,
    path,
    line,
    column,
    endLine,
    message,
    because,
    checked,
    fix,
    fingerprint,
  }
}

export function json(report: Report, { timing }: RenderOptions): string {
  const { files } = report
  const ms = timing ? report.ms : 0
  const value: JsonReport = { version: 1, findings: report.findings.map(jsonFinding), files, ms }
  return `${safeJson(value, 2)}\n`
}

/** One finding a line, and nothing else. */
export function jsonl(report: Report): string {
  return report.findings.map((finding) => `${safeJson(jsonFinding(finding))}\n`).join("")
}
