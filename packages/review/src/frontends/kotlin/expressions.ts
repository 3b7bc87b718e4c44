/** Kotlin's expressions without lambdas and what holds statements. */
import type { Call, Node } from "../../ir/nodes.ts"
import {
  boundTo,
  childOf,
  hasToken,
  lastName,
  named,
  nameNode,
  other,
  type Lowering,
  type Table,
} from "../lowering.ts"
import { fieldOf, type Syntax } from "../syntax.ts"
import { withoutIt } from "./lambdas.ts"
import { identifier, isType, typeAsValue } from "./typeNames.ts"

export const expressions: Table = {
  identifier: lowerIdentifier,
  this_expression: (node, to) => outer(node, "this", to),
  super_expression: (node, to) => outer(node, "super", to),
  parenthesized_expression: (node, to) => to.inside(node),
  annotated_expression: (node, to) =>
    to.many(named(node).filter((child) => child.type !== "annotation")),
  labeled_expression: lowerLabeled,
  as_expression: (node, to) => part(node, "left", to),
  binary_expression: lowerBinary,
  in_expression: lowerIn,
  is_expression: lowerIs,
  range_expression: lowerRange,
  infix_expression: lowerInfix,
  unary_expression: lowerUnary,
  spread_expression: lowerSpread,
  index_expression: lowerIndex,
  navigation_expression: lowerNavigation,
  callable_reference: lowerReference,
  collection_literal: (node, to) => ({
    kind: "list",
    items: to.inside(node),
    start: node.start,
    end: node.end,
  }),
  call_expression: lowerCall,
  value_argument: lowerArgument,
  assignment: lowerAssignment,
}

/** The node that fills a field; a hole where the parser found none. */
function part(node: Syntax, field: string, to: Lowering): Node {
  const child = fieldOf(node, field)
  return child ? to.lower(child) : hole(node)
}

function hole(node: Syntax): Node {
  return other({ start: node.end, end: node.end }, "missing", [])
}

/** The grammar knows no words: `true`, `null` and `break` are names to it. */
function lowerIdentifier(node: Syntax, to: Lowering): Node {
  const word = to.textOf(node)
  const { start, end } = node
  switch (word) {
    case "true":
    case "false":
      return { kind: "bool", value: word === "true", start, end }
    case "null":
      return { kind: "null", start, end }
    case "break":
    case "continue":
      return { kind: word, label: null, start, end }
    default:
      return nameNode(node, identifier(node, to))
  }
}

/** `this@Outer` is a member of `Outer`, as in Java. */
function outer(node: Syntax, word: "this" | "super", to: Lowering): Node {
  const label = childOf(node, "identifier")
  if (!label) return nameNode(node, word)
  const { start, end } = node
  return { kind: "member", object: nameNode(label, identifier(label, to)), name: word, start, end }
}

/** `break@outer` and `continue@outer` come as labelled names; other labels only serve a `return@label`. */
function lowerLabeled(node: Syntax, to: Lowering): Node | readonly Node[] {
  const label = childOf(node, "label")
  const rest = named(node).filter((child) => child !== label)
  const word = label ? to.textOf(label) : ""
  const target = rest[0]
  if ((word === "break@" || word === "continue@") && target) {
    const kind = word === "break@" ? "break" : "continue"
    return { kind, label: to.textOf(target), start: node.start, end: node.end }
  }
  const lowered = to.many(rest)
  const [only] = lowered
  if (only?.kind === "loop" && lowered.length === 1) return { ...only, label: word.slice(0, -1) }
  return lowered
}

// --- operators ----------------------------------------------------------------------------------------------------

function lowerBinary(node: Syntax, to: Lowering): Node {
  const op = fieldOf(node, "operator")?.type ?? ""
  const [left, right] = [part(node, "left", to), part(node, "right", to)]
  return binary(node, op === "?:" ? "??" : op, left, right)
}

function binary(at: Syntax, op: string, left: Node, right: Node): Node {
  return { kind: "binary", op, left, right, start: at.start, end: at.end }
}

function not(at: Syntax, operand: Node): Node {
  return { kind: "unary", op: "!", operand, start: at.start, end: at.end }
}

function lowerIn(node: Syntax, to: Lowering): Node {
  const test = binary(node, "in", part(node, "left", to), part(node, "right", to))
  return hasToken(node, "!in") ? not(node, test) : test
}

function lowerIs(node: Syntax, to: Lowering): Node {
  const type = fieldOf(node, "right")
  const test = binary(
    node,
    "instanceof",
    part(node, "left", to),
    type ? typeAsValue(type, to) : hole(node),
  )
  return hasToken(node, "!is") ? not(node, test) : test
}

function lowerRange(node: Syntax, to: Lowering): Node {
  const [left, right] = named(node)
  const op = hasToken(node, "..<") ? "..<" : ".."
  return binary(node, op, left ? to.lower(left) : hole(node), right ? to.lower(right) : hole(node))
}

