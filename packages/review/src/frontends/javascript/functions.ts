/** Functions of every form: declarations, methods, arrow functions, signatures; their parameters and decorators. */
import type { Annotation, Block, Func, Lambda, Node, Param } from "../../ir/nodes.ts"
import { fieldOf, namedOf, type Syntax } from "../syntax.ts"
import { type Binding, type Context, declaredType, hasToken, textOf, typeOf } from "./context.ts"
import { boundNames, patternOf } from "./patterns.ts"

/** How a function came by its name, and whether it stands inside an expression. */
export interface Naming extends Binding {
  readonly isLambda?: boolean
}

/**
 * An arrow function or a function expression. One that is bound to a name outside every other function, or to a field
 * of a class, is what a reader would call a function: it is no lambda.
 */
export function lambdaOf(ctx: Context, node: Syntax, binding?: Binding): Lambda {
  const own = fieldOf(node, "name")
  const name = binding?.name ?? (own ? textOf(ctx, own) : "")
  const isLambda = name === "" || (ctx.depth > 0 && binding?.isField !== true) || !binding
  const fn = functionOf(ctx, node, {
    ...binding,
    name,
    nameStart: isLambda ? node.start : (binding?.nameStart ?? node.start),
    isLambda,
  })
  return { kind: "lambda", fn, start: node.start, end: node.end }
}

/** Any function with its parameters and its body. */
export function functionOf(ctx: Context, node: Syntax, naming: Naming): Func {
  ctx.depth++
  const { params, prelude } = paramsOf(ctx, node)
  const body = bodyOf(ctx, fieldOf(node, "body"), prelude)
  ctx.depth--
  const hasError = ctx.errors.spoils(node.start, node.end, !naming.isLambda)
  return {
    kind: "function",
    name: naming.name,
    nameStart: naming.nameStart,
    params,
    result: typeOf(ctx, fieldOf(node, "return_type")),
    body,
    isAsync: hasToken(node, "async"),
    ...(hasToken(node, "*") && { isGenerator: true }),
    ...(naming.isLambda && { isLambda: true }),
    receiver: null,
    annotations: naming.annotations ?? [],
    modifiers: naming.modifiers ?? [],
    ...(hasError && { hasError: true }),
    start: node.start,
    end: node.end,
  }
}

/** A body, or the expression of an arrow function as the value that it returns. */
function bodyOf(ctx: Context, node: Syntax | null, prelude: readonly Node[]): Block | null {
  if (!node) return null
  if (node.type === "statement_block") {
    const block = ctx.block(node)
    return prelude.length === 0 ? block : { ...block, body: [...prelude, ...block.body] }
  }
  const { start, end } = node
  const value = ctx.expression(node)
  const body: Node[] = [...prelude, { kind: "return", value, implicit: true, start, end }]
  return { kind: "block", body, start, end }
}

/** Parameters, and what their patterns evaluate before the body runs. */
function paramsOf(ctx: Context, node: Syntax): { params: Param[]; prelude: Node[] } {
  const single = fieldOf(node, "parameter")
  const list = fieldOf(node, "parameters")
  const params: Param[] = []
  const prelude: Node[] = []
  for (const child of single ? [single] : list ? namedOf(list) : []) {
    const param = paramOf(ctx, child, prelude)
    if (param) params.push(param)
  }
  return { params, prelude }
}

function paramOf(ctx: Context, node: Syntax, prelude: Node[]): Param | null {
  const isTyped = node.type === "required_parameter" || node.type === "optional_parameter"
  const isDefault = node.type === "assignment_pattern"
  let left = isTyped
    ? (fieldOf(node, "pattern") ?? fieldOf(node, "name"))
    : isDefault
      ? fieldOf(node, "left")
      : node
  // TypeScript's `this: Type` is no parameter: arguments would be counted wrong.
  if (!left || left.type === "this") return null
  const isRest = left.type === "rest_pattern"
  if (isRest) left = namedOf(left)[0] ?? left
  const value = fieldOf(node, isDefault ? "right" : "value")
  const annotations = isTyped ? decoratorsOf(ctx, node) : []
  const isName = left.type === "identifier"
  const pattern = isName ? null : patternOf(ctx, left)
  if (pattern) prelude.push(...pattern.extras)
  const name = isName ? textOf(ctx, left) : ""
  return {
    name,
    ...(pattern && { names: boundNames(pattern) }),
    type: isTyped ? declaredType(ctx, node) : null,
    value: value
      ? ctx.expression(value, isName ? { name, nameStart: left.start } : undefined)
      : null,
    ...(annotations.length > 0 && { annotations }),
    ...(isRest && { isRest }),
    start: node.start,
    end: node.end,
  }
}

/** The decorators among the children of a node. */
export function decoratorsOf(ctx: Context, node: Syntax): Annotation[] {
  return node.children
    .filter((child) => child.type === "decorator")
    .map((child) => annotationOf(ctx, child))
}

/** `@Name`, `@a.name(args)`. */
export function annotationOf(ctx: Context, node: Syntax): Annotation {
  const { start, end } = node
  const held = namedOf(node)[0]
  if (!held) return { name: "", args: [], start, end }
  const isCall = held.type === "call_expression"
  const callee = (isCall && fieldOf(held, "function")) || held
  const list = isCall ? fieldOf(held, "arguments") : null
  const args = list ? namedOf(list).map((arg) => ctx.expression(arg)) : []
  const isPath = /^[\w$.#\s]*$/.test(textOf(ctx, callee))
  return {
    name: isPath ? textOf(ctx, callee).replaceAll(/\s/g, "") : "",
    args: isPath ? args : [ctx.expression(callee), ...args],
    start,
    end,
  }
}
