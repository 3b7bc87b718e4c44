/** Statements; what is a declaration or an expression is handed on. */
import type { Block, Catch, If, Node, Resource, Switch, Try, With } from "../../ir/nodes.ts"
import { fieldOf, fieldsOf, namedOf, type Syntax } from "../syntax.ts"
import { type Context, hasToken, textOf } from "./context.ts"
import { declarationOf } from "./declarations.ts"
import { addBareRequire } from "./imports.ts"
import { loopOf } from "./loops.ts"
import { methodOf } from "./members.ts"
import { patternOf } from "./patterns.ts"
import { isType } from "./typeSyntax.ts"

/** @see Context.statement */
export function statementOf(ctx: Context, node: Syntax): Node[] {
  const { start, end } = node
  switch (node.type) {
    case "expression_statement":
      return expressionStatementOf(ctx, node)
    case "statement_block":
      return [ctx.block(node)]
    case "if_statement":
      return [ifOf(ctx, node)]
    case "return_statement":
      return [{ kind: "return", value: onlyOf(ctx, node), start, end }]
    case "throw_statement":
      return [{ kind: "throw", value: onlyOf(ctx, node), start, end }]
    case "break_statement":
    case "continue_statement": {
      const label = fieldOf(node, "label")
      const kind = node.type === "break_statement" ? "break" : "continue"
      return [{ kind, label: label && textOf(ctx, label), start, end }]
    }
    case "try_statement":
      return [tryOf(ctx, node)]
    case "switch_statement":
      return [switchOf(ctx, node)]
    case "labeled_statement":
      return labeledOf(ctx, node)
    case "method_definition":
      return [methodOf(ctx, node, [])]
    case "empty_statement":
    case "hash_bang_line":
    case "debugger_statement":
    case "jsx_text":
      return []
    default: {
      if (isType(node)) return []
      const loop = loopOf(ctx, node)
      if (loop) return [loop]
      return declarationOf(ctx, node) ?? [ctx.expression(node)]
    }
  }
}

/** @see Context.statements */
export function statementsOf(ctx: Context, nodes: readonly Syntax[], end: number): Node[] {
  const found: Node[] = []
  for (let i = 0; i < nodes.length; i++) {
    const node = nodes[i]!
    if (isUsing(node)) {
      found.push(usingOf(ctx, node, nodes.slice(i + 1), end))
      break
    }
    found.push(...ctx.statement(node))
  }
  return found
}

/** @see Context.block */
export function blockOf(ctx: Context, node: Syntax): Block {
  const { start, end } = node
  const isBlock = node.type === "statement_block"
  const body = isBlock ? ctx.statements(namedOf(node), end) : ctx.statement(node)
  return { kind: "block", body, start, end }
}

function expressionStatementOf(ctx: Context, node: Syntax): Node[] {
  return namedOf(node).flatMap((child) => {
    // The grammar takes a namespace for an expression too.
    if (child.type === "internal_module") return ctx.statement(child)
    const value = ctx.expression(child)
    addBareRequire(ctx, node, value)
    return [value]
  })
}

function onlyOf(ctx: Context, node: Syntax): Node | null {
  const held = namedOf(node)[0]
  return held ? ctx.expression(held) : null
}

/** The condition of an `if` or the subject of a `switch`, without its parentheses. */
function conditionOf(ctx: Context, node: Syntax, field: string): Node {
  const held = fieldOf(node, field)
  if (held) return ctx.expression(held)
  return { kind: "other", type: "ERROR", children: [], start: node.start, end: node.start }
}

function ifOf(ctx: Context, node: Syntax): If {
  const { start, end } = node
  const then = fieldOf(node, "consequence")
  const clause = fieldOf(node, "alternative")
  const otherwise = clause?.type === "else_clause" ? namedOf(clause)[0] : clause
  return {
    kind: "if",
    init: null,
    test: conditionOf(ctx, node, "condition"),
    then: then ? ctx.block(then) : emptyAt(end),
    otherwise: otherwise ? ctx.block(otherwise) : null,
    start,
    end,
  }
}

