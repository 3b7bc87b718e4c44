/** Kotlin's lambdas, anonymous functions and anonymous objects. */
import type { Call, Func, Node, Param } from "../../ir/nodes.ts"
import {
  block,
  childOf,
  hasToken,
  lastName,
  named,
  nameNode,
  type Lowering,
  type Table,
} from "../lowering.ts"
import type { Syntax } from "../syntax.ts"
import { basesOf, membersOf } from "./classes.ts"
import { bodyOf, functionParams, receiverOf, resultOf } from "./functions.ts"
import { statementsIn } from "./statements.ts"
import { bindingOf } from "./bindings.ts"
import { typeAsValue } from "./typeNames.ts"

export const lambdas: Table = {
  lambda_literal: lowerLambda,
  annotated_lambda: lowerAnnotated,
  anonymous_function: lowerAnonymous,
  object_literal: lowerObject,
}

/** What takes a lambda without a parameter: there `it` is that of a lambda further out. */
const WITHOUT_IT = new Set([
  "apply",
  "async",
  "buildList",
  "buildMap",
  "buildSet",
  "buildString",
  "channelFlow",
  "coroutineScope",
  "flow",
  "launch",
  "lazy",
  "produce",
  "run",
  "runBlocking",
  "runCatching",
  "runTest",
  "supervisorScope",
  "synchronized",
  "thread",
  "transaction",
  "with",
  "withContext",
  "withLock",
  "withPermit",
  "withTimeout",
  "withTimeoutOrNull",
])

/** Takes back the `it` of lambdas that are given to what calls them without a parameter. */
export function withoutIt(callee: Node, args: readonly Node[]): readonly Node[] {
  if (!WITHOUT_IT.has(lastName(callee))) return args
  return args.map((arg) => {
    const [it] = arg.kind === "lambda" ? arg.fn.params : []
    const isImplicit = it?.name === "it" && it.start === it.end
    return arg.kind === "lambda" && isImplicit ? { ...arg, fn: { ...arg.fn, params: [] } } : arg
  })
}

function lowerLambda(node: Syntax, to: Lowering): Node {
  const list = childOf(node, "lambda_parameters")
  const statements = named(node).filter((child) => child !== list)
  const first = statements[0]
  const at = { start: first?.start ?? node.end - 1, end: statements.at(-1)?.end ?? node.end - 1 }
  const body = block(at, returningLast(statementsIn(statements, to)))
  return lambda(node, {
    params: hasToken(node, "->") ? lambdaParams(list, to) : [implicitIt(node)],
    body,
  })
}

function lambda(node: Syntax, parts: Partial<Func>): Node {
  const { start, end } = node
  const fn: Func = {
    kind: "function",
    name: "",
    nameStart: start,
    params: [],
    result: null,
    body: null,
    isAsync: false,
    isLambda: true,
    receiver: null,
    annotations: [],
    modifiers: [],
    start,
    end,
    ...parts,
  }
  return { kind: "lambda", fn, start, end }
}

/** A parameter that nobody wrote has no width. */
function implicitIt(node: Syntax): Param {
  return { name: "it", type: null, value: null, start: node.start, end: node.start }
}

function lambdaParams(list: Syntax | null, to: Lowering): Param[] {
  return (list ? named(list) : []).map((param) => {
    const { names, type } = bindingOf(param, to)
    const [name = ""] = names
    const { start, end } = param
    if (param.type === "variable_declaration") return { name, type, value: null, start, end }
    return { name: "", names, type: null, value: null, start, end }
  })
}

const VALUES: ReadonlySet<Node["kind"]> = new Set([
  "name",
  "member",
  "index",
  "call",
  "string",
  "template",
  "number",
  "bool",
  "null",
  "binary",
  "unary",
  "conditional",
  "lambda",
  "list",
] as const)

/** The last expression of a lambda is its value. */
function returningLast(body: readonly Node[]): readonly Node[] {
  const last = body.at(-1)
  if (!last || !VALUES.has(last.kind)) return body
  const { start, end } = last
  return [...body.slice(0, -1), { kind: "return", value: last, implicit: true, start, end }]
}

/** A label serves a `return@label`, which returns from the lambda anyway. */
function lowerAnnotated(node: Syntax, to: Lowering): Node | readonly Node[] {
  return to.many(
    named(node).filter((child) => child.type !== "annotation" && child.type !== "label"),
  )
}

function lowerAnonymous(node: Syntax, to: Lowering): Node {
  return lambda(node, {
    params: functionParams(childOf(node, "function_value_parameters"), to),
    result: resultOf(node, to),
    body: bodyOf(node, to),
    receiver: receiverOf(node, to),
  })
}

/** `object : Foo(x), Bar { … }` is a `new` of its first base with a body. */
function lowerObject(node: Syntax, to: Lowering): Node {
  const { bases, created: base, types, rest } = basesOf(node, to)
  const body = childOf(node, "class_body")
  const [first] = types
  const callee = first
    ? typeAsValue(first, to)
    : nameNode({ start: node.start, end: node.start + 6 }, "object")
  const members = membersOf(body, "", to)
  const created: Call = {
    kind: "call",
    callee,
    name: lastName(callee),
    args: base?.args ?? [],
    isNew: true,
    body: {
      kind: "class",
      form: "object",
      name: "",
      nameStart: body?.start ?? node.start,
      bases,
      ...members,
      rest: [...rest, ...members.rest],
      annotations: [],
      modifiers: [],
      start: body?.start ?? node.end,
      end: node.end,
    },
    start: node.start,
    end: node.end,
  }
  return created
}
