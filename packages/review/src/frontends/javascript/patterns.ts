/**
 * Destructuring: the names that a pattern binds, and what is evaluated on the way. A default becomes `name ??= default`
 * after the assignment, so that both definitions of the name are seen and no call in it is lost.
 */
import type { Assign, Node } from "../../ir/nodes.ts"
import { fieldOf, namedOf, type Syntax } from "../syntax.ts"
import { type Context, nameOf } from "./context.ts"

export interface Pattern {
  /** In order; a hole of an array pattern is `null`, so that the others keep their places. */
  readonly targets: readonly Node[]
  /** Computed keys and defaults, in order. */
  readonly extras: readonly Node[]
}

/** Reads the left side of a declaration, an assignment or a parameter. */
export function patternOf(ctx: Context, node: Syntax): Pattern {
  const targets: Node[] = []
  const extras: Node[] = []
  collect(ctx, node, targets, extras)
  return { targets, extras }
}

/** The names among the targets. */
export function boundNames(pattern: Pattern): string[] {
  return pattern.targets.flatMap((target) => (target.kind === "name" ? [target.name] : []))
}

function collect(ctx: Context, node: Syntax, targets: Node[], extras: Node[]): void {
  switch (node.type) {
    case "identifier":
    case "shorthand_property_identifier_pattern":
    case "undefined":
      targets.push(nameOf(ctx, node))
      break
    case "object_pattern":
    case "rest_pattern":
      for (const child of namedOf(node)) collect(ctx, child, targets, extras)
      break
    case "array_pattern":
      collectItems(ctx, node, targets, extras)
      break
    case "pair_pattern":
      for (const child of namedOf(node)) {
        if (child.field === "value") collect(ctx, child, targets, extras)
        else if (child.type === "computed_property_name") {
          extras.push(...namedOf(child).map((key) => ctx.expression(key)))
        }
      }
      break
    case "object_assignment_pattern":
    case "assignment_pattern":
      collectDefault(ctx, node, targets, extras)
      break
    default:
      targets.push(ctx.expression(node))
  }
}

function collectItems(ctx: Context, node: Syntax, targets: Node[], extras: Node[]): void {
  let isOpen = true
  for (const child of node.children) {
    if (child.type === ",") {
      if (isOpen) targets.push({ kind: "null", start: child.start, end: child.start })
      isOpen = true
    } else if (child.isNamed && !child.type.includes("comment")) {
      collect(ctx, child, targets, extras)
      isOpen = false
    }
  }
}

function collectDefault(ctx: Context, node: Syntax, targets: Node[], extras: Node[]): void {
  const own: Node[] = []
  const left = fieldOf(node, "left")
  const right = fieldOf(node, "right")
  if (left) collect(ctx, left, own, extras)
  targets.push(...own)
  if (!right) return
  const first = own[0]
  const binding =
    own.length === 1 && first?.kind === "name"
      ? { name: first.name, nameStart: first.start }
      : undefined
  const fallback: Assign = {
    kind: "assign",
    op: "??=",
    declares: false,
    targets: own,
    value: ctx.expression(right, binding),
    type: null,
    start: node.start,
    end: node.end,
  }
  extras.push(fallback)
}
