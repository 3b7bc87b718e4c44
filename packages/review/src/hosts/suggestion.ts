/** A small fix as a change that a reader can accept in the host's own page. */
import type { Finding } from "../findings/finding.ts"
import { Lines } from "../findings/place.ts"
import { applyEdits } from "../fix/plan.ts"
import { fence } from "../reports/markdown.ts"
import type { ShownLine } from "./hunks.ts"

/** Larger ones are read better in an editor. */
const MAX_LINES = 10

export interface Suggestion {
  /** The lines that it replaces, both included. */
  readonly from: number
  readonly to: number
  /** The lines that it puts there. */
  readonly text: string
}

/**
 * The finding's edits as one replacement of whole lines, or null: when they reach into another file or away from the
 * finding, when a line is not shown in its hunk, or when there is something in it that a reader would not see.
 */
export function suggestionOf(
  finding: Finding,
  text: string | null,
  shown: ReadonlyMap<number, ShownLine>,
): Suggestion | null {
  const edits = finding.fix.edits ?? []
  if (text === null || edits.length === 0 || edits.some((edit) => edit.path !== finding.path))
    return null
  const lines = new Lines(text)
  const from = lines.positionOf(Math.min(...edits.map((edit) => edit.start))).line
  const to = lines.positionOf(Math.max(...edits.map((edit) => edit.end))).line
  if (finding.line < from || finding.line > to || to - from >= MAX_LINES) return null
  if (!isInOneHunk(from, to, shown)) return null
  const start = lines.offsetOf(from, 1)
  const end = lines.offsetOf(to, Infinity)
  const moved = edits.map((edit) => ({ ...edit, start: edit.start - start, end: edit.end - start }))
  const replaced = applyEdits(text.slice(start, end), moved)
  if (replaced === null || UNSEEN.test(replaced)) return null
  return { from, to, text: replaced.replaceAll("\r", "") }
}

/** An accepted suggestion writes these back, and nobody has seen them. */
const UNSEEN = /[^\P{C}\t\n\r]|[\u2028\u2029]/u

function isInOneHunk(from: number, to: number, shown: ReadonlyMap<number, ShownLine>): boolean {
  const hunk = shown.get(from)?.hunk
  for (let line = from; line <= to; line++) {
    if (hunk === undefined || shown.get(line)?.hunk !== hunk) return false
  }
  return true
}

/** The block by which GitHub knows a suggestion; the comment's lines are what it replaces. */
export function githubSuggestion({ text }: Suggestion): string {
  return fence(text, "suggestion")
}

/** GitLab counts from the line of the comment, which is the first. */
export function gitlabSuggestion({ from, to, text }: Suggestion): string {
  return fence(text, `suggestion:-0+${to - from}`)
}
