/** A piece of code with markers under it, for one file: its lines, its gaps, and what is said about each place. */
import type { Place } from "../findings/finding.ts"
import { Lines } from "../findings/place.ts"
import { layOut, sliceColumns, widthOfText } from "./columns.ts"
import type { Style } from "./style.ts"
import { visible } from "./visible.ts"

/** A place with what is said about it; the primary one is what the finding is about. */
export interface Mark extends Place {
  readonly label: string
  readonly primary: boolean
}

/** Lines shown before and after the primary place. */
const CONTEXT = 2

export interface FrameOptions {
  readonly style: Style
  /** Columns of the terminal. */
  readonly width: number
  /** Digits of the largest line number of all frames of a finding, so that they stand in one line. */
  readonly gutter: number
}

/** The rows of a frame; marks past the end of the text, which changed since, are said without code. */
export function frame(text: string, marks: readonly Mark[], options: FrameOptions): string[] {
  const lines = new Lines(text)
  const wanted = wantedLines(marks, lines.count)
  const rows: string[] = []
  let previous = 0
  for (const line of wanted) {
    if (previous !== 0 && line === previous + 2)
      rows.push(...codeRows(lines, line - 1, [], options))
    else if (previous !== 0 && line > previous + 1) rows.push(options.style.blue("..."))
    const here = marks.filter((mark) => mark.line === line).sort(inOrder)
    rows.push(...codeRows(lines, line, here, options))
    previous = line
  }
  return rows
}

function wantedLines(marks: readonly Mark[], count: number): number[] {
  const wanted = new Set<number>()
  for (const mark of marks) {
    const around = mark.primary ? CONTEXT : 0
    for (let line = mark.line - around; line <= mark.line + around; line++) {
      if (line >= 1 && line <= count) wanted.add(line)
    }
  }
  return [...wanted].sort((a, b) => a - b)
}

function inOrder(a: Mark, b: Mark): number {
  return Number(b.primary) - Number(a.primary) || a.column - b.column
}

function codeRows(
  lines: Lines,
  line: number,
  marks: readonly Mark[],
  options: FrameOptions,
): string[] {
  const { style, gutter } = options
  const text = lines.textOf(line)
  const { shown, columns } = layOut(text)
  const spans = marks.map((mark) => spanOf(mark, text, columns))
  const window = windowOf(widthOfText(shown), spans, Math.max(options.width - gutter - 3, 40))
  const number = style.blue(`${String(line).padStart(gutter)} |`)
  const rows = [`${number} ${cut(shown, window)}`.trimEnd()]
  for (const [index, mark] of marks.entries()) {
    const { from, to } = spans[index]!
    const signs = (mark.primary ? "^" : "-").repeat(Math.max(Math.min(to, window.to) - from, 1))
    const paint = mark.primary ? style.red : style.cyan
    const said = mark.label === "" ? signs : `${signs} ${visible(mark.label)}`
    const before = " ".repeat(Math.max(from - window.from, 0))
    rows.push(`${style.blue(`${" ".repeat(gutter)} |`)} ${before}${paint(said)}`)
  }
  return rows
}

interface Span {
  readonly from: number
  readonly to: number
}

/** Where a mark is shown; one over several lines is marked to the end of its first. */
function spanOf(mark: Mark, text: string, columns: readonly number[]): Span {
  const at = (offset: number): number => columns[Math.min(Math.max(offset, 0), text.length)] ?? 0
  const from = at(mark.column - 1)
  const to = mark.endLine > mark.line ? at(text.trimEnd().length) : at(mark.endColumn - 1)
  return { from, to: Math.max(to, from + 1) }
}

/** Which columns of a long line are shown: from a little before the first mark. */
function windowOf(length: number, spans: readonly Span[], width: number): Span {
  if (length <= width) return { from: 0, to: Math.max(length, width) }
  const first = Math.min(...spans.map((span) => span.from), length)
  const from = spans.length === 0 || first < width - 20 ? 0 : Math.max(first - 20, 0)
  return { from, to: from + width }
}

function cut(shown: string, { from, to }: Span): string {
  const length = widthOfText(shown)
  if (from === 0 && length <= to) return shown
  const head = from > 0 ? "…" : ""
  const tail = length > to ? "…" : ""
  return `${head}${sliceColumns(shown, from + head.length, to - tail.length)}${tail}`
}
