/** Annotations and modifiers of Java's declarations. */
import type { Annotation, Node } from "../../ir/nodes.ts"
import { childOf, named, other, type Lowering } from "../lowering.ts"
import { fieldOf, type Syntax } from "../syntax.ts"

export interface Modifiers {
  readonly annotations: readonly Annotation[]
  /** As written, in order. */
  readonly modifiers: readonly string[]
}

/** What stands before a declaration. */
export function modifiersOf(declaration: Syntax, to: Lowering): Modifiers {
  const node = childOf(declaration, "modifiers")
  const annotations: Annotation[] = []
  const modifiers: string[] = []
  for (const child of node?.children ?? []) {
    if (isAnnotation(child)) annotations.push(annotationOf(child, to))
    else if (!child.isNamed) modifiers.push(child.type)
  }
  return { annotations, modifiers }
}

function isAnnotation(node: Syntax): boolean {
  return node.type === "annotation" || node.type === "marker_annotation"
}

function annotationOf(node: Syntax, to: Lowering): Annotation {
  const name = fieldOf(node, "name")
  const args = fieldOf(node, "arguments")
  return {
    name: name ? to.textOf(name) : "",
    args: args ? to.inside(args) : [],
    start: node.start,
    end: node.end,
  }
}

/** An annotation inside another's arguments. */
export function annotationAsValue(node: Syntax, to: Lowering): Node {
  const { name, args } = annotationOf(node, to)
  const value: Node = { kind: "name", name, start: node.start, end: node.end }
  return other(node, "annotation", [value, ...args])
}

/** `key = value` in an annotation. */
export function elementValuePair(node: Syntax, to: Lowering): Node {
  const [key, value] = [fieldOf(node, "key"), fieldOf(node, "value")]
  if (!key || !value) return other(node, node.type, to.many(named(node)))
  const { start, end } = node
  return { kind: "named", name: to.textOf(key), value: to.lower(value), start, end }
}
