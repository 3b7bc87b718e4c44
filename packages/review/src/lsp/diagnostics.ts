/** Findings, and ignore comments that are wrong, as diagnostics of an editor. */
import type { Finding, Notice, Place, Severity } from "../findings/finding.ts"
import { uriOf } from "../reports/report.ts"
import type { LspRange } from "./documents.ts"

const SEVERITIES: Readonly<Record<Severity, 1 | 2 | 3 | 4>> = {
  high: 1,
  medium: 2,
  low: 3,
  info: 4,
}

export interface Diagnostic {
  readonly range: LspRange
  readonly severity: 1 | 2 | 3 | 4
  readonly code: string
  readonly codeDescription?: { readonly href: string }
  readonly source: string
  readonly message: string
  readonly relatedInformation?: readonly {
    readonly location: { readonly uri: string; readonly range: LspRange }
    readonly message: string
  }[]
  readonly data?: { readonly fingerprint: string }
}

/**
 * The diagnostic of a finding.
 * @param fileUri - the address of a path below the root
 */
export function diagnosticOf(finding: Finding, fileUri: (path: string) => string): Diagnostic {
  const { rule, severity, message, fix, reference, fingerprint, tier } = finding
  const href = uriOf(reference)
  const doubt = tier === "certain" ? "" : ` (${tier})`
  const related = finding.because.flatMap(({ text, place }) =>
    place ? [{ location: { uri: fileUri(place.path), range: rangeOf(place) }, message: text }] : [],
  )
  return {
    range: rangeOf(finding),
    severity: SEVERITIES[severity],
    code: rule,
    ...(href !== null && { codeDescription: { href } }),
    source: "drover-review",
    message: `${message}${doubt}\n${fix.text}`,
    ...(related.length > 0 && { relatedInformation: related }),
    data: { fingerprint },
  }
}

/** The diagnostic of an ignore comment that holds nothing back; null for what is told in another place. */
export function ignoreDiagnosticOf({ code, message, line }: Notice): Diagnostic | null {
  if (line === undefined || !code.startsWith("ignore-")) return null
  // All of its line: editors end a range where the line does.
  const range = { start: { line: line - 1, character: 0 }, end: { line, character: 0 } }
  return { range, severity: 2, code, source: "drover-review", message }
}

/** A place counts from 1, a range from 0; both in UTF-16 code units. */
export function rangeOf(place: Place): LspRange {
  return {
    start: { line: place.line - 1, character: place.column - 1 },
    end: { line: place.endLine - 1, character: place.endColumn - 1 },
  }
}
