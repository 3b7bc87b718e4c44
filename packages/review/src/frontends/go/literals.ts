/** Go's literals: numbers, strings, composite literals. */
import type { Entry, Node } from "../../ir/nodes.ts"
import { C_ESCAPES, unescape } from "../escapes.ts"
import { boundTo, named, other, type Lower, type Lowering, type Table } from "../lowering.ts"
import { fieldOf, type Syntax } from "../syntax.ts"
import { typeText } from "./typeNames.ts"

export const LITERALS: Table = {
  nil: ({ start, end }) => ({ kind: "null", start, end }),
  true: ({ start, end }) => ({ kind: "bool", value: true, start, end }),
  false: ({ start, end }) => ({ kind: "bool", value: false, start, end }),
  int_literal: number,
  float_literal: number,
  interpreted_string_literal: quoted,
  rune_literal: quoted,
  raw_string_literal: (node, to) => {
    const value = to.textOf(node).slice(1, -1).replaceAll("\r", "")
    return { kind: "string", value, start: node.start, end: node.end }
  },
  composite_literal: composite,
  literal_value: (node, to) => valueOf(node, null, to),
  literal_element: (node, to) => elementOf(node, null, to),
  // Reached only where the literal around it is broken.
  keyed_element: (node, to) => other(node, node.type, to.inside(node)),
}

function number(node: Syntax, to: Lowering): Node {
  return { kind: "number", value: numberOf(to.textOf(node)), start: node.start, end: node.end }
}

function numberOf(written: string): number {
  const text = written.replaceAll("_", "")
  const hexFloat = /^0x([\da-f]*)\.?([\da-f]*)p([+-]?\d+)$/i.exec(text)
  if (hexFloat) {
    const [, whole = "", fraction = "", power = "0"] = hexFloat
    const digits = Number.parseInt(`${whole}${fraction}` || "0", 16)
    return digits * 2 ** (Number(power) - 4 * fraction.length)
  }
  return /^0[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number(text)
}

function quoted(node: Syntax, to: Lowering): Node {
  const value = unescape(to.textOf(node).slice(1, -1), C_ESCAPES)
  return { kind: "string", value, start: node.start, end: node.end }
}

function composite(node: Syntax, to: Lowering): ReturnType<Lower> {
  const type = fieldOf(node, "type")
  const body = fieldOf(node, "body")
  if (!type || !body) return other(node, node.type, to.inside(node))
  const value = valueOf(body, type, to)
  // The length of an array may be computed: `[unsafe.Sizeof(x)]byte{}`.
  const length = fieldOf(type, "length")
  const whole = { ...value, start: node.start, end: node.end }
  return length && named(length).length > 0
    ? other(node, node.type, [to.lower(length), whole])
    : whole
}

/**
 * What stands in braces, with its type as written or, inside another literal, as that one's type says. Rows become
 * lists; what has keys, and what is of a named type, becomes an object.
 */
function valueOf(node: Syntax, type: Syntax | null, to: Lowering): Node {
  const plain = type && pointedTo(type)
  const elements = named(node)
  const isRow = plain !== null && (plain.type.endsWith("array_type") || plain.type === "slice_type")
  const inner = plain && fieldOf(plain, isRow ? "element" : "value")
  if (isRow && !elements.some((one) => one.type === "keyed_element")) {
    const items = elements.map((one) => elementOf(one, inner, to))
    return { kind: "list", items, start: node.start, end: node.end }
  }
  const entries = elements.map((one) => entryOf(one, plain, inner, to))
  const name = plain && typeText(plain, to)
  return { kind: "object", type: name, entries, start: node.start, end: node.end }
}

function entryOf(node: Syntax, type: Syntax | null, inner: Syntax | null, to: Lowering): Entry {
  const key = node.type === "keyed_element" ? fieldOf(node, "key") : null
  const value = node.type === "keyed_element" ? fieldOf(node, "value") : node
  const lowered = value ? elementOf(value, inner, to) : other(node, "missing", [])
  if (!key) return { key: null, keyNode: null, value: lowered }
  const keyType = type && fieldOf(type, "key")
  const keyNode = elementOf(key, keyType, to)
  if (keyNode.kind === "string") return entryNamed(keyNode.value, keyNode, lowered)
  // A name is a field of a struct, but a constant or a variable in a map or a row.
  const isField = type === null || !/map_type|slice_type|array_type/.test(type.type)
  if (keyNode.kind === "name" && isField) return entryNamed(keyNode.name, null, lowered)
  return { key: null, keyNode, value: lowered }
}

function entryNamed(key: string, keyNode: Node | null, value: Node): Entry {
  return { key, keyNode, value: boundTo(key, value) }
}

function elementOf(node: Syntax, type: Syntax | null, to: Lowering): Node {
  const inside = node.type === "literal_element" ? named(node) : [node]
  if (inside.length !== 1) return other(node, node.type, to.inside(node))
  const only = inside[0]!
  return only.type === "literal_value" ? valueOf(only, type, to) : to.lower(only)
}

/** `[]*T{{…}}` leaves out `&T` as `[]T{{…}}` leaves out `T`. */
function pointedTo(type: Syntax): Syntax {
  const isAround = type.type === "pointer_type" || type.type === "parenthesized_type"
  const inner = isAround ? named(type)[0] : undefined
  return inner ?? type
}
