/** Python's functions, lambdas, parameters and decorators. */
import type { Annotation, Func, Node, Param } from "../../ir/nodes.ts"
import { block, hasToken, named, type Lowering } from "../lowering.ts"
import { bodyOf, partOf } from "../parts.ts"
import { fieldOf, hasError, type Syntax } from "../syntax.ts"

export function funcOf(node: Syntax, decorators: readonly Syntax[], to: Lowering): Func {
  const name = fieldOf(node, "name")
  const result = fieldOf(node, "return_type")
  const body = fieldOf(node, "body")
  return {
    kind: "function",
    name: name ? to.textOf(name) : "",
    nameStart: name?.start ?? node.start,
    params: paramsOf(fieldOf(node, "parameters"), to),
    result: result && to.textOf(result),
    body: bodyOf(body, node, to),
    isAsync: hasToken(node, "async"),
    ...(body && yields(body) ? { isGenerator: true } : {}),
    receiver: null,
    annotations: decorators.map((one) => annotationOf(one, to)),
    modifiers: [],
    ...(to.isBroken(node) ? { hasError: true } : {}),
    start: node.start,
    end: node.end,
  }
}

export function lambdaOf(node: Syntax, to: Lowering): Node {
  const value = partOf(node, "body", to)
  const { start, end } = node
  const fn: Func = {
    kind: "function",
    name: "",
    nameStart: start,
    params: paramsOf(fieldOf(node, "parameters"), to),
    result: null,
    body: block(value, [
      { kind: "return", value, implicit: true, start: value.start, end: value.end },
    ]),
    isAsync: false,
    isLambda: true,
    // The function around it is marked too; at top level there is none.
    ...(to.errors > 0 && hasError(node) ? { hasError: true } : {}),
    receiver: null,
    annotations: [],
    modifiers: [],
    start,
    end,
  }
  return { kind: "lambda", fn, start, end }
}

/** Whether a body yields itself, and not a function in it. */
function yields(node: Syntax): boolean {
  return node.children.some((child) => {
    if (child.type === "yield" && child.isNamed) return true
    return child.type !== "function_definition" && child.type !== "lambda" && yields(child)
  })
}

/** `@app.task(bind=True)` is `app.task` with arguments. */
export function annotationOf(decorator: Syntax, to: Lowering): Annotation {
  const { start, end } = decorator
  const [expression] = named(decorator)
  if (!expression) return { name: "", args: [], start, end }
  const isCall = expression.type === "call"
  const callee = isCall ? (fieldOf(expression, "function") ?? expression) : expression
  const args = isCall ? argsOf(fieldOf(expression, "arguments"), to) : []
  // A call on the way (`@registry.get("x").register`) is no name; it comes before the arguments.
  const way = callee.type === "identifier" || isDotted(callee) ? [] : [to.lower(callee)]
  return { name: to.textOf(callee), args: [...way, ...args], start, end }
}

/** `f(x for x in y)` has its generator as the one argument. */
export function argsOf(list: Syntax | null, to: Lowering): Node[] {
  if (!list) return []
  return list.type === "argument_list" ? to.inside(list) : [to.lower(list)]
}

function isDotted(node: Syntax): boolean {
  const object = node.type === "attribute" ? fieldOf(node, "object") : null
  return object !== null && (object.type === "identifier" || isDotted(object))
}

/** `*` and `/` alone bind nothing; `*args` and `**options` are rests. */
function paramsOf(list: Syntax | null, to: Lowering): Param[] {
  return (list ? named(list) : []).flatMap((one): Param[] => {
    if (one.type === "keyword_separator" || one.type === "positional_separator") return []
    const pattern = fieldOf(one, "name") ?? (one.type === "typed_parameter" ? named(one)[0] : one)
    if (!pattern) return []
    const type = fieldOf(one, "type")
    const value = fieldOf(one, "value")
    const isRest = pattern.type.endsWith("splat_pattern")
    const names = namesIn(pattern, to)
    return [
      {
        ...(names.length === 1 ? { name: names[0]! } : { name: "", names }),
        type: type && to.textOf(type),
        value: value && to.lower(value),
        ...(isRest ? { isRest } : {}),
        start: one.start,
        end: one.end,
      },
    ]
  })
}

/** Python 2 took tuples apart in parameters. */
function namesIn(pattern: Syntax, to: Lowering): string[] {
  if (pattern.type === "identifier") return [to.textOf(pattern)]
  return named(pattern).flatMap((one) => namesIn(one, to))
}
