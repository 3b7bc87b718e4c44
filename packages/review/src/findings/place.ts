/**
 * Offsets and lines. Lines end at `\n`, as compilers, Git and code hosts count them; a `\r` before it belongs to the
 * end of the line, never to its text.
 */
import type { Place } from "./finding.ts"

export interface Position {
  /** From 1. */
  readonly line: number
  /** From 1, in UTF-16 code units. */
  readonly column: number
}

/** The lines of one text, found once. */
export class Lines {
  readonly #text: string
  readonly #starts: number[] = [0]

  constructor(text: string) {
    this.#text = text
    for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1))
      this.#starts.push(at + 1)
  }

  /** How many there are; a text that ends with a line end has an empty last line. */
  get count(): number {
    return this.#starts.length
  }

  /** Where an offset is. What lies outside the text is moved to its nearest end. */
  positionOf(offset: number): Position {
    const at = Math.min(Math.max(offset, 0), this.#text.length)
    let low = 0
    let high = this.#starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.#starts[middle]! <= at) low = middle
      else high = middle - 1
    }
    return { line: low + 1, column: at - this.#starts[low]! + 1 }
  }

  /** The offset of a position. A column past the end of its line is its end, a line past the last the text's end. */
  offsetOf(line: number, column: number): number {
    if (line < 1) return 0
    if (line > this.count) return this.#text.length
    const start = this.#starts[line - 1]!
    return Math.min(start + Math.max(column, 1) - 1, this.#endOf(line))
  }

  /** The text of a line without its end; "" where there is no such line. */
  textOf(line: number): string {
    if (line < 1 || line > this.count) return ""
    return this.#text.slice(this.#starts[line - 1]!, this.#endOf(line))
  }

  #endOf(line: number): number {
    if (line === this.count) return this.#text.length
    const end = this.#starts[line]! - 1
    return end > this.#starts[line - 1]! && this.#text[end - 1] === "\r" ? end - 1 : end
  }
}

/**
 * The place of a piece of text. One that ends with a line end is said to end on the line before, where a reader sees
 * its last character.
 */
export function placeOf(
  path: string,
  lines: Lines,
  at: { readonly start: number; readonly end: number },
): Place {
  const start = lines.positionOf(at.start)
  let end = lines.positionOf(Math.max(at.end, at.start))
  if (end.column === 1 && end.line > start.line) {
    const line = end.line - 1
    end = { line, column: lines.textOf(line).length + 1 }
  }
  return { path, line: start.line, column: start.column, endLine: end.line, endColumn: end.column }
}
