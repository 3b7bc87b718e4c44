/**
 * Comments that hold a finding back: the word below with the rules in brackets, a colon and the reason, for one place; the
 * same with `-file` behind the word for a whole file. docs/review/ignoring.md shows them.
 *
 * They stand in any comment style, behind the code that they mean or above it. Both the rule and the reason are
 * required: an ignore without a reason is a question to the next reader.
 */
import { Lines } from "../findings/place.ts"

/** Whether a text can have ignore comments at all; cheap enough for every file. */
export const MENTIONS_IGNORE = "drover-ignore"

/** Of one file; more are not written by a person. */
const MAX_IGNORES = 500

export interface Ignore {
  /** Where the comment is. */
  readonly line: number
  /** The lines of code that it means; null for all of the file. */
  readonly target: number | null
  /** Whether it stands behind the code that it means. */
  readonly trailing: boolean
  readonly rules: readonly string[]
  readonly reason: string
  /** Why it holds nothing back; null where it is complete. */
  readonly problem: "no-rule" | "no-reason" | null
}

/** Where a comment stands in a text. */
export interface CommentSpan {
  readonly start: number
  readonly end: number
}

// Each part is bounded by what it cannot contain, so nothing is tried twice.
const FORM = /drover-ignore(-file)?(?![\w-])(?:\[([^\]\n]{0,500})\])?[ \t]{0,9}(:)?/g
/** What a comment can begin with, in the languages that are read and in YAML, TOML, SQL, HTML and Terraform. */
const OPENING = /(\/\/|\/\*|#|--|<!--|^\s*\*|"""|''')/

/**
 * Reads the ignore comments of a text in the order of its lines.
 * @param comments - where the text has comments; without it, what stands behind a comment's opening on its line counts
 */
export function readIgnores(text: string, comments: readonly CommentSpan[] | null): Ignore[] {
  if (!text.includes(MENTIONS_IGNORE)) return []
  const lines = new Lines(text)
  const found: Ignore[] = []
  for (const match of text.matchAll(FORM)) {
    if (found.length >= MAX_IGNORES) break
    const { line, column } = lines.positionOf(match.index)
    const before = lines.textOf(line).slice(0, column - 1)
    const opening = openingOf(match.index, column, before, comments)
    if (opening === null) continue
    found.push(ignoreOf(match, { line, column, code: before.slice(0, opening), lines, comments }))
  }
  return found
}

/** The column (from 0) at which the comment around an offset begins on its line, or null where there is none. */
function openingOf(
  offset: number,
  column: number,
  before: string,
  comments: readonly CommentSpan[] | null,
): number | null {
  if (comments === null) return OPENING.exec(before)?.index ?? null
  const span = comments.find(({ start, end }) => start <= offset && offset < end)
  return span === undefined ? null : Math.max(0, column - 1 - (offset - span.start))
}

function ignoreOf(
  match: RegExpExecArray,
  at: {
    line: number
    column: number
    /** What stands before the comment. */
    code: string
    lines: Lines
    comments: readonly CommentSpan[] | null
  },
): Ignore {
  const rules = (match[2] ?? "")
    .split(",")
    .map((rule) => rule.trim())
    .filter((rule) => rule !== "")
  const rest = at.lines.textOf(at.line).slice(at.column - 1 + match[0].length)
  const reason = (match[3] === undefined ? "" : rest)
    .replace(/(\*\/|-->|\*\)|"""|''')[^\n]*$/, "")
    .trim()
  const trailing = at.code.trim() !== ""
  const target = trailing ? at.line : nextCodeLine(at.line, at.lines, at.comments)
  return {
    line: at.line,
    target: match[1] === undefined ? target : null,
    trailing,
    rules,
    reason,
    problem: rules.length === 0 ? "no-rule" : reason === "" ? "no-reason" : null,
  }
}

/** The next line that has something else than comments. */
function nextCodeLine(line: number, lines: Lines, comments: readonly CommentSpan[] | null): number {
  for (let next = line + 1; next <= lines.count; next++) {
    const text = lines.textOf(next)
    if (text.trim() === "") continue
    const isComment =
      comments === null
        ? /^\s*(\/\/|\/\*|\*|#|--|<!--)/.test(text)
        : coveredBy(comments, lines.offsetOf(next, 1), text)
    if (!isComment) return next
  }
  return line
}

/** Whether all of a line that is not white space lies in one comment. */
function coveredBy(comments: readonly CommentSpan[], lineStart: number, text: string): boolean {
  const first = lineStart + text.search(/\S/)
  const last = lineStart + text.trimEnd().length
  return comments.some(({ start, end }) => start <= first && last <= end)
}
