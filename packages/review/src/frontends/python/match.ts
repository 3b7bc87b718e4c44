/** Python's `match`. Patterns are no expressions: `Point(x=0)` calls nothing. */
import type { Node, SwitchCase } from "../../ir/nodes.ts"
import {
  hasToken,
  isComment,
  nameNode,
  named,
  other,
  type Lowering,
  type Table,
} from "../lowering.ts"
import { bodyOf, onlyPart, rowOf } from "../parts.ts"
import { fieldOf, fieldsOf, type Syntax } from "../syntax.ts"

export const MATCH: Table = {
  match_statement: (node, to) => {
    const body = fieldOf(node, "body")
    const subjects = fieldsOf(node, "subject").filter((one) => one.isNamed)
    return {
      kind: "switch",
      subject: rowOf(node, subjects, to),
      cases: (body ? named(body) : []).map((one) => caseOf(one, to)),
      start: node.start,
      end: node.end,
    }
  },
  case_pattern: (node, to) => patternOf(node, to),
  dotted_name: (node, to) => {
    const [first, ...more] = named(node)
    if (!first) return other(node, node.type, [])
    let object: Node = nameNode(first, to.textOf(first))
    for (const one of more) {
      object = { kind: "member", object, name: to.textOf(one), start: node.start, end: one.end }
    }
    return object
  },
  splat_pattern: (node, to) => ({
    kind: "spread",
    value: onlyPart(node, to),
    start: node.start,
    end: node.end,
  }),
}

/** `_` alone is the default; a guard joins what is asked. */
function caseOf(node: Syntax, to: Lowering): SwitchCase {
  const guard = fieldOf(node, "guard")
  const patterns = named(node).filter((one) => one.field === null)
  const tests = patterns.length === 1 ? alternatives(patterns[0]!, to) : [rowOf(node, patterns, to)]
  return {
    tests: guard ? [guarded(tests, onlyPart(guard, to), node)] : tests,
    body: bodyOf(fieldOf(node, "consequence"), node, to),
    start: node.start,
    end: node.end,
  }
}

function alternatives(pattern: Syntax, to: Lowering): Node[] {
  const [inner] = named(pattern)
  if (!inner && hasToken(pattern, "_")) return []
  if (inner?.type === "union_pattern") return united(inner, to)
  return [to.lower(pattern)]
}

/** The patterns between `|`; the sign of a number stands beside it. */
function united(union: Syntax, to: Lowering): Node[] {
  const found: Node[] = []
  for (const [i, child] of union.children.entries()) {
    const before = union.children[i - 1]
    if (!child.isNamed || isComment(child)) continue
    const isNegative = before?.type === "-" && !before.isNamed
    for (const one of to.many([child])) found.push(isNegative ? negative(before, one) : one)
  }
  return found
}

function negative(sign: Syntax, operand: Node): Node {
  return { kind: "unary", op: "-", operand, start: sign.start, end: operand.end }
}

function guarded(tests: readonly Node[], guard: Node, at: Syntax): Node {
  const [first, ...more] = tests
  if (!first) return guard
  const pattern: Node =
    more.length === 0
      ? first
      : { kind: "list", items: tests, start: first.start, end: tests.at(-1)!.end }
  return { kind: "binary", op: "&&", left: pattern, right: guard, start: at.start, end: guard.end }
}

function patternOf(node: Syntax, to: Lowering): Node {
  const [inner, ...more] = named(node)
  if (!inner) return nameNode(node, to.textOf(node))
  if (more.length > 0) return other(node, node.type, to.inside(node))
  const lowered = to.lower(inner)
  return hasToken(node, "-") ? negative(node, lowered) : lowered
}
