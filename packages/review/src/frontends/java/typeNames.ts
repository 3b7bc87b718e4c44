/** Java's types: as text where they are declared, as names where they stand for a value (`Foo::bar`, `new Foo()`). */
import type { Node } from "../../ir/nodes.ts"
import { named, nameNode, type Lowering } from "../lowering.ts"
import type { Syntax } from "../syntax.ts"

export const TYPES: ReadonlySet<string> = new Set([
  "void_type",
  "integral_type",
  "floating_point_type",
  "boolean_type",
  "generic_type",
  "scoped_type_identifier",
  "type_identifier",
  "array_type",
  "annotated_type",
  "type_arguments",
  "type_parameters",
  "wildcard",
  "dimensions",
  "throws",
  "permits",
])

/** A type's name without type arguments, brackets and annotations, as an expression. */
export function typeAsValue(node: Syntax, to: Lowering): Node {
  const parts = named(node)
  switch (node.type) {
    case "generic_type":
    case "array_type":
      return parts[0] ? typeAsValue(parts[0], to) : nameNode(node, to.textOf(node))
    case "annotated_type": {
      const type = parts.at(-1)
      return type ? typeAsValue(type, to) : nameNode(node, to.textOf(node))
    }
    case "scoped_type_identifier": {
      const [scope, last] = [parts[0], parts.at(-1)]
      if (!scope || !last || scope === last) return nameNode(node, to.textOf(node))
      const { start, end } = node
      return { kind: "member", object: typeAsValue(scope, to), name: to.textOf(last), start, end }
    }
    default:
      return nameNode(node, to.textOf(node))
  }
}

/** A type's name as text: `a.b.Foo` of `a.b.@NonNull Foo<Bar>[]`. */
export function typeName(node: Syntax, to: Lowering): string {
  return dotted(typeAsValue(node, to))
}

function dotted(node: Node): string {
  if (node.kind === "member") return `${dotted(node.object)}.${node.name}`
  return node.kind === "name" ? node.name : ""
}

/** The types of a `superclass`, `super_interfaces`, `extends_interfaces` or `permits`. */
export function typesIn(node: Syntax | null, to: Lowering): string[] {
  if (!node) return []
  return named(node).flatMap((child) => {
    return child.type === "type_list" ? typesIn(child, to) : [typeName(child, to)]
  })
}
