/**
 * Which edits go into a file together. Findings are taken in the order of the report, all edits of one or none; one
 * that touches what another already changes waits for the next pass, when its offsets are right again.
 */
import type { Edit, Finding } from "../findings/finding.ts"

/** `safe` takes edits that keep the meaning of correct runs; `unsafe` takes those too that have to be read. */
export type FixLevel = "safe" | "unsafe"

export interface Plan {
  /** By path, in the order of the report; each list is free of overlaps. */
  readonly edits: ReadonlyMap<string, readonly Edit[]>
  /** Whose edits are in the plan. */
  readonly applied: readonly Finding[]
  /** Whose edits overlap with those, or with each other. */
  readonly deferred: readonly Finding[]
}

/** Plans one pass over the findings of a report. */
export function planFixes(findings: readonly Finding[], level: FixLevel): Plan {
  const edits = new Map<string, Edit[]>()
  const applied: Finding[] = []
  const deferred: Finding[] = []
  for (const finding of findings) {
    const wanted = wantedEdits(finding, level)
    if (wanted.length === 0) continue
    if (!fitTogether(wanted, edits)) {
      deferred.push(finding)
      continue
    }
    for (const edit of wanted) {
      const list = edits.get(edit.path)
      if (list === undefined) edits.set(edit.path, [edit])
      else if (!list.some((other) => isSame(other, edit))) list.push(edit)
    }
    applied.push(finding)
  }
  return { edits, applied, deferred }
}

function wantedEdits({ fix }: Finding, level: FixLevel): readonly Edit[] {
  // An edit of which nobody said that it is safe is not.
  const isWanted = fix.safety === "safe" || level === "unsafe"
  return isWanted ? (fix.edits ?? []) : []
}

function fitTogether(
  wanted: readonly Edit[],
  taken: ReadonlyMap<string, readonly Edit[]>,
): boolean {
  return wanted.every((edit, i) => {
    const others = [...(taken.get(edit.path) ?? []), ...wanted.slice(0, i)]
    return others.every((other) => isSame(edit, other) || !overlap(edit, other))
  })
}

/** Two findings may need the same import; it is added once. */
function isSame(a: Edit, b: Edit): boolean {
  return a.path === b.path && a.start === b.start && a.end === b.end && a.text === b.text
}

/** Two insertions at one place overlap too: which comes first would be chance. One before a replacement does not. */
function overlap(a: Edit, b: Edit): boolean {
  if (a.path !== b.path) return false
  if (a.start === b.start) return (a.start === a.end) === (b.start === b.end)
  return a.start < b.end && b.start < a.end
}

/**
 * A text with edits applied, or null when one lies outside of it or they overlap. In a file of CRLF lines, inserted
 * lines end so too.
 */
export function applyEdits(text: string, edits: readonly Edit[]): string | null {
  const sorted = [...edits].sort((a, b) => a.start - b.start || a.end - b.end)
  const usesCrlf = text.includes("\r\n") && !/(?:^|[^\r])\n/.test(text)
  let out = ""
  let at = 0
  for (const { start, end, text: inserted } of sorted) {
    if (start < at || end < start || end > text.length) return null
    out += text.slice(at, start) + (usesCrlf ? inserted.replace(/\r?\n/g, "\r\n") : inserted)
    at = end
  }
  return out + text.slice(at)
}
