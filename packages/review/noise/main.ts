/**
 * `npm run review:noise -- DIR…`: how much the reviewer says about repositories that nobody wrote for it. Prints for
 * each folder the lines of source that were read, the findings of the default tiers and their number per 10 000 lines,
 * then the findings of each rule; with `--findings` each finding, to be read and judged.
 *
 * Lines are those of all files that are reviewed, tests, comments and blank lines too; what is generated or vendored
 * is passed over, as in a review.
 */
import { basename } from "node:path"
import { parseArgs } from "node:util"
import { review } from "../src/engine/review.ts"
import type { Finding } from "../src/findings/finding.ts"

const PER_LINES = 10_000

const { values, positionals } = parseArgs({
  options: { findings: { type: "boolean", default: false } },
  allowPositionals: true,
})

const total = { lines: 0, findings: 0 }
const perRule = new Map<string, number>()

console.log(row("repository", "lines", "findings", "per 10 000"))
for (const root of positionals) {
  const result = await review({ root })
  const findings = result.findings.filter(({ tier }) => tier !== "context")
  let lines = 0
  for (const path of result.paths) lines += result.textOf(path)?.split("\n").length ?? 0
  total.lines += lines
  total.findings += findings.length
  for (const { rule } of findings) perRule.set(rule, (perRule.get(rule) ?? 0) + 1)
  console.log(row(basename(root), lines, findings.length, rate(findings.length, lines)))
  if (values.findings) for (const finding of findings) console.log(shown(finding))
}
console.log(row("all", total.lines, total.findings, rate(total.findings, total.lines)))

console.log()
console.log(row("rule", "findings", "", "per 10 000"))
for (const [rule, count] of [...perRule].sort(([a], [b]) => (a < b ? -1 : 1)))
  console.log(row(rule, count, "", rate(count, total.lines)))

function rate(findings: number, lines: number): string {
  return lines === 0 ? "" : ((findings / lines) * PER_LINES).toFixed(2)
}

function row(name: string, ...columns: readonly (string | number)[]): string {
  return name.padEnd(36) + columns.map((column) => String(column).padStart(12)).join("")
}

function shown({ path, line, rule, tier, message }: Finding): string {
  return `  ${path}:${line} ${rule} (${tier}) ${message}`
}
