/** Loops of every form. One that only ends from within has no test. */
import type { Loop, Node } from "../../ir/nodes.ts"
import { fieldOf, namedOf, type Syntax } from "../syntax.ts"
import { type Context, hasToken } from "./context.ts"
import { patternOf } from "./patterns.ts"

/** A loop, or null for what is none. */
export function loopOf(ctx: Context, node: Syntax): Loop | null {
  switch (node.type) {
    case "for_statement":
      return loopWith(ctx, node, "for", {
        init: part(ctx, fieldOf(node, "initializer")),
        test: testOf(ctx, fieldOf(node, "condition")),
        update: part(ctx, fieldOf(node, "increment")),
      })
    case "while_statement":
      return loopWith(ctx, node, "while", { test: testOf(ctx, fieldOf(node, "condition")) })
    case "do_statement":
      return loopWith(ctx, node, "do", { test: testOf(ctx, fieldOf(node, "condition")) })
    case "for_in_statement":
      return eachOf(ctx, node)
    default:
      return null
  }
}

function loopWith(
  ctx: Context,
  node: Syntax,
  form: Loop["form"],
  parts: Partial<Loop>,
  prelude: readonly Node[] = [],
): Loop {
  const { start, end } = node
  const held = fieldOf(node, "body")
  const body = held ? ctx.block(held) : { kind: "block" as const, body: [], start: end, end }
  return {
    kind: "loop",
    form,
    init: null,
    test: null,
    update: null,
    bindings: [],
    iterable: null,
    ...parts,
    body: prelude.length === 0 ? body : { ...body, body: [...prelude, ...body.body] },
    start,
    end,
  }
}

function eachOf(ctx: Context, node: Syntax): Loop {
  const left = fieldOf(node, "left")
  const right = fieldOf(node, "right")
  const value = fieldOf(node, "value")
  const { targets, extras } = left ? patternOf(ctx, left) : { targets: [], extras: [] }
  const parts: Partial<Loop> = {
    bindings: targets,
    iterable: right ? ctx.expression(right) : null,
    init: value ? ctx.expression(value) : null,
    ...(hasToken(node, "await") && { isAsync: true }),
  }
  return loopWith(ctx, node, "each", parts, extras)
}

/** A part of a `for`; several variables in one are `other`. */
function part(ctx: Context, node: Syntax | null): Node | null {
  if (!node || node.type === "empty_statement") return null
  const nodes = ctx.statement(node)
  if (nodes.length < 2) return nodes[0] ?? null
  return { kind: "other", type: node.type, children: nodes, start: node.start, end: node.end }
}

function testOf(ctx: Context, node: Syntax | null): Node | null {
  if (!node || !node.isNamed || node.type === "empty_statement") return null
  const held = node.type === "parenthesized_expression" ? namedOf(node)[0] : node
  const test = held ? ctx.expression(held) : null
  const isAlways =
    (test?.kind === "bool" && test.value) || (test?.kind === "number" && test.value !== 0)
  return isAlways ? null : test
}
