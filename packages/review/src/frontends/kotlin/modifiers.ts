/** Annotations and modifiers of Kotlin's declarations. */
import type { Annotation, Node } from "../../ir/nodes.ts"
import { childOf, named, other, type Lowering } from "../lowering.ts"
import type { Syntax } from "../syntax.ts"
import { isType, typeAsValue, typeName } from "./typeNames.ts"

export interface Modifiers {
  readonly annotations: readonly Annotation[]
  /** As written, in order. */
  readonly modifiers: readonly string[]
}

/** What stands before a declaration. */
export function modifiersOf(declaration: Syntax, to: Lowering): Modifiers {
  return modifiersIn(childOf(declaration, "modifiers"), to)
}

/** What a `modifiers` or `parameter_modifiers` holds. */
export function modifiersIn(node: Syntax | null, to: Lowering): Modifiers {
  const annotations: Annotation[] = []
  const modifiers: string[] = []
  for (const child of node ? named(node) : []) {
    if (child.type === "annotation") annotations.push(...annotationsOf(child, to))
    else modifiers.push(to.textOf(child))
  }
  return { annotations, modifiers }
}

/** `@A`, `@field:A(1)`, and the several of `@get:[A B]`; the target vanishes. */
function annotationsOf(node: Syntax, to: Lowering): Annotation[] {
  return named(node).flatMap((child) => {
    if (child.type !== "constructor_invocation" && !isType(child)) return []
    const type = child.type === "constructor_invocation" ? named(child)[0] : child
    const list = childOf(child, "value_arguments")
    return [
      {
        name: type ? typeName(type, to) : "",
        args: list ? to.inside(list) : [],
        start: node.start,
        end: node.end,
      },
    ]
  })
}

/** `@file:A("x")` stands on the top level of a file, with the annotations' names before their arguments. */
export function fileAnnotation(node: Syntax, to: Lowering): Node {
  const children = named(node).flatMap((child) => {
    const [type] = child.type === "constructor_invocation" ? named(child) : [child]
    const list = childOf(child, "value_arguments")
    return [
      ...(type && isType(type) ? [typeAsValue(type, to)] : []),
      ...(list ? to.inside(list) : []),
    ]
  })
  return other(node, node.type, children)
}
