import type { Finding, Report } from "../findings/finding.ts"

/** A finding for tests that look at what happens to it afterwards. */
export function findingWith(parts: Partial<Finding> = {}): Finding {
  return {
    path: "a.ts",
    line: 1,
    column: 1,
    endLine: 1,
    endColumn: 5,
    rule: "lost-update",
    tier: "likely",
    severity: "medium",
    message: "the row is written back as it was read",
    because: [],
    checked: [],
    fix: { text: "compare before writing" },
    reference: "https://example.com/lost-update",
    symbol: "save",
    fingerprint: "0123456789abcdef",
    ...parts,
  }
}

/** A report of these findings. */
export function reportOf(...findings: readonly Finding[]): Report {
  return { findings, suppressed: [], notices: [], files: 1, ms: 5 }
}
