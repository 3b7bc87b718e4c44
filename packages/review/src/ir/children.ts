/** Walks of the intermediate form that need no knowledge beyond its shape. */
import type { Annotation, Node } from "./nodes.ts"

type Visit = (node: Node) => void

/** The nodes directly below one, in the order of the text. Annotations of a declaration come first. */
export function childrenOf(node: Node): Node[] {
  const children: Node[] = []
  eachChild(node, (child) => children.push(child))
  return children
}

/**
 * Calls back with each node directly below one, in the order of the text. Trees are walked again and again: a list for
 * every node would be half of the work.
 */
export function eachChild(node: Node, visit: Visit): void {
  switch (node.kind) {
    case "name":
    case "string":
    case "number":
    case "bool":
    case "null":
    case "break":
    case "continue":
      return
    case "member":
      return visit(node.object)
    case "index":
      visit(node.object)
      return visit(node.index)
    case "call":
      visit(node.callee)
      each(node.args, visit)
      return maybe(node.body, visit)
    case "named":
    case "spread":
    case "await":
      return visit(node.value)
    case "template":
      return each(node.parts, visit)
    case "binary":
      visit(node.left)
      return visit(node.right)
    case "unary":
      return visit(node.operand)
    case "assign":
      each(node.targets, visit)
      return maybe(node.value, visit)
    case "lambda":
      return visit(node.fn)
    case "object":
      for (const { keyNode, value } of node.entries) {
        maybe(keyNode, visit)
        maybe(value, visit)
      }
      return
    case "list":
      return each(node.items, visit)
    case "conditional":
      visit(node.test)
      visit(node.then)
      return visit(node.otherwise)
    case "receive":
      return visit(node.channel)
    case "other":
      return each(node.children, visit)
    default:
      return eachOfStatement(node, visit)
  }
}

type Statement = Extract<
  Node,
  {
    kind:
      | "block"
      | "if"
      | "loop"
      | "switch"
      | "select"
      | "try"
      | "return"
      | "throw"
      | "with"
      | "go"
      | "defer"
      | "send"
      | "function"
      | "class"
  }
>

function eachOfStatement(node: Statement, visit: Visit): void {
  switch (node.kind) {
    case "block":
      return each(node.body, visit)
    case "if":
      maybe(node.init, visit)
      visit(node.test)
      visit(node.then)
      return maybe(node.otherwise, visit)
    case "loop":
      maybe(node.init, visit)
      each(node.bindings, visit)
      maybe(node.iterable, visit)
      maybe(node.test, visit)
      maybe(node.update, visit)
      return visit(node.body)
    case "switch":
      maybe(node.subject, visit)
      for (const { tests, body } of node.cases) {
        each(tests, visit)
        visit(body)
      }
      return
    case "select":
      for (const { comm, body } of node.cases) {
        maybe(comm, visit)
        visit(body)
      }
      return
    case "try":
      visit(node.body)
      for (const { body } of node.catches) visit(body)
      maybe(node.otherwise, visit)
      return maybe(node.finalizer, visit)
    case "return":
      return maybe(node.value, visit)
    case "throw":
      maybe(node.value, visit)
      return maybe(node.cause, visit)
    case "with":
      for (const { value, binding } of node.resources) {
        visit(value)
        maybe(binding, visit)
      }
      return visit(node.body)
    case "go":
    case "defer":
      return visit(node.call)
    case "send":
      visit(node.channel)
      return visit(node.value)
    case "function":
      annotated(node, visit)
      for (const param of node.params) {
        annotated(param, visit)
        maybe(param.value, visit)
      }
      return maybe(node.body, visit)
    case "class":
      annotated(node, visit)
      for (const field of node.fields) {
        annotated(field, visit)
        maybe(field.value, visit)
      }
      each(node.methods, visit)
      return each(node.rest, visit)
  }
}

function annotated(node: { readonly annotations?: readonly Annotation[] }, visit: Visit): void {
  for (const { args } of node.annotations ?? []) each(args, visit)
}

function each(nodes: readonly Node[], visit: Visit): void {
  for (let i = 0; i < nodes.length; i++) visit(nodes[i]!)
}

function maybe(node: Node | null | undefined, visit: Visit): void {
  if (node !== null && node !== undefined) visit(node)
}

/**
 * Visits a node and all below it, parents first. Return false from `visit` to pass over what is below.
 * @param visit - called with the node and its parent; the first has no parent
 */
export function walk(root: Node, visit: (node: Node, parent: Node | null) => boolean | void): void {
  // One function for the whole walk, and no list of what is still to come: whole trees are walked again and again. The
  // frontends bound how deep a tree is.
  let above: Node | null = null
  const enter = (node: Node): void => {
    const parent = above
    if (visit(node, parent) === false) return
    above = node
    eachChild(node, enter)
    above = parent
  }
  enter(root)
}
