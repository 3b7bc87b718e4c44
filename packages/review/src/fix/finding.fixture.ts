/** Findings as tests of fixes need them: only their edits count. */
import type { Edit, Finding, Report } from "../findings/finding.ts"

export function findingWith(
  edits: readonly Edit[],
  safety: "safe" | "unsafe" | null = "safe",
): Finding {
  return {
    rule: "r",
    tier: "certain",
    severity: "low",
    path: edits[0]?.path ?? "a.go",
    line: 1,
    column: 1,
    endLine: 1,
    endColumn: 1,
    message: "m",
    because: [],
    checked: [],
    fix: { text: "f", edits, ...(safety !== null && { safety }) },
    reference: "r",
    symbol: "",
    fingerprint: "0000000000000000",
  }
}

export function reportWith(findings: readonly Finding[]): Report {
  return { findings, suppressed: [], notices: [], files: 1, ms: 0 }
}

/** The edit that puts `text` in the place of the first `old` of a text. */
export function edit(path: string, source: string, old: string, text: string): Edit {
  const start = source.indexOf(old)
  return { path, start, end: start + old.length, text }
}
