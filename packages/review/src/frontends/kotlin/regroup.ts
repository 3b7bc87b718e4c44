/**
 * The parse tree as Kotlin means it. The grammar binds a few things wrongly, without an error and in code that is on
 * every page, so the tree is put right once before it is lowered:
 *
 *     !lock.tryLock()            is read as (!lock).tryLock()
 *     a ?: f<T>(x)               is read as (a ?: f)<T>(x)
 *     f<T>(x), f<T> { … }        are read as (f < T) > (x) where nothing follows
 *     class A : B by b { … }     is read as a class without a body and the call b { … }
 */
import type { Syntax } from "../syntax.ts"
import { recover } from "./recover.ts"

/** The same tree where there is nothing to put right. */
export function regroup(node: Syntax, text: string): Syntax {
  const children = regroupAll(node.children, text)
  const same = children === node.children ? node : { ...node, children }
  switch (node.type) {
    case "call_expression":
    case "navigation_expression":
    case "index_expression":
    case "unary_expression":
      return sink(same)
    case "binary_expression":
      return genericCall(same) ?? same
    case "class_declaration":
    case "object_declaration":
    case "companion_object":
    case "object_literal":
      return withBody(same, text)
    case "ERROR":
      return { ...same, children: recover(same.children) }
    default:
      return same
  }
}

function regroupAll(nodes: readonly Syntax[], text: string): readonly Syntax[] {
  let changed: Syntax[] | undefined
  for (const [i, node] of nodes.entries()) {
    const next = regroup(node, text)
    if (next === node) continue
    changed ??= [...nodes]
    changed[i] = next
  }
  return changed ?? nodes
}

// --- what binds tighter than what stands before it ----------------------------------------------------------------

const LOOSE = new Set([
  "binary_expression",
  "infix_expression",
  "range_expression",
  "in_expression",
  "spread_expression",
  "return_expression",
  "throw_expression",
])

/**
 * Moves a call, a member, an index or a mark behind an expression to the last operand of that expression, which takes
 * the field that the whole had (`argument` of `x!!`).
 */
function sink(node: Syntax): Syntax {
  const [head, ...rest] = node.children
  if (!head || rest.length === 0 || !(LOOSE.has(head.type) || isPrefix(head))) return node
  const last = head.children.at(-1)
  if (!last?.isNamed || head.children.length < 2) return node
  const moved = sink({
    ...node,
    start: last.start,
    field: last.field,
    children: [{ ...last, field: head.field }, ...rest],
  })
  const children = [...head.children.slice(0, -1), moved]
  return { ...head, field: node.field, end: node.end, children }
}

/** `!x`, `-x`, `++x`: the operator comes first. */
function isPrefix(node: Syntax): boolean {
  return node.type === "unary_expression" && node.children[0]?.field === "operator"
}

// --- type arguments that were read as comparisons -----------------------------------------------------------------

/** `(f < T) > (x)`: Kotlin has no such comparison, so it is a call with type arguments. */
function genericCall(node: Syntax): Syntax | null {
  const [left, operator, right] = node.children
  // Anything more than three parts is an ERROR, which must not be lost.
  if (node.children.length !== 3 || left?.children.length !== 3) return null
  if (operator?.type !== ">" || left?.type !== "binary_expression" || !right) return null
  const [callee, less, type] = left.children
  if (less?.type !== "<" || !callee || !type || !isTypeLike(type)) return null
  const args = argumentsFrom(right)
  if (!args) return null
  const { field, start, end, isMissing } = node
  const callable = { ...callee, field: null }
  return sink({
    type: "call_expression",
    isNamed: true,
    field,
    start,
    end,
    isMissing,
    children: [callable, args],
  })
}

function isTypeLike(node: Syntax): boolean {
  if (node.type === "identifier") return true
  return (
    node.type === "navigation_expression" &&
    node.children.every((child) => !child.isNamed || isTypeLike(child))
  )
}

function argumentsFrom(node: Syntax): Syntax | null {
  if (node.type === "lambda_literal")
    return around("annotated_lambda", node, [{ ...node, field: null }])
  if (node.type !== "parenthesized_expression") return null
  const values = node.children.filter((child) => child.isNamed)
  return around(
    "value_arguments",
    node,
    values.map((value) => around("value_argument", value, [value])),
  )
}

function around(type: string, at: Syntax, children: readonly Syntax[]): Syntax {
  const { start, end } = at
  return { type, isNamed: true, field: null, start, end, isMissing: false, children }
}

// --- class bodies that were read as lambdas -----------------------------------------------------------------------

/** `class A : B by b { … }`: what follows the last delegation is the body of the class. */
function withBody(node: Syntax, text: string): Syntax {
  const specifiers = node.children.find((child) => child.type === "delegation_specifiers")
  if (!specifiers || node.children.some((child) => child.type.endsWith("class_body"))) return node
  const found = withoutLambda(specifiers)
  if (!found) return node
  const children = node.children.map((child) => (child === specifiers ? found.node : child))
  return { ...node, children: [...children, bodyFrom(found.lambda, text)] }
}

/** Follows the last children of a delegation down to the call that holds the lambda, and takes it away there. */
function withoutLambda(node: Syntax): { node: Syntax; lambda: Syntax } | null {
  const last = node.children.at(-1)
  if (!last) return null
  if (node.type === "call_expression") {
    const lambda = last.type === "annotated_lambda" ? last.children.at(-1) : undefined
    const head = node.children[0]
    if (lambda?.type !== "lambda_literal" || !head) return null
    const children = node.children.slice(0, -1)
    const rest =
      children.length === 1
        ? { ...head, field: node.field }
        : { ...node, children, end: children.at(-1)!.end }
    return { node: rest, lambda }
  }
  if (!/^(?:delegation_specifiers?|explicit_delegation)$/.test(node.type)) return null
  const found = withoutLambda(last)
  if (!found) return null
  const children = [...node.children.slice(0, -1), found.node]
  return { node: { ...node, children, end: found.node.end }, lambda: found.lambda }
}

function bodyFrom(lambda: Syntax, text: string): Syntax {
  return around(
    "class_body",
    lambda,
    lambda.children.map((child) => memberFrom(child, text)),
  )
}

/** `companion object { … }` and `init { … }` were read as an infix call and a call. */
function memberFrom(node: Syntax, text: string): Syntax {
  const [first, second, third] = node.children
  const word = first ? text.slice(first.start, first.end) : ""
  if (word === "companion" && third?.type === "lambda_literal" && second) {
    const tokens = [first!, second].map((one) => ({ ...one, isNamed: false }))
    return around("companion_object", node, [...tokens, bodyFrom(third, text)])
  }
  const lambda = second?.type === "annotated_lambda" ? second.children.at(-1) : undefined
  if (word === "init" && lambda && node.type === "call_expression") {
    return around("anonymous_initializer", node, [around("block", lambda, lambda.children)])
  }
  return node
}
