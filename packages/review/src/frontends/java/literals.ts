/** Java's literals: numbers in four bases, characters, strings and text blocks. */
import type { Node, Num, Str } from "../../ir/nodes.ts"
import type { Lowering, Table } from "../lowering.ts"
import type { Syntax } from "../syntax.ts"

export const literals: Table = {
  decimal_integer_literal: lowerNumber,
  hex_integer_literal: lowerNumber,
  octal_integer_literal: lowerNumber,
  binary_integer_literal: lowerNumber,
  decimal_floating_point_literal: lowerNumber,
  hex_floating_point_literal: lowerNumber,
  true: (node) => ({ kind: "bool", value: true, start: node.start, end: node.end }),
  false: (node) => ({ kind: "bool", value: false, start: node.start, end: node.end }),
  null_literal: (node) => ({ kind: "null", start: node.start, end: node.end }),
  character_literal: (node, to) => text(node, unescape(to.textOf(node).slice(1, -1))),
  string_literal: lowerString,
}

function lowerNumber(node: Syntax, to: Lowering): Num {
  const value = numberOf(to.textOf(node))
  return { kind: "number", value, start: node.start, end: node.end }
}

/** The value of a numeric literal of Java or Kotlin; what is larger than a double holds exactly is rounded. */
export function numberOf(written: string): number {
  const digits = written.replaceAll("_", "").toLowerCase()
  const hexFloat = /^0x([0-9a-f]*)\.?([0-9a-f]*)p([+-]?\d+)[fd]?$/.exec(digits)
  if (hexFloat) {
    const [, whole = "", part = "", power = "0"] = hexFloat
    return Number(`0x${whole}${part}`) * 2 ** (Number(power) - 4 * part.length)
  }
  if (/^0[xb]/.test(digits)) return Number(digits.replace(/u?l?$/, ""))
  if (/^0[0-7]+l?$/.test(digits)) return Number.parseInt(digits, 8)
  return Number(digits.replace(/(?:[fd]|u?l?)$/, ""))
}

function lowerString(node: Syntax, to: Lowering): Node {
  const holes = node.children.filter((child) => child.type === "string_interpolation")
  const written = to.textOf(node)
  if (holes.length === 0) return text(node, stringOf(written))
  const parts: Node[] = []
  let start = node.start + 1
  for (const hole of holes) {
    parts.push(...textBetween(start, hole.start, to), ...to.inside(hole))
    start = hole.end
  }
  parts.push(...textBetween(start, node.end - 1, to))
  return { kind: "template", parts, start: node.start, end: node.end }
}

function textBetween(start: number, end: number, to: Lowering): Str[] {
  return start < end ? [text({ start, end }, unescape(to.text.slice(start, end)))] : []
}

function stringOf(written: string): string {
  return written.startsWith('"""')
    ? textBlock(written.slice(3, -3))
    : unescape(written.slice(1, -1))
}

/** The text of a text block: without the first line's break, the common indentation and trailing blanks. */
function textBlock(written: string): string {
  const lines = written.replace(/^[ \t\f]*\r?\n/, "").split(/\r?\n/)
  const last = lines.length - 1
  // The line of the closing quotes counts for the indentation even when it is blank.
  const counted = lines.filter((line, i) => i === last || line.trim() !== "")
  const indents = counted.map((line) => line.length - line.trimStart().length)
  const indent = Math.min(...indents.slice(0, 10_000))
  return unescape(lines.map((line) => line.slice(indent).trimEnd()).join("\n"))
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  b: "\b",
  f: "\f",
  s: " ",
}

/** Resolves escapes of Java and Kotlin; a backslash before the end of a line joins the lines. */
export function unescape(written: string): string {
  if (!written.includes("\\")) return written
  return written.replace(/\\(u+[0-9a-fA-F]{4}|[0-3]?[0-7]{1,2}|\r?\n|[^])/g, (_, code: string) => {
    if (/^u+[0-9a-fA-F]{4}$/.test(code)) return String.fromCharCode(parseInt(code.slice(-4), 16))
    if (/^[0-7]/.test(code)) return String.fromCharCode(parseInt(code, 8))
    if (/^\r?\n$/.test(code)) return ""
    return Object.hasOwn(ESCAPES, code) ? ESCAPES[code]! : code
  })
}

function text(at: { start: number; end: number }, value: string): Str {
  return { kind: "string", value, start: at.start, end: at.end }
}
