/** Expressions: each kind of the grammar to one of the intermediate form. */
import type { Assign, Call, Entry, Node, Obj } from "../../ir/nodes.ts"
import { fieldOf, namedOf, type Syntax } from "../syntax.ts"
import { classOf } from "./classes.ts"
import { type Binding, type Context, nameOf, textOf } from "./context.ts"
import { lambdaOf } from "./functions.ts"
import { jsxOf } from "./jsx.ts"
import { numberOf, stringOf, templateOf } from "./literals.ts"
import { boundLambda, keyName, methodOf } from "./members.ts"
import { patternOf } from "./patterns.ts"

/** @see Context.expression */
export function expressionOf(ctx: Context, node: Syntax, binding?: Binding): Node {
  const { start, end } = node
  switch (node.type) {
    case "identifier":
    case "property_identifier":
    case "private_property_identifier":
    case "shorthand_property_identifier":
    case "shorthand_property_identifier_pattern":
    case "type_identifier":
    case "this":
    case "super":
    case "import":
    case "meta_property":
      return nameOf(ctx, node)
    case "string":
      return stringOf(ctx, node)
    case "template_string":
      return templateOf(ctx, node)
    case "number":
      return numberOf(ctx, node)
    case "true":
    case "false":
      return { kind: "bool", value: node.type === "true", start, end }
    case "null":
    case "undefined":
      return { kind: "null", start, end }
    case "arrow_function":
    case "function_expression":
    case "generator_function":
      return lambdaOf(ctx, node, binding)
    case "class":
      return classOf(ctx, node, binding)
    case "parenthesized_expression":
    case "non_null_expression":
    case "as_expression":
    case "satisfies_expression":
    case "instantiation_expression":
      return held(ctx, node, namedOf(node)[0], binding)
    case "type_assertion":
      return held(ctx, node, namedOf(node).at(-1), binding)
    case "array":
    case "array_pattern":
      return { kind: "list", items: below(ctx, node), start, end }
    case "object":
      return objectOf(ctx, node)
    case "spread_element":
      return withOne(ctx, node, (value) => ({ kind: "spread", value, start, end }))
    case "await_expression":
      return withOne(ctx, node, (value) => ({ kind: "await", value, start, end }))
    case "jsx_element":
    case "jsx_self_closing_element":
      return jsxOf(ctx, node)
    case "regex":
      return { kind: "other", type: "regex", children: [], start, end }
    default:
      return compoundOf(ctx, node)
  }
}

/** Expressions of several parts that the grammar tells apart by fields. */
function compoundOf(ctx: Context, node: Syntax): Node {
  switch (node.type) {
    case "call_expression":
      return callOf(ctx, node, "function")
    case "new_expression":
      return callOf(ctx, node, "constructor")
    case "member_expression":
    case "nested_identifier":
      return memberOf(ctx, node)
    case "subscript_expression":
      return indexOf(ctx, node)
    case "binary_expression":
      return binaryOf(ctx, node)
    case "unary_expression":
      return unaryOf(ctx, node)
    case "ternary_expression":
      return conditionalOf(ctx, node)
    case "assignment_expression":
    case "augmented_assignment_expression":
      return assignOf(ctx, node)
    case "update_expression":
      return updateOf(ctx, node)
    default:
      return otherOf(ctx, node)
  }
}

/** What has no kind of its own, with everything below it. */
function otherOf(ctx: Context, node: Syntax): Node {
  const { type, start, end } = node
  const children = namedOf(node).flatMap((child) => ctx.statement(child))
  return { kind: "other", type, children, start, end }
}

function below(ctx: Context, node: Syntax): Node[] {
  return namedOf(node).map((child) => ctx.expression(child))
}

/** What stands in place of parentheses, a cast or a mark. */
function held(ctx: Context, node: Syntax, inner: Syntax | undefined, binding?: Binding): Node {
  return inner ? ctx.expression(inner, binding) : otherOf(ctx, node)
}

function withOne(ctx: Context, node: Syntax, make: (value: Node) => Node): Node {
  const named = namedOf(node)
  return named.length === 1 ? make(ctx.expression(named[0]!)) : otherOf(ctx, node)
}

function callOf(ctx: Context, node: Syntax, field: "function" | "constructor"): Node {
  const { start, end } = node
  const head = fieldOf(node, field)
  if (!head) return otherOf(ctx, node)
  const callee = ctx.expression(head)
  const list = fieldOf(node, "arguments")
  const isTagged = list?.type === "template_string"
  const args = isTagged ? [ctx.expression(list)] : list ? below(ctx, list) : []
  const call: Call = {
    kind: "call",
    callee,
    name: lastName(callee),
    args,
    ...(field === "constructor" && { isNew: true }),
    ...(isTagged && { isTagged }),
    start,
    end,
  }
  return call
}