function emptyAt(end: number): Block {
  return { kind: "block", body: [], start: end, end }
}

function tryOf(ctx: Context, node: Syntax): Try {
  const body = fieldOf(node, "body")
  const handler = fieldOf(node, "handler")
  const last = fieldOf(node, "finalizer")
  const finalizer = last && fieldOf(last, "body")
  return {
    kind: "try",
    body: body ? ctx.block(body) : emptyAt(node.end),
    catches: handler ? [catchOf(ctx, handler)] : [],
    otherwise: null,
    finalizer: finalizer && ctx.block(finalizer),
    start: node.start,
    end: node.end,
  }
}

/** A destructured error is declared at the head of the body. */
function catchOf(ctx: Context, node: Syntax): Catch {
  const { start, end } = node
  const parameter = fieldOf(node, "parameter")
  const held = fieldOf(node, "body")
  const body = held ? ctx.block(held) : emptyAt(end)
  if (!parameter || parameter.type === "identifier") {
    return { types: [], binding: parameter && textOf(ctx, parameter), body, start, end }
  }
  const { targets, extras } = patternOf(ctx, parameter)
  const span = { start: parameter.start, end: parameter.end }
  const declared: Node = {
    kind: "assign",
    op: "=",
    declares: true,
    targets,
    value: null,
    type: null,
    ...span,
  }
  const whole = { ...body, body: [declared, ...extras, ...body.body] }
  return { types: [], binding: null, body: whole, start, end }
}

function switchOf(ctx: Context, node: Syntax): Switch {
  const body = fieldOf(node, "body")
  const cases = (body ? namedOf(body) : []).map((one) => {
    const value = fieldOf(one, "value")
    const held = namedOf(one).filter((child) => child !== value)
    const start = held[0]?.start ?? one.end
    return {
      tests: value ? [ctx.expression(value)] : [],
      body: { kind: "block" as const, body: ctx.statements(held, one.end), start, end: one.end },
      start: one.start,
      end: one.end,
    }
  })
  const subject = conditionOf(ctx, node, "value")
  return { kind: "switch", subject, cases, start: node.start, end: node.end }
}

function labeledOf(ctx: Context, node: Syntax): Node[] {
  const label = fieldOf(node, "label")
  const body = fieldOf(node, "body")
  if (!label || !body) return namedOf(node).flatMap((child) => ctx.statement(child))
  const { type, start, end } = node
  const loop = loopOf(ctx, body)
  if (loop) return [{ ...loop, label: textOf(ctx, label) }]
  return [{ kind: "other", type, children: ctx.statement(body), start, end }]
}

/** TypeScript's grammar takes `using x = …` for an assignment with a word before it. */
function isUsing(node: Syntax): boolean {
  return node.type === "using_declaration" || usedIn(node) !== null
}

function usedIn(node: Syntax): Syntax | null {
  const held = node.type === "expression_statement" ? namedOf(node)[0] : undefined
  const assigned = held?.type === "await_expression" ? namedOf(held)[0] : held
  const isOne = assigned?.type === "assignment_expression" && hasToken(assigned, "using")
  return isOne ? assigned : null
}

/** `using x = …` holds x for the rest of its block. */
function usingOf(ctx: Context, node: Syntax, rest: readonly Syntax[], end: number): With {
  const used = usedIn(node)
  const isAsync = used ? namedOf(node)[0] !== used : hasToken(node, "await")
  const declarators = used ? [used] : namedOf(node)
  const resources = declarators.flatMap((one): Resource[] => {
    const name = fieldsOf(one, used ? "left" : "name")[0]
    const value = fieldOf(one, used ? "right" : "value")
    if (!value) return []
    const binding = name ? ctx.expression(name) : null
    return [{ value: ctx.expression(value), binding, start: one.start, end: one.end }]
  })
  const body: Block = { kind: "block", body: ctx.statements(rest, end), start: node.end, end }
  return {
    kind: "with",
    form: "resources",
    resources,
    body,
    ...(isAsync && { isAsync }),
    start: node.start,
    end,
  }
}
