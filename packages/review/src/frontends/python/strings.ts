/** Python's strings: prefixes, implicit concatenation, and f-strings as templates. */
import type { Node, Str } from "../../ir/nodes.ts"
import { C_ESCAPES, unescape } from "../escapes.ts"
import { named, other, type Lowering, type Table } from "../lowering.ts"
import { fieldOf, type Syntax } from "../syntax.ts"

export const STRINGS: Table = {
  string: (node, to) => joined(node, partsOf(node, to)),
  concatenated_string: (node, to) => {
    return joined(
      node,
      named(node).flatMap((one) => (one.type === "string" ? partsOf(one, to) : to.many([one]))),
    )
  },
}

/** `\` at the end of a line continues the string. */
const ESCAPES = { ...C_ESCAPES, "\n": "", "\r\n": "" }

/** Texts and holes of one literal in order. */
function partsOf(node: Syntax, to: Lowering): Node[] {
  const [opening] = node.children
  const prefix = opening ? /^[a-z]*/i.exec(to.textOf(opening))![0].toLowerCase() : ""
  return named(node).flatMap((one): Node[] => {
    switch (one.type) {
      case "string_start":
      case "string_end":
        return []
      case "string_content":
        return [
          {
            kind: "string",
            value: contentOf(to.textOf(one), prefix),
            start: one.start,
            end: one.end,
          },
        ]
      case "interpolation":
        return [holeOf(one, to)]
      default:
        return to.many([one])
    }
  })
}

function contentOf(text: string, prefix: string): string {
  // In a format string braces stand twice.
  const plain = /[ft]/.test(prefix) ? text.replace(/\{\{|\}\}/g, (two) => two[0]!) : text
  return prefix.includes("r") ? plain : unescape(plain, ESCAPES)
}

/** A hole is its expression; where its format has holes too (`{x:>{width}}`), they are its neighbours in an `other`. */
function holeOf(node: Syntax, to: Lowering): Node {
  const expression = fieldOf(node, "expression")
  const format = fieldOf(node, "format_specifier")
  const inner = format ? to.inside(format) : []
  const strange = named(node).filter((one) => one.field === null)
  if (expression && inner.length === 0 && strange.length === 0) return to.lower(expression)
  const all = [...(expression ? [expression] : []), ...strange]
  return other(node, node.type, [...to.many(all), ...inner])
}

/** Neighbouring texts are one; without holes the whole is a string. */
function joined(node: Syntax, parts: readonly Node[]): Node {
  const { start, end } = node
  const merged: Node[] = []
  for (const part of parts) {
    const last = merged.at(-1)
    if (last?.kind === "string" && part.kind === "string") merged.splice(-1, 1, both(last, part))
    else merged.push(part)
  }
  const [first] = merged
  if (!first) return { kind: "string", value: "", start, end }
  if (first.kind === "string" && merged.length === 1) return { ...first, start, end }
  return { kind: "template", parts: merged, start, end }
}

function both(left: Str, right: Str): Str {
  return { ...left, value: left.value + right.value, end: right.end }
}
