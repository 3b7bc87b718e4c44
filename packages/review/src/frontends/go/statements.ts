/** Go's statements. */
import type { Block, If, Loop, Node, SelectCase, SwitchCase } from "../../ir/nodes.ts"
import {
  block,
  boundTo,
  hasToken,
  named,
  nameNode,
  other,
  type Lowering,
  type Table,
} from "../lowering.ts"
import { bodyOf, partOf } from "../parts.ts"
import { fieldOf, type Syntax } from "../syntax.ts"
import { leadsBack, statementsOf } from "./gotos.ts"

export const STATEMENTS: Table = {
  expression_statement: (node, to) => to.inside(node),
  statement_list: (node, to) => statementsOf(named(node), to),
  empty_statement: () => [],
  block: (node, to) => block(node, to.inside(node)),
  short_var_declaration: (node, to) => assign(node, "=", true, to),
  assignment_statement: (node, to) => {
    const operator = fieldOf(node, "operator")
    return assign(node, operator ? to.textOf(operator) : "=", false, to)
  },
  inc_statement: (node, to) => step(node, "+=", to),
  dec_statement: (node, to) => step(node, "-=", to),
  expression_list: (node, to) => oneOf(node, to),
  if_statement: ifOf,
  for_statement: (node, to) => loopOf(node, null, to),
  labeled_statement: labeled,
  expression_switch_statement: switchOf,
  type_switch_statement: switchOf,
  select_statement: (node, to) => {
    const cases = named(node).map((one) => selectCase(one, to))
    return { kind: "select", cases, start: node.start, end: node.end }
  },
  receive_statement: (node, to) => {
    if (!fieldOf(node, "left")) return partOf(node, "right", to)
    return assign(node, "=", hasToken(node, ":="), to)
  },
  send_statement: (node, to) => ({
    kind: "send",
    channel: partOf(node, "channel", to),
    value: partOf(node, "value", to),
    start: node.start,
    end: node.end,
  }),
  return_statement: (node, to) => {
    const [value] = named(node)
    return {
      kind: "return",
      value: value ? to.lower(value) : null,
      start: node.start,
      end: node.end,
    }
  },
  go_statement: (node, to) => deferred("go", node, to),
  defer_statement: (node, to) => deferred("defer", node, to),
  break_statement: (node, to) => jump("break", node, to),
  continue_statement: (node, to) => jump("continue", node, to),
  goto_statement: (node, to) =>
    leadsBack(node) ? jump("continue", node, to) : other(node, node.type, to.inside(node)),
}

/** One value as it is, several as a list. */
export function oneOf(node: Syntax, to: Lowering): Node {
  const items = node.type === "expression_list" ? to.inside(node) : [to.lower(node)]
  return items.length === 1 ? items[0]! : { kind: "list", items, start: node.start, end: node.end }
}

/** A function literal takes the name of the variable or field that it is assigned to. */
export function bound(targets: readonly Node[], value: Node): Node {
  if (value.kind === "list" && value.items.length === targets.length && targets.length > 1) {
    return { ...value, items: value.items.map((item, i) => bound([targets[i]!], item)) }
  }
  const [target] = targets
  return target?.kind === "name" || target?.kind === "member" ? boundTo(target.name, value) : value
}

function assign(node: Syntax, op: string, declares: boolean, to: Lowering): Node {
  const left = fieldOf(node, "left")
  const right = fieldOf(node, "right")
  const targets = left ? targetsOf(left, to) : []
  return {
    kind: "assign",
    op,
    declares,
    targets,
    value: right && bound(targets, oneOf(right, to)),
    type: null,
    start: node.start,
    end: node.end,
  }
}

function targetsOf(node: Syntax, to: Lowering): Node[] {
  return node.type === "expression_list" ? to.inside(node) : [to.lower(node)]
}

function step(node: Syntax, op: string, to: Lowering): Node {
  const value: Node = { kind: "number", value: 1, start: node.end - 2, end: node.end }
  const { start, end } = node
  return {
    kind: "assign",
    op,
    declares: false,
    targets: to.inside(node),
    value,
    type: null,
    start,
    end,
  }
}

function ifOf(node: Syntax, to: Lowering): If {
  const initializer = fieldOf(node, "initializer")
  const consequence = fieldOf(node, "consequence")
  const alternative = fieldOf(node, "alternative")
  return {
    kind: "if",
    init: initializer && to.lower(initializer),
    test: partOf(node, "condition", to),
    then: bodyOf(consequence, node, to),
    otherwise:
      alternative &&
      (alternative.type === "block"
        ? bodyOf(alternative, node, to)
        : block(alternative, [to.lower(alternative)])),
    start: node.start,
    end: node.end,
  }
}

