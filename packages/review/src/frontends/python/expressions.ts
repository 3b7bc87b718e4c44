/** Python's expressions. */
import type { Call, Entry, Node } from "../../ir/nodes.ts"
import {
  boundTo,
  lastName,
  nameNode,
  named,
  other,
  type Lowering,
  type Table,
} from "../lowering.ts"
import { onlyPart, partOf, rowOf } from "../parts.ts"
import { fieldOf, fieldsOf, type Syntax } from "../syntax.ts"
import { argsOf, lambdaOf } from "./functions.ts"

export const EXPRESSIONS: Table = {
  identifier: (node, to) => nameNode(node, to.textOf(node)),
  none: ({ start, end }) => ({ kind: "null", start, end }),
  true: ({ start, end }) => ({ kind: "bool", value: true, start, end }),
  false: ({ start, end }) => ({ kind: "bool", value: false, start, end }),
  integer: number,
  float: number,
  parenthesized_expression: (node, to) => onlyPart(node, to),
  // A type in brackets of its own: `type X = int`.
  type: (node, to) => onlyPart(node, to),
  attribute: (node, to) => {
    const name = fieldOf(node, "attribute")
    const object = partOf(node, "object", to)
    const { start, end } = node
    return { kind: "member", object, name: name ? to.textOf(name) : "", start, end }
  },
  subscript: (node, to) => {
    const index = rowOf(
      node,
      fieldsOf(node, "subscript").filter((one) => one.isNamed),
      to,
    )
    return {
      kind: "index",
      object: partOf(node, "value", to),
      index,
      start: node.start,
      end: node.end,
    }
  },
  slice: list,
  call: (node, to) =>
    callOf(node, partOf(node, "function", to), argsOf(fieldOf(node, "arguments"), to)),
  // Python 2.
  print_statement: (node, to) => {
    const keyword = node.children[0]!
    return callOf(
      node,
      nameNode({ start: keyword.start, end: keyword.end }, "print"),
      to.inside(node),
    )
  },
  keyword_argument: (node, to) => {
    const name = fieldOf(node, "name")
    const written = name ? to.textOf(name) : ""
    const value = boundTo(written, partOf(node, "value", to))
    return { kind: "named", name: written, value, start: node.start, end: node.end }
  },
  list_splat: spread,
  dictionary_splat: spread,
  list_splat_pattern: spread,
  dictionary_splat_pattern: spread,
  list,
  tuple: list,
  set: list,
  expression_list: list,
  pattern_list: list,
  tuple_pattern: list,
  list_pattern: list,
  dictionary: (node, to) => {
    const entries = named(node).map((one) => entryOf(one, to))
    return { kind: "object", type: null, entries, start: node.start, end: node.end }
  },
  binary_operator: binary,
  boolean_operator: binary,
  comparison_operator: comparison,
  unary_operator: (node, to) => unary(node, operatorOf(node, to), to),
  not_operator: (node, to) => unary(node, "!", to),
  conditional_expression: (node, to) => {
    const parts = to.inside(node)
    const [then, test, otherwise, ...more] = parts
    const { start, end } = node
    // Lowering the parts a second time would double the work at each level that is broken.
    if (!then || !test || !otherwise || more.length > 0) return other(node, node.type, parts)
    return { kind: "conditional", test, then, otherwise, start, end }
  },
  named_expression: (node, to) => {
    const target = partOf(node, "name", to)
    const value = partOf(node, "value", to)
    return {
      kind: "assign",
      op: "=",
      declares: true,
      targets: [target],
      value: target.kind === "name" ? boundTo(target.name, value) : value,
      type: null,
      start: node.start,
      end: node.end,
    }
  },
  await: (node, to) => ({
    kind: "await",
    value: onlyPart(node, to),
    start: node.start,
    end: node.end,
  }),
  lambda: lambdaOf,
}

function number(node: Syntax, to: Lowering): Node {
  const text = to.textOf(node).replaceAll("_", "").replace(/l$/i, "")
  const value = /^0[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number(text)
  // Imaginary numbers.
  if (Number.isNaN(value)) return other(node, node.type, [])
  return { kind: "number", value, start: node.start, end: node.end }
}

function callOf(node: Syntax, callee: Node, args: readonly Node[]): Call {
  return { kind: "call", callee, name: lastName(callee), args, start: node.start, end: node.end }
}

function spread(node: Syntax, to: Lowering): Node {
  return { kind: "spread", value: onlyPart(node, to), start: node.start, end: node.end }
}

function list(node: Syntax, to: Lowering): Node {
  return { kind: "list", items: to.inside(node), start: node.start, end: node.end }
}

/** Keys are values in Python: only a string says its name. */
function entryOf(node: Syntax, to: Lowering): Entry {
  if (node.type !== "pair") return { key: null, keyNode: null, value: to.lower(node) }
  const keyNode = partOf(node, "key", to)
  const key = keyNode.kind === "string" ? keyNode.value : null
  const value = partOf(node, "value", to)
  return { key, keyNode, value: key === null ? value : boundTo(key, value) }
}

const OPERATORS: Readonly<Record<string, string>> = {
  and: "&&",
  or: "||",
  is: "===",
  "is not": "!==",
  "<>": "!=",
}

function operatorOf(node: Syntax, to: Lowering): string {
  const operator = fieldOf(node, "operator")
  return operator ? neutral(to.textOf(operator)) : ""
}

function neutral(operator: string): string {
  const written = operator.replace(/\s+/g, " ")
  return Object.hasOwn(OPERATORS, written) ? OPERATORS[written]! : written
}

function binary(node: Syntax, to: Lowering): Node {
  const op = operatorOf(node, to)
  const { start, end } = node
  return {
    kind: "binary",
    op,
    left: partOf(node, "left", to),
    right: partOf(node, "right", to),
    start,
    end,
  }
}

function unary(node: Syntax, op: string, to: Lowering): Node {
  const operand = partOf(node, "argument", to)
  return { kind: "unary", op, operand, start: node.start, end: node.end }
}

/**
 * `a < b < c` asks `a < b && b < c`. The middle stands twice, but what runs only once must not show twice: the second
 * time, whatever is more than a name is an empty `other` at the same place.
 */
function comparison(node: Syntax, to: Lowering): Node {
  const operands = named(node).filter((one) => one.field !== "operators")
  const operators = fieldsOf(node, "operators").map((one) => neutral(to.textOf(one)))
  const [first, second, ...more] = operands
  if (!first || !second || operators.length !== operands.length - 1) {
    return other(node, node.type, to.many(operands))
  }
  let all = compared(to.lower(first), operators[0]!, to.lower(second))
  let left = second
  more.forEach((right, i) => {
    const again = isPlain(left) ? to.lower(left) : other(left, "again", [])
    const next = compared(again, operators[i + 1]!, to.lower(right))
    all = { kind: "binary", op: "&&", left: all, right: next, start: all.start, end: next.end }
    left = right
  })
  return { ...all, start: node.start, end: node.end }
}

function compared(left: Node, op: string, right: Node): Node {
  return { kind: "binary", op, left, right, start: left.start, end: right.end }
}

function isPlain(node: Syntax): boolean {
  return /^(?:identifier|integer|float|none|true|false)$/.test(node.type)
}
