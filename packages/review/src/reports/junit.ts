/** JUnit's XML, as build servers read it: a suite for each file, a failed case for each finding. */
import type { Finding, Report } from "../findings/finding.ts"
import { byPath } from "./report.ts"
import { visible } from "./visible.ts"

export function junit(report: Report): string {
  const suites = [...byPath(report.findings)].map(([path, findings]) => suite(path, findings))
  // Servers take a file without any case for a broken build.
  if (suites.length === 0) suites.push(clean())
  const failures = report.findings.length
  const head = `<testsuites name="drover-review" tests="${Math.max(failures, 1)}" failures="${failures}" errors="0">`
  return `<?xml version="1.0" encoding="UTF-8"?>\n${head}\n${suites.join("")}</testsuites>\n`
}

function suite(path: string, findings: readonly Finding[]): string {
  const cases = findings.map(testCase).join("")
  const size = findings.length
  return `  <testsuite name="${xml(path)}" tests="${size}" failures="${size}" errors="0">\n${cases}  </testsuite>\n`
}

function testCase(finding: Finding): string {
  const { path, line, column, rule, severity, message } = finding
  const body = [
    `${path}:${line}:${column}`,
    ...finding.because.map((fact) => `because ${fact.text}`),
    ...finding.checked.map((text) => `looked for: ${text}`),
    `fix: ${finding.fix.text}`,
    `see: ${finding.reference}`,
  ]
  const name = `${rule} at line ${line}, column ${column}`
  const failure = `<failure type="${severity}" message="${xml(message)}">${body.map(xml).join("\n")}</failure>`
  return `    <testcase classname="${xml(rule)}" name="${xml(name)}" file="${xml(path)}" line="${line}">\n      ${failure}\n    </testcase>\n`
}

function clean(): string {
  return `  <testsuite name="drover-review" tests="1" failures="0" errors="0">\n    <testcase classname="drover-review" name="no findings"/>\n  </testsuite>\n`
}

function xml(text: string): string {
  return visible(text)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&apos;")
}
