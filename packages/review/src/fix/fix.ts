/**
 * Applies the edits of findings to files. Each pass applies what fits together; what overlapped, and what only the new
 * text shows, is for the next, until nothing is left to do or the passes are used up.
 */
import type { Finding, Report } from "../findings/finding.ts"
import { applyEdits, planFixes, type FixLevel } from "./plan.ts"
import { unifiedDiff } from "./unifiedDiff.ts"
import { replaceFile } from "./writeFile.ts"

/** More than fixes that build on each other need; it ends two rules that undo each other's edits. */
export const MAX_PASSES = 10

/** A report with the texts that its offsets count in. */
export interface Analysed {
  readonly report: Report
  readonly textOf: (path: string) => string | null
}

export interface FixOptions {
  readonly root: string
  readonly level: FixLevel
  readonly first: Analysed
  /** Analyses again what is on disk now. */
  readonly again: () => Promise<Analysed>
}

export interface FixOutcome {
  /** How many findings were fixed, over all passes. */
  readonly fixed: number
  /** Files that were written, sorted. */
  readonly files: readonly string[]
  /** Files that were not, with the reason. */
  readonly refused: readonly { readonly path: string; readonly reason: string }[]
  /** What is still found. */
  readonly last: Analysed
  readonly passes: number
}

/** Fixes files under a root, pass after pass. */
export async function fixFiles(options: FixOptions): Promise<FixOutcome> {
  const files = new Set<string>()
  const refused = new Map<string, string>()
  let last = options.first
  let fixed = 0
  let passes = 0
  while (passes < MAX_PASSES) {
    const open = last.report.findings.filter((finding) => !touches(finding, refused))
    const pass = writePass(options.root, planFixes(open, options.level), last.textOf, refused)
    if (pass.files.length === 0) break
    passes += 1
    fixed += pass.fixed
    for (const path of pass.files) files.add(path)
    last = await options.again()
  }
  return {
    fixed,
    files: [...files].sort(),
    refused: [...refused].map(([path, reason]) => ({ path, reason })),
    last,
    passes,
  }
}

function touches(finding: Finding, paths: ReadonlyMap<string, string>): boolean {
  return (finding.fix.edits ?? []).some((edit) => paths.has(edit.path))
}

function writePass(
  root: string,
  plan: ReturnType<typeof planFixes>,
  textOf: Analysed["textOf"],
  refused: Map<string, string>,
): { files: string[]; fixed: number } {
  const files: string[] = []
  for (const [path, edits] of plan.edits) {
    const before = textOf(path)
    const after = before === null ? null : applyEdits(before, edits)
    if (before === null || after === null) {
      refused.set(path, "its fixes do not fit its text")
      continue
    }
    if (before === after) continue
    const result = replaceFile(root, path, before, after)
    if (result.kind === "written") files.push(path)
    else refused.set(path, result.reason)
  }
  const written = new Set(files)
  const isDone = (finding: Finding): boolean =>
    (finding.fix.edits ?? []).every((edit) => written.has(edit.path))
  return { files, fixed: plan.applied.filter(isDone).length }
}

/** What one pass would change, as a unified diff; nothing is written. */
export function diffFixes({ report, textOf }: Analysed, level: FixLevel): string {
  const plan = planFixes(report.findings, level)
  const paths = [...plan.edits.keys()].sort()
  return paths
    .map((path) => {
      const before = textOf(path)
      const after = before === null ? null : applyEdits(before, plan.edits.get(path)!)
      return before === null || after === null ? "" : unifiedDiff(path, before, after)
    })
    .join("")
}
