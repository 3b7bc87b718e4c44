/** Go's functions, methods, function literals and the methods of interfaces. */
import type { Func, Node, Param } from "../../ir/nodes.ts"
import { named, type Lowering } from "../lowering.ts"
import { bodyOf } from "../parts.ts"
import { fieldOf, fieldsOf, hasError, type Syntax } from "../syntax.ts"
import { typeName } from "./typeNames.ts"

/** A function, a method, or a method of an interface, which has no body. */
export function funcOf(node: Syntax, to: Lowering): Func {
  const name = fieldOf(node, "name")
  return func(node, name ? to.textOf(name) : "", name?.start ?? node.start, to)
}

export function lambdaOf(node: Syntax, to: Lowering): Node {
  // The function around it is marked too; at top level there is none.
  const isBroken = to.errors > 0 && hasError(node)
  const fn: Func = {
    ...func(node, "", node.start, to),
    isLambda: true,
    ...(isBroken ? { hasError: true } : {}),
  }
  return { kind: "lambda", fn, start: node.start, end: node.end }
}

function func(node: Syntax, name: string, nameStart: number, to: Lowering): Func {
  const result = fieldOf(node, "result")
  const body = fieldOf(node, "body")
  return {
    kind: "function",
    name,
    nameStart,
    params: paramsOf(fieldOf(node, "parameters"), to),
    result: result && to.textOf(result),
    body: body && bodyOf(body, node, to),
    isAsync: false,
    receiver: receiverOf(fieldOf(node, "receiver"), to),
    annotations: [],
    modifiers: [],
    ...(to.isBroken(node) ? { hasError: true } : {}),
    start: node.start,
    end: node.end,
  }
}

function receiverOf(list: Syntax | null, to: Lowering): Func["receiver"] {
  const one = list && named(list)[0]
  const type = one && fieldOf(one, "type")
  if (!type) return null
  const name = fieldOf(one, "name")
  return { name: name ? to.textOf(name) : "", type: typeName(type, to) }
}

/** `a, b int` are two parameters; where only types are given, names are empty. */
function paramsOf(list: Syntax | null, to: Lowering): Param[] {
  return (list ? named(list) : []).flatMap((one): Param[] => {
    const type = fieldOf(one, "type")
    const isRest = one.type === "variadic_parameter_declaration"
    const param = (name: string, start: number): Param => ({
      name,
      type: type && to.textOf(type),
      value: null,
      ...(isRest ? { isRest } : {}),
      start,
      end: one.end,
    })
    const names = fieldsOf(one, "name").filter((name) => name.isNamed)
    if (names.length === 0) return type ? [param("", one.start)] : []
    return names.map((name) => param(to.textOf(name), name.start))
  })
}