/** Also of `(0, a.b)()`, which compilers write to call without `this`. */
function lastName(callee: Node): string {
  if (callee.kind === "name" || callee.kind === "member") return callee.name
  if (callee.kind === "index") return callee.index.kind === "string" ? callee.index.value : ""
  if (callee.kind !== "other" || callee.type !== "sequence_expression") return ""
  const last = callee.children.at(-1)
  return last ? lastName(last) : ""
}

function memberOf(ctx: Context, node: Syntax): Node {
  const { start, end } = node
  const object = fieldOf(node, "object")
  const property = fieldOf(node, "property")
  if (!object || !property) return otherOf(ctx, node)
  const name = textOf(ctx, property)
  return { kind: "member", object: ctx.expression(object), name, start, end }
}

function indexOf(ctx: Context, node: Syntax): Node {
  const { start, end } = node
  const object = fieldOf(node, "object")
  const index = fieldOf(node, "index")
  if (!object || !index) return otherOf(ctx, node)
  return {
    kind: "index",
    object: ctx.expression(object),
    index: ctx.expression(index),
    start,
    end,
  }
}

function binaryOf(ctx: Context, node: Syntax): Node {
  const { start, end } = node
  const left = fieldOf(node, "left")
  const right = fieldOf(node, "right")
  const operator = fieldOf(node, "operator")
  if (!left || !right || !operator) return otherOf(ctx, node)
  return {
    kind: "binary",
    op: textOf(ctx, operator),
    left: ctx.expression(left),
    right: ctx.expression(right),
    start,
    end,
  }
}

function unaryOf(ctx: Context, node: Syntax): Node {
  const { start, end } = node
  const operator = fieldOf(node, "operator")
  const operand = fieldOf(node, "argument")
  if (!operator || !operand) return otherOf(ctx, node)
  const op = textOf(ctx, operator)
  return { kind: "unary", op, operand: ctx.expression(operand), start, end }
}

function conditionalOf(ctx: Context, node: Syntax): Node {
  const { start, end } = node
  const test = fieldOf(node, "condition")
  const then = fieldOf(node, "consequence")
  const otherwise = fieldOf(node, "alternative")
  if (!test || !then || !otherwise) return otherOf(ctx, node)
  return {
    kind: "conditional",
    test: ctx.expression(test),
    then: ctx.expression(then),
    otherwise: ctx.expression(otherwise),
    start,
    end,
  }
}

function assignOf(ctx: Context, node: Syntax): Node {
  const { type, start, end } = node
  const left = fieldOf(node, "left")
  const right = fieldOf(node, "right")
  const operator = fieldOf(node, "operator")
  if (!left || !right) return otherOf(ctx, node)
  const { targets, extras } = patternOf(ctx, left)
  const assign: Assign = {
    kind: "assign",
    op: operator ? textOf(ctx, operator) : "=",
    declares: false,
    targets,
    value: ctx.expression(right, boundLambda(targets)),
    type: null,
    start,
    end,
  }
  if (extras.length === 0) return assign
  return { kind: "other", type, children: [assign, ...extras], start, end }
}

function updateOf(ctx: Context, node: Syntax): Node {
  const { start, end } = node
  const argument = fieldOf(node, "argument")
  const operator = fieldOf(node, "operator")
  if (!argument || !operator) return otherOf(ctx, node)
  return {
    kind: "assign",
    op: operator.type === "--" ? "-=" : "+=",
    declares: false,
    targets: [ctx.expression(argument)],
    value: { kind: "number", value: 1, start: operator.start, end: operator.end },
    type: null,
    start,
    end,
  }
}

function objectOf(ctx: Context, node: Syntax): Obj {
  const entries = namedOf(node).map((child) => entryOf(ctx, child))
  return { kind: "object", type: null, entries, start: node.start, end: node.end }
}

function entryOf(ctx: Context, node: Syntax): Entry {
  if (node.type === "shorthand_property_identifier") {
    return { key: textOf(ctx, node), keyNode: null, value: nameOf(ctx, node) }
  }
  const keySyntax = fieldOf(node, node.type === "pair" ? "key" : "name")
  const value = node.type === "method_definition" ? null : fieldOf(node, "value")
  if (!keySyntax || (node.type !== "method_definition" && !value)) {
    return { key: null, keyNode: null, value: ctx.expression(node) }
  }
  const key = keyName(ctx, keySyntax)
  const inner = keySyntax.type === "computed_property_name" ? namedOf(keySyntax)[0] : undefined
  const keyNode = inner
    ? ctx.expression(inner)
    : keySyntax.type === "string"
      ? stringOf(ctx, keySyntax)
      : null
  if (value) {
    const binding = key === null ? undefined : { name: key, nameStart: keySyntax.start }
    return { key, keyNode, value: ctx.expression(value, binding) }
  }
  const fn = methodOf(ctx, node, [])
  return { key, keyNode, value: { kind: "lambda", fn, start: node.start, end: node.end } }
}
