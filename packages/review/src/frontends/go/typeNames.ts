/**
 * Go's types. Most are only text, but some stand where an expression does: what is converted to, what is made, what a
 * type switch asks for. There a name stays a name, and `chan int` is `other` of the grammar's name.
 */
import type { Node } from "../../ir/nodes.ts"
import { nameNode, named, other, type Lowering, type Table } from "../lowering.ts"
import { fieldOf, type Syntax } from "../syntax.ts"

export const TYPES: Table = {
  type_identifier: (node, to) => {
    const name = to.textOf(node)
    // `case nil` of a type switch.
    if (name === "nil") return { kind: "null", start: node.start, end: node.end }
    return nameNode(node, name)
  },
  qualified_type: (node, to) => {
    const [object, name] = [fieldOf(node, "package"), fieldOf(node, "name")]
    if (!object || !name) return other(node, node.type, to.inside(node))
    const { start, end } = node
    return { kind: "member", object: to.lower(object), name: to.textOf(name), start, end }
  },
  generic_type: (node, to) => bare(node, to),
  parenthesized_type: (node, to) => bare(node, to),
  type_elem: (node, to) =>
    named(node).length === 1 ? bare(node, to) : other(node, node.type, to.inside(node)),
  type_arguments: () => [],
  type_parameter_list: () => [],
  parameter_list: () => [],
}

/** What a type with brackets around or behind it is about. */
function bare(node: Syntax, to: Lowering): Node {
  const inner = fieldOf(node, "type") ?? named(node)[0]
  return inner ? to.lower(inner) : other(node, node.type, [])
}

/** A type as written, without the arguments of a generic one. */
export function typeText(type: Syntax, to: Lowering): string {
  const plain = type.type === "generic_type" ? (fieldOf(type, "type") ?? type) : type
  return to.textOf(plain)
}

/** The name of a type without `*`, parentheses and arguments: `pkg.T` of `*pkg.T[K]`. */
export function typeName(type: Syntax, to: Lowering): string {
  switch (type.type) {
    case "pointer_type":
    case "parenthesized_type":
    case "type_elem": {
      const inner = named(type)[0]
      return inner ? typeName(inner, to) : to.textOf(type)
    }
    default:
      return typeText(type, to)
  }
}
