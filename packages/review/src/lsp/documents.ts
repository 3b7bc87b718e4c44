/** The texts that the editor holds. Positions count from 0, in UTF-16 code units, as strings of JavaScript do. */
import { Lines } from "../findings/place.ts"

export interface LspPosition {
  readonly line: number
  readonly character: number
}

export interface LspRange {
  readonly start: LspPosition
  readonly end: LspPosition
}

export interface ContentChange {
  /** Absent: the whole text. */
  readonly range?: LspRange
  readonly text: string
}

export interface Document {
  readonly uri: string
  /** Relative to the root; null for what lies elsewhere and is not reviewed. */
  readonly path: string | null
  readonly version: number
  readonly text: string
}

/** The offset of a position; one past the end of a line is its end. */
export function offsetAt(lines: Lines, { line, character }: LspPosition): number {
  return lines.offsetOf(line + 1, character + 1)
}

/** The position of an offset. */
export function positionAt(lines: Lines, offset: number): LspPosition {
  const { line, column } = lines.positionOf(offset)
  return { line: line - 1, character: column - 1 }
}

/** A text after changes, one after the other. */
export function changed(text: string, changes: readonly ContentChange[]): string {
  let now = text
  for (const { range, text: inserted } of changes) {
    if (!range) {
      now = inserted
      continue
    }
    const lines = new Lines(now)
    const start = offsetAt(lines, range.start)
    const end = Math.max(start, offsetAt(lines, range.end))
    now = now.slice(0, start) + inserted + now.slice(end)
  }
  return now
}