/** `a until b` is a call of `until` on `a`. */
function lowerInfix(node: Syntax, to: Lowering): Node {
  const [left, word, ...right] = named(node)
  if (!left || !word) return other(node, node.type, to.inside(node))
  const name = identifier(word, to)
  const callee: Node = {
    kind: "member",
    object: to.lower(left),
    name,
    start: left.start,
    end: word.end,
  }
  return call(node, callee, to.many(right))
}

function lowerUnary(node: Syntax, to: Lowering): Node {
  const op = fieldOf(node, "operator")?.type ?? ""
  const operand = part(node, "argument", to)
  const { start, end } = node
  if (op === "!!") return operand
  if (op !== "++" && op !== "--") return { kind: "unary", op, operand, start, end }
  const value: Node = { kind: "number", value: 1, start, end }
  return {
    kind: "assign",
    op: op === "++" ? "+=" : "-=",
    declares: false,
    targets: [operand],
    value,
    type: null,
    start,
    end,
  }
}

function lowerSpread(node: Syntax, to: Lowering): Node {
  const [value] = named(node)
  return {
    kind: "spread",
    value: value ? to.lower(value) : hole(node),
    start: node.start,
    end: node.end,
  }
}

function lowerAssignment(node: Syntax, to: Lowering): Node {
  const target = part(node, "left", to)
  const value = boundTo(lastName(target), part(node, "right", to))
  const op = fieldOf(node, "operator")?.type ?? "="
  return {
    kind: "assign",
    op,
    declares: false,
    targets: [target],
    value,
    type: null,
    start: node.start,
    end: node.end,
  }
}

// --- members and calls --------------------------------------------------------------------------------------------

function lowerIndex(node: Syntax, to: Lowering): Node {
  const [object, ...indices] = named(node)
  const lowered = to.many(indices)
  const { start, end } = node
  const [first] = indices
  const [only] = lowered
  const index: Node =
    only && lowered.length === 1
      ? only
      : {
          kind: "list",
          items: lowered,
          start: first?.start ?? end,
          end: indices.at(-1)?.end ?? end,
        }
  return { kind: "index", object: object ? to.lower(object) : hole(node), index, start, end }
}

/** `a.b`, `a?.b`, `a::b`. */
function lowerNavigation(node: Syntax, to: Lowering): Node {
  const parts = named(node)
  const [object, last] = [parts[0], parts.at(-1)]
  const { start, end } = node
  if (!object) return other(node, node.type, [])
  // Where the parser lost the name only the object is left.
  if (!last || last === object) return to.lower(object)
  const between = parts.slice(1, -1)
  if (last.type !== "identifier" || between.length > 0)
    return other(node, node.type, to.many(parts))
  return { kind: "member", object: to.lower(object), name: identifier(last, to), start, end }
}

/** `::f` is a name, `Foo<T>::bar` a member. */
function lowerReference(node: Syntax, to: Lowering): Node {
  const type = node.children.find(isType)
  const word = node.children.at(-1)
  const name = word ? identifier(word, to) : ""
  const { start, end } = node
  if (!type) return nameNode(node, name)
  return { kind: "member", object: typeAsValue(type, to), name, start, end }
}

function call(at: Syntax, callee: Node, args: readonly Node[]): Call {
  return { kind: "call", callee, name: lastName(callee), args, start: at.start, end: at.end }
}

/** The trailing lambda of `f(x) { … }` is the last argument: the grammar has it as a call of `f(x)`. */
function lowerCall(node: Syntax, to: Lowering): Node {
  const [head, ...rest] = named(node)
  if (!head) return other(node, node.type, [])
  const lists = rest.filter((child) => child.type === "value_arguments")
  const lambdas = rest.filter((child) => child.type === "annotated_lambda")
  const unknown = rest.filter((child) => child.type === "ERROR")
  const args = [...lists, ...unknown].flatMap((list) => to.inside(list))
  const trailing = to.many(lambdas)
  const isCalled = head.type === "call_expression" && !childOf(head, "annotated_lambda")
  if (lists.length === 0 && isCalled) {
    const inner = to.lower(head)
    if (inner.kind === "call")
      return called(node, inner.callee, [...inner.args, ...args, ...trailing])
  }
  return called(node, to.lower(head), [...args, ...trailing])
}

function called(at: Syntax, callee: Node, args: readonly Node[]): Call {
  return call(at, callee, withoutIt(callee, args))
}

/** `x`, `name = x`, `*xs`. */
function lowerArgument(node: Syntax, to: Lowering): Node | readonly Node[] {
  const parts = named(node)
  const name = hasToken(node, "=") ? parts[0] : undefined
  const { start, end } = node
  const rest = name ? parts.slice(1) : parts
  const lowered = to.many(rest)
  const [only] = lowered
  if (lowered.length !== 1 || !only) return lowered
  const value: Node = hasToken(node, "*")
    ? { kind: "spread", value: only, start: only.start, end }
    : only
  if (!name) return value
  const word = identifier(name, to)
  return { kind: "named", name: word, value: boundTo(word, value), start, end }
}
