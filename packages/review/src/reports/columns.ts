/** A line of code laid out in columns of a terminal, so that a marker stands under what it marks. */
import { visible } from "./visible.ts"

export const TAB = 4

/** A line as it is shown, and for each of its UTF-16 offsets (and its end) the column at which it is shown. */
export interface Layout {
  readonly shown: string
  readonly columns: readonly number[]
}

/** Lays out a line: tabs reach the next multiple of four, wide characters take two columns, marks none. */
export function layOut(line: string): Layout {
  const columns: number[] = []
  let shown = ""
  let at = 0
  for (const char of line) {
    const piece = char === "\t" ? " ".repeat(TAB - (at % TAB)) : visible(char)
    for (let i = 0; i < char.length; i++) columns.push(at)
    shown += piece
    at += piece === char ? widthOf(char) : piece.length
  }
  columns.push(at)
  return { shown: breakCommands(shown), columns }
}

/** How many columns a text takes. */
export function widthOfText(text: string): number {
  let width = 0
  for (const char of text) width += widthOf(char)
  return width
}

/** The part of a text between two columns; a wide character cut in half is left out. */
export function sliceColumns(text: string, from: number, to: number): string {
  let at = 0
  let out = ""
  for (const char of text) {
    const width = widthOf(char)
    if (at >= from && at + width <= to) out += char
    at += width
  }
  return out
}

/**
 * Character by character, `visible` cannot see the words of build servers. A line of code never starts a line of
 * output, so only the words that count anywhere are broken, by a sign as wide as the one that it replaces.
 */
function breakCommands(text: string): string {
  return text.replace(/##(?=\[|vso\[|teamcity\[)/g, "#\u2317")
}

/** Source: Unicode's East Asian Width, wide and full-width, in coarse blocks. */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x4dbf],
  [0x4e00, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x17000, 0x18cff],
  [0x1b000, 0x1b2ff],
  [0x20000, 0x3fffd],
]

function widthOf(char: string): number {
  const point = char.codePointAt(0) ?? 0
  if (point < 0x300) return 1
  if (/[\p{Mn}\p{Me}]/u.test(char)) return 0
  if (/\p{Emoji_Presentation}/u.test(char)) return 2
  return WIDE.some(([from, to]) => point >= from && point <= to) ? 2 : 1
}
