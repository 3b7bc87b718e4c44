/** Go's expressions. */
import type { Call, Node } from "../../ir/nodes.ts"
import { lastName, nameNode, named, other, type Lowering, type Table } from "../lowering.ts"
import { onlyPart, partOf } from "../parts.ts"
import { fieldOf, type Syntax } from "../syntax.ts"
import { lambdaOf } from "./functions.ts"

export const EXPRESSIONS: Table = {
  identifier: name,
  field_identifier: name,
  package_identifier: name,
  label_name: name,
  blank_identifier: name,
  dot: name,
  iota: name,
  parenthesized_expression: (node, to) => onlyPart(node, to),
  selector_expression: (node, to) => {
    const field = fieldOf(node, "field")
    return {
      kind: "member",
      object: partOf(node, "operand", to),
      name: field ? to.textOf(field) : "",
      start: node.start,
      end: node.end,
    }
  },
  index_expression: (node, to) => ({
    kind: "index",
    object: partOf(node, "operand", to),
    index: partOf(node, "index", to),
    start: node.start,
    end: node.end,
  }),
  slice_expression: (node, to) => {
    const given = named(node).filter((one) => one.field !== "operand")
    const index: Node = {
      kind: "list",
      items: to.many(given),
      start: given[0]?.start ?? node.end,
      end: given.at(-1)?.end ?? node.end,
    }
    const { start, end } = node
    return { kind: "index", object: partOf(node, "operand", to), index, start, end }
  },
  call_expression: (node, to) => {
    const args = fieldOf(node, "arguments")
    return call(node, calleeOf(fieldOf(node, "function"), node, to), args ? to.inside(args) : [])
  },
  // A conversion to a type that no expression looks like, or a generic function called with one argument.
  type_conversion_expression: (node, to) => {
    return call(node, calleeOf(fieldOf(node, "type"), node, to), [partOf(node, "operand", to)])
  },
  // `x.(T)` is a cast.
  type_assertion_expression: (node, to) => partOf(node, "operand", to),
  type_instantiation_expression: (node, to) => partOf(node, "type", to),
  variadic_argument: (node, to) => {
    return { kind: "spread", value: onlyPart(node, to), start: node.start, end: node.end }
  },
  unary_expression: (node, to) => {
    const op = operatorOf(node, to)
    const operand = partOf(node, "operand", to)
    const { start, end } = node
    if (op === "<-") return { kind: "receive", channel: operand, start, end }
    return { kind: "unary", op, operand, start, end }
  },
  binary_expression: (node, to) => ({
    kind: "binary",
    op: operatorOf(node, to),
    left: partOf(node, "left", to),
    right: partOf(node, "right", to),
    start: node.start,
    end: node.end,
  }),
  func_literal: lambdaOf,
}

function name(node: Syntax, to: Lowering): Node {
  return nameNode(node, to.textOf(node))
}

function call(node: Syntax, callee: Node, args: readonly Node[]): Call {
  return { kind: "call", callee, name: lastName(callee), args, start: node.start, end: node.end }
}

/**
 * What is called, without type arguments. `f[T](x)` and `handlers[kind](x)` read the same to the grammar, so the one
 * is told from the other by what stands in the brackets: types are predeclared or, from elsewhere, upper case.
 */
function calleeOf(callee: Syntax | null, at: Syntax, to: Lowering): Node {
  if (!callee) return other(at, "missing", [])
  if (callee.type === "index_expression") {
    const index = fieldOf(callee, "index")
    if (index && isType(index, to)) return partOf(callee, "operand", to)
  }
  if (callee.type === "generic_type") {
    const args = fieldOf(callee, "type_arguments")
    const [first, ...more] = args ? named(args) : []
    const object = partOf(callee, "type", to)
    if (!first || more.length > 0 || isType(first, to)) return object
    return { kind: "index", object, index: to.lower(first), start: callee.start, end: callee.end }
  }
  return to.lower(callee)
}

const PREDECLARED =
  /^(?:any|bool|byte|comparable|complex(?:64|128)|error|float(?:32|64)|u?int(?:8|16|32|64)?|rune|string|uintptr)$/

function isType(node: Syntax, to: Lowering): boolean {
  const text = to.textOf(node)
  if (/^\w+$/.test(text)) return PREDECLARED.test(text) || /^[A-Z]/.test(text)
  return (
    /^\w+\.[A-Z]\w*$/.test(text) || /^(?:\*|\[|map\[|chan\b|func\b|struct\b|interface\b)/.test(text)
  )
}

function operatorOf(node: Syntax, to: Lowering): string {
  const operator = fieldOf(node, "operator")
  return operator ? to.textOf(operator) : ""
}
