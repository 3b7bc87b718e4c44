/** The order in which findings are reported, whatever the order in which they were found. */
import type { Finding } from "./finding.ts"

/** By path, then place, then rule; paths are compared by code units, which no locale changes. */
export function compareFindings(a: Finding, b: Finding): number {
  return (
    compare(a.path, b.path) ||
    a.line - b.line ||
    a.column - b.column ||
    compare(a.rule, b.rule) ||
    compare(a.fingerprint, b.fingerprint)
  )
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
