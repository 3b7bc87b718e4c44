/** Kotlin's functions, constructors and accessors. */
import type { Block, Func, Node, Param } from "../../ir/nodes.ts"
import { block, boundTo, childOf, hasToken, named, type Lowering } from "../lowering.ts"
import { fieldOf, type Syntax } from "../syntax.ts"
import { modifiersIn, modifiersOf } from "./modifiers.ts"
import { statementsIn } from "./statements.ts"
import { identifier, isType, typeName } from "./typeNames.ts"

/** The functions of the grammar that have a name. */
export const FUNCTIONS: ReadonlySet<string> = new Set([
  "function_declaration",
  "secondary_constructor",
  "getter",
  "setter",
])

export function functionOf(node: Syntax, to: Lowering): Func {
  const name = fieldOf(node, "name")
  const { annotations, modifiers } = modifiersOf(node, to)
  return {
    kind: "function",
    name: name ? identifier(name, to) : "",
    nameStart: name?.start ?? node.start,
    params: functionParams(childOf(node, "function_value_parameters"), to),
    result: resultOf(node, to),
    body: bodyOf(node, to),
    isAsync: modifiers.includes("suspend"),
    receiver: receiverOf(node, to),
    annotations,
    modifiers,
    ...(to.isBroken(node) ? { hasError: true } : {}),
    start: node.start,
    end: node.end,
  }
}

/** The extended type of `fun Foo<Bar>?.baz()` or `val Foo.baz`: it stands before a dot. */
export function receiverOf(node: Syntax, to: Lowering): Func["receiver"] {
  const dot = node.children.findIndex((child) => child.type === ".")
  const type = dot < 0 ? undefined : node.children.slice(0, dot).findLast(isType)
  return type ? { name: "this", type: typeName(type, to) } : null
}

/** The type behind the parameters. */
export function resultOf(node: Syntax, to: Lowering): string | null {
  const colon = node.children.findIndex((child) => child.type === ":")
  const type = colon < 0 ? undefined : node.children.slice(colon).find(isType)
  return type ? to.textOf(type) : null
}

/** A block, or what stands behind `=` as what is returned. */
export function bodyOf(node: Syntax, to: Lowering): Block | null {
  const body = childOf(node, "function_body")
  if (!body) return null
  const braces = childOf(body, "block")
  if (braces && !hasToken(body, "=")) return blockOf(braces, to)
  const [value] = named(body)
  if (!value) return block(body, [])
  const { start, end } = value
  return block(value, [{ kind: "return", value: to.lower(value), implicit: true, start, end }])
}

export function blockOf(node: Syntax, to: Lowering): Block {
  return block(node, statementsIn(named(node), to))
}

/** Modifiers and defaults stand beside a parameter, not in it. */
export function functionParams(list: Syntax | null, to: Lowering): Param[] {
  const params: Param[] = []
  let modifiers: Syntax | null = null
  for (const node of list ? named(list) : []) {
    if (node.type === "parameter_modifiers") modifiers = node
    else if (node.type === "parameter") {
      params.push(paramOf(node, modifiers, to))
      modifiers = null
    } else {
      const last = params.pop()
      if (!last) continue
      const value = boundTo(last.name, to.lower(node))
      params.push({ ...last, value, end: node.end })
    }
  }
  return params
}

function paramOf(node: Syntax, before: Syntax | null, to: Lowering): Param {
  const name = childOf(node, "identifier")
  const type = node.children.find(isType)
  const { annotations, modifiers } = modifiersIn(before, to)
  return {
    name: name ? identifier(name, to) : "",
    type: type ? to.textOf(type) : null,
    value: null,
    ...(annotations.length > 0 ? { annotations } : {}),
    ...(modifiers.includes("vararg") ? { isRest: true } : {}),
    start: before?.start ?? node.start,
    end: node.end,
  }
}

/** `constructor(…) : this(…) { … }`: the call of the other constructor comes first in the body. */
export function secondaryConstructor(node: Syntax, to: Lowering): Func {
  const delegation = childOf(node, "constructor_delegation_call")
  const braces = childOf(node, "block")
  const head = delegation ? [to.lower(delegation)] : []
  const body = [...head, ...(braces ? statementsIn(named(braces), to) : [])]
  const at = braces ?? delegation ?? { start: node.end, end: node.end }
  return {
    kind: "function",
    name: "constructor",
    nameStart: node.children.find((child) => child.type === "constructor")?.start ?? node.start,
    params: functionParams(childOf(node, "function_value_parameters"), to),
    result: null,
    body: block({ start: delegation?.start ?? at.start, end: at.end }, body),
    isAsync: false,
    receiver: null,
    ...modifiersOf(node, to),
    ...(to.isBroken(node) ? { hasError: true } : {}),
    start: node.start,
    end: node.end,
  }
}

/** `this(…)` and `super(…)`. */
export function delegationCall(node: Syntax, to: Lowering): Node {
  const word = node.children[0]
  const list = childOf(node, "value_arguments")
  const name = word ? to.textOf(word) : ""
  const callee: Node = {
    kind: "name",
    name,
    start: word?.start ?? node.start,
    end: word?.end ?? node.end,
  }
  return {
    kind: "call",
    callee,
    name,
    args: list ? to.inside(list) : [],
    start: node.start,
    end: node.end,
  }
}

/** A getter or setter with a body, with `get` or `set` among its modifiers; null for `private set`. */
export function accessorOf(
  node: Syntax,
  name: string,
  receiver: Func["receiver"],
  to: Lowering,
): Func | null {
  const body = bodyOf(node, to)
  if (!body) return null
  const isSetter = node.type === "setter"
  const word = isSetter ? childOf(node, "identifier") : null
  const { annotations, modifiers } = modifiersOf(node, to)
  const param = word
    ? [{ name: identifier(word, to), type: null, value: null, start: word.start, end: word.end }]
    : []
  return {
    kind: "function",
    name,
    nameStart: node.start,
    params: param,
    result: isSetter ? null : resultOf(node, to),
    body,
    isAsync: false,
    receiver,
    annotations,
    modifiers: [...modifiers, isSetter ? "set" : "get"],
    ...(to.isBroken(node) ? { hasError: true } : {}),
    start: node.start,
    end: node.end,
  }
}
