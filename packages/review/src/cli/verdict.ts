/** Whether a review is clean. */
import { isSeverityAtLeast } from "../config/config.ts"
import type { Report, Severity } from "../findings/finding.ts"
import { exitCodes, type ExitCode } from "./terminal.ts"

/** Status 1 when a finding is grave enough, or when there are more of the others than allowed. */
export function verdictOf(
  report: Report,
  failOn: Severity | "never",
  maxWarnings: number | undefined,
): ExitCode {
  const grave =
    failOn === "never"
      ? []
      : report.findings.filter(({ severity }) => isSeverityAtLeast(severity, failOn))
  const tooMany = maxWarnings !== undefined && report.findings.length - grave.length > maxWarnings
  return grave.length > 0 || tooMany ? exitCodes.findings : exitCodes.clean
}
