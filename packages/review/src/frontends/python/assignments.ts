/** Python's assignments. An assignment to a name declares it: Python has no other declaration. */
import type { Assign, Node } from "../../ir/nodes.ts"
import { boundTo, named, type Lowering } from "../lowering.ts"
import { fieldOf, type Syntax } from "../syntax.ts"

/** `a = b = c` is an assignment whose value is one. */
export function assignmentOf(node: Syntax, to: Lowering): Assign {
  const left = fieldOf(node, "left")
  const right = fieldOf(node, "right")
  const type = fieldOf(node, "type")
  const targets = left ? targetsOf(left, to) : []
  return {
    kind: "assign",
    op: "=",
    declares: targets.length > 0 && targets.every(isName),
    targets,
    value: right && bound(targets, to.lower(right)),
    type: type && to.textOf(type),
    start: node.start,
    end: node.end,
  }
}

export function augmentedOf(node: Syntax, to: Lowering): Assign {
  const left = fieldOf(node, "left")
  const right = fieldOf(node, "right")
  const operator = fieldOf(node, "operator")
  return {
    kind: "assign",
    op: operator ? to.textOf(operator) : "=",
    declares: false,
    targets: left ? targetsOf(left, to) : [],
    value: right && to.lower(right),
    type: null,
    start: node.start,
    end: node.end,
  }
}

const ROWS = new Set(["pattern_list", "tuple_pattern", "list_pattern", "tuple", "expression_list"])

/** What a pattern takes apart, outermost only: `k, (a, b)` are two. */
export function targetsOf(node: Syntax, to: Lowering): Node[] {
  return ROWS.has(node.type) ? to.many(named(node)) : [to.lower(node)]
}

function isName(target: Node): boolean {
  if (target.kind === "list") return target.items.every(isName)
  return target.kind === "spread" ? isName(target.value) : target.kind === "name"
}

function bound(targets: readonly Node[], value: Node): Node {
  const [target] = targets
  const isNamed = target?.kind === "name" || target?.kind === "member"
  return isNamed && targets.length === 1 ? boundTo(target.name, value) : value
}
