/**
 * Kotlin's literals. The grammar splits a string into many pieces and gives the name in `"$name"` as text, so a string
 * is read here from its text between those holes that the grammar knows.
 */
import type { Node, Str } from "../../ir/nodes.ts"
import { numberOf, unescape } from "../literals.ts"
import { nameNode, type Lowering, type Table } from "../lowering.ts"
import type { Syntax } from "../syntax.ts"

export const literals: Table = {
  string_literal: (node, to) => lowerString(node, 1, to),
  multiline_string_literal: (node, to) => lowerString(node, 3, to),
  character_literal: (node, to) => text(node, unescape(to.textOf(node).slice(1, -1))),
  number_literal: lowerNumber,
  float_literal: lowerNumber,
  // Pieces of a string that was never closed.
  string_content: () => [],
  escape_sequence: () => [],
}

function lowerNumber(node: Syntax, to: Lowering): Node {
  return { kind: "number", value: numberOf(to.textOf(node)), start: node.start, end: node.end }
}

function lowerString(node: Syntax, quotes: number, to: Lowering): Node {
  const parts: Node[] = []
  let start = node.start + quotes
  for (const hole of node.children) {
    if (hole.type !== "interpolation") continue
    parts.push(...partsBetween(start, hole.start, quotes, to), ...to.inside(hole))
    start = hole.end
  }
  parts.push(...partsBetween(start, node.end - quotes, quotes, to))
  const [only] = parts
  if (parts.length === 0) return text(node, "")
  if (parts.length === 1 && only?.kind === "string")
    return { ...only, start: node.start, end: node.end }
  return { kind: "template", parts, start: node.start, end: node.end }
}

const HOLE = /\\[^]|\$(?:`([^`\r\n]+)`|([\p{L}_][\p{L}\p{Nd}_]*))/gu
const RAW_HOLE = /\$(?:`([^`\r\n]+)`|([\p{L}_][\p{L}\p{Nd}_]*))/gu

/** The texts and names of a stretch without `${…}`. */
function partsBetween(start: number, end: number, quotes: number, to: Lowering): Node[] {
  if (start >= end) return []
  const written = to.text.slice(start, end)
  const parts: Node[] = []
  let from = 0
  for (const match of written.matchAll(quotes === 3 ? RAW_HOLE : HOLE)) {
    const name = match[1] ?? match[2]
    if (name === undefined) continue
    parts.push(...piece(written.slice(from, match.index), start + from, quotes))
    from = match.index + match[0].length
    parts.push(nameNode({ start: start + match.index + 1, end: start + from }, name))
  }
  parts.push(...piece(written.slice(from), start + from, quotes))
  return parts
}

function piece(written: string, start: number, quotes: number): Str[] {
  if (written === "") return []
  return [text({ start, end: start + written.length }, quotes === 3 ? written : unescape(written))]
}

function text(at: { start: number; end: number }, value: string): Str {
  return { kind: "string", value, start: at.start, end: at.end }
}
