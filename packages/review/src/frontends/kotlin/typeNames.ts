/** Kotlin's types: as text where they are declared, as names where they stand for a value or a base. */
import type { Node } from "../../ir/nodes.ts"
import { named, nameNode, type Lowering } from "../lowering.ts"
import type { Syntax } from "../syntax.ts"

export const TYPES: ReadonlySet<string> = new Set([
  "user_type",
  "nullable_type",
  "function_type",
  "non_nullable_type",
  "parenthesized_type",
  "type_arguments",
  "type_parameters",
  "type_constraints",
  "type_modifiers",
  "type_projection",
])

/** A type of a declaration or a receiver. */
export function isType(node: Syntax): boolean {
  return TYPES.has(node.type) && node.type.endsWith("_type")
}

/** The text of an identifier, without the backticks that let it be any text. */
export function identifier(node: Syntax, to: Lowering): string {
  const written = to.textOf(node)
  return written.startsWith("`") ? written.slice(1, -1) : written
}

/** A type without type arguments, marks and annotations: `a.b.Foo` of `a.b.Foo<Bar>?`; of function types the text. */
export function typeName(node: Syntax, to: Lowering): string {
  if (node.type === "user_type") {
    const names = node.children.filter((child) => child.type === "identifier")
    return names.map((name) => identifier(name, to)).join(".")
  }
  const inner = named(node).find(isType)
  if (inner && /^(?:nullable|parenthesized|non_nullable)_type$/.test(node.type))
    return typeName(inner, to)
  return to.textOf(node)
}

/** The same as an expression. */
export function typeAsValue(node: Syntax, to: Lowering): Node {
  const names =
    node.type === "user_type" ? node.children.filter((child) => child.type === "identifier") : []
  const [first, ...rest] = names
  if (!first) return nameNode(node, typeName(node, to))
  let value: Node = nameNode(first, identifier(first, to))
  for (const name of rest) {
    value = {
      kind: "member",
      object: value,
      name: identifier(name, to),
      start: first.start,
      end: name.end,
    }
  }
  return value
}
