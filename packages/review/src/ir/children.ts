/** Walks of the intermediate form that need no knowledge beyond its shape. */
import type { Annotation, Node } from "./nodes.ts"

/** The nodes directly below one, in the order of the text. Annotations of a declaration come first. */
export function childrenOf(node: Node): Node[] {
  switch (node.kind) {
    case "name":
    case "string":
    case "number":
    case "bool":
    case "null":
    case "break":
    case "continue":
      return []
    case "member":
      return [node.object]
    case "index":
      return [node.object, node.index]
    case "call":
      return node.body ? [node.callee, ...node.args, node.body] : [node.callee, ...node.args]
    case "named":
    case "spread":
    case "await":
      return [node.value]
    case "template":
      return [...node.parts]
    case "binary":
      return [node.left, node.right]
    case "unary":
      return [node.operand]
    case "assign":
      return present([...node.targets, node.value])
    case "lambda":
      return [node.fn]
    case "object":
      return node.entries.flatMap((entry) => present([entry.keyNode, entry.value]))
    case "list":
      return [...node.items]
    case "conditional":
      return [node.test, node.then, node.otherwise]
    case "receive":
      return [node.channel]
    case "other":
      return [...node.children]
    default:
      return childrenOfStatement(node)
  }
}

type Statement = Extract<
  Node,
  { kind: "block" | "if" | "loop" | "switch" | "select" | "try" | "return" | "throw" | "with" | "go" | "defer" | "send" | "function" | "class" }
>

function childrenOfStatement(node: Statement): Node[] {
  switch (node.kind) {
    case "block":
      return [...node.body]
    case "if":
      return present([node.init, node.test, node.then, node.otherwise])
    case "loop":
      return present([node.init, ...node.bindings, node.iterable, node.test, node.update, node.body])
    case "switch":
      return present([node.subject, ...node.cases.flatMap((one) => [...one.tests, one.body])])
    case "select":
      return present(node.cases.flatMap((one) => [one.comm, one.body]))
    case "try":
      return present([node.body, ...node.catches.map((one) => one.body), node.otherwise, node.finalizer])
    case "return":
      return present([node.value])
    case "throw":
      return present([node.value, node.cause ?? null])
    case "with":
      return present([...node.resources.flatMap((one) => [one.value, one.binding]), node.body])
    case "go":
    case "defer":
      return [node.call]
    case "send":
      return [node.channel, node.value]
    case "function":
      return present([
        ...annotated(node),
        ...node.params.flatMap((param) => [...annotated(param), param.value]),
        node.body,
      ])
    case "class":
      return present([
        ...annotated(node),
        ...node.fields.flatMap((field) => [...annotated(field), field.value]),
        ...node.methods,
        ...node.rest,
      ])
  }
}

function annotated(node: { readonly annotations?: readonly Annotation[] }): Node[] {
  return (node.annotations ?? []).flatMap((annotation) => [...annotation.args])
}

function present(nodes: readonly (Node | null)[]): Node[] {
  return nodes.filter((node) => node !== null)
}

/**
 * Visits a node and all below it, parents first. Return false from `visit` to pass over what is below.
 * @param visit - called with the node and its parent; the first has no parent
 */
export function walk(root: Node, visit: (node: Node, parent: Node | null) => boolean | void): void {
  const stack: [Node, Node | null][] = [[root, null]]
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const [node, parent] = next
    if (visit(node, parent) === false) continue
    const children = childrenOf(node)
    for (let i = children.length - 1; i >= 0; i--) stack.push([children[i]!, node])
  }
}
