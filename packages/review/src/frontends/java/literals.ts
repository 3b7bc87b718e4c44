/** Java's literals: numbers in four bases, characters, strings and text blocks. */
import type { Node, Num, Str } from "../../ir/nodes.ts"
import { numberOf, unescape } from "../literals.ts"
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

function text(at: { start: number; end: number }, value: string): Str {
  return { kind: "string", value, start: at.start, end: at.end }
}