function loopOf(node: Syntax, label: string | null, to: Lowering): Loop {
  const body = fieldOf(node, "body")
  const head = named(node).find((one) => one !== body) ?? null
  return {
    kind: "loop",
    ...headOf(head, to),
    body: bodyOf(body, node, to),
    ...(label === null ? {} : { label }),
    start: node.start,
    end: node.end,
  }
}

type Head = Pick<Loop, "form" | "init" | "test" | "update" | "bindings" | "iterable">

function headOf(head: Syntax | null, to: Lowering): Head {
  const none: Head = {
    form: "for",
    init: null,
    test: null,
    update: null,
    bindings: [],
    iterable: null,
  }
  if (!head) return none
  if (head.type === "range_clause") {
    const left = fieldOf(head, "left")
    const bindings = left ? targetsOf(left, to) : []
    return { ...none, form: "each", bindings, iterable: partOf(head, "right", to) }
  }
  if (head.type !== "for_clause") return { ...none, form: "while", test: testOf(head, to) }
  const initializer = fieldOf(head, "initializer")
  const condition = fieldOf(head, "condition")
  const update = fieldOf(head, "update")
  return {
    ...none,
    init: initializer && to.lower(initializer),
    test: condition && testOf(condition, to),
    update: update && to.lower(update),
  }
}

/** `for true` is `for`. */
function testOf(node: Syntax, to: Lowering): Node | null {
  const test = to.lower(node)
  return test.kind === "bool" && test.value ? null : test
}

/** A loop keeps its label; before anything else it is a node of its own, which `goto` and `break` speak of. */
function labeled(node: Syntax, to: Lowering): Node | readonly Node[] {
  const label = fieldOf(node, "label")
  const rest = named(node).filter((one) => one !== label)
  const [statement] = rest
  if (!label) return to.many(rest)
  if (statement?.type === "for_statement") {
    return [loopOf(statement, to.textOf(label), to), ...to.many(rest.slice(1))]
  }
  return [other(label, node.type, [nameNode(label, to.textOf(label))]), ...to.many(rest)]
}

/** What stands before `;` becomes a statement before the switch. */
function switchOf(node: Syntax, to: Lowering): Node | readonly Node[] {
  const initializer = fieldOf(node, "initializer")
  const cases = named(node).filter((one) => CASES.has(one.type))
  const lowered: Node = {
    kind: "switch",
    subject: subjectOf(node, to),
    cases: cases.map((one) => switchCase(one, to)),
    start: node.start,
    end: node.end,
  }
  const broken = named(node).filter((one) => one.field === null && !CASES.has(one.type))
  const before = to.many(initializer ? [initializer, ...broken] : broken)
  return before.length === 0 ? lowered : [...before, lowered]
}

const CASES = new Set(["expression_case", "type_case", "default_case", "communication_case"])

/** `switch t := x.(type)` declares t. */
function subjectOf(node: Syntax, to: Lowering): Node | null {
  const value = fieldOf(node, "value")
  if (!value) return null
  const alias = fieldOf(node, "alias")
  const lowered = to.lower(value)
  if (!alias) return lowered
  return {
    kind: "assign",
    op: "=",
    declares: true,
    targets: targetsOf(alias, to),
    value: lowered,
    type: null,
    start: alias.start,
    end: value.end,
  }
}

function switchCase(node: Syntax, to: Lowering): SwitchCase {
  const tests = named(node).filter((one) => one.field === "value" || one.field === "type")
  return {
    tests: tests.flatMap((one) => targetsOf(one, to)),
    body: caseBody(node, tests, to),
    start: node.start,
    end: node.end,
  }
}

function selectCase(node: Syntax, to: Lowering): SelectCase {
  const comm = fieldOf(node, "communication")
  return {
    comm: comm && to.lower(comm),
    body: caseBody(node, comm ? [comm] : [], to),
    start: node.start,
    end: node.end,
  }
}

function caseBody(node: Syntax, head: readonly Syntax[], to: Lowering): Block {
  const inside = named(node).filter((one) => !head.includes(one))
  const start = inside[0]?.start ?? node.end
  return block({ start, end: inside.at(-1)?.end ?? start }, to.many(inside))
}

function deferred(kind: "go" | "defer", node: Syntax, to: Lowering): Node {
  const inside = to.inside(node)
  const call = inside.length === 1 ? inside[0]! : other(node, node.type, inside)
  return { kind, call, start: node.start, end: node.end }
}

function jump(kind: "break" | "continue", node: Syntax, to: Lowering): Node {
  const [label] = named(node)
  return { kind, label: label ? to.textOf(label) : null, start: node.start, end: node.end }
}
