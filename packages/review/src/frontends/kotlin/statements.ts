/**
 * Kotlin's statements. `if`, `when` and `try` are expressions too: where their value is used, an `if` with two plain
 * branches is a conditional and any other stands in an `other`, so that its statements are kept as they are.
 */
import type { Block, Catch, If, Loop, Node, SwitchCase } from "../../ir/nodes.ts"
import {
  block,
  childOf,
  hasToken,
  isComment,
  named,
  other,
  type Lowering,
  type Table,
} from "../lowering.ts"
import { fieldOf, type Syntax } from "../syntax.ts"
import { isType, typeAsValue, identifier } from "./typeNames.ts"
import { bindingOf } from "./bindings.ts"

export const statements: Table = {
  block: (node, to) => block(node, statementsIn(named(node), to)),
  if_expression: lowerIfValue,
  when_expression: lowerWhen,
  when_entry: (node, to) => caseOf(node, to).body,
  range_test: lowerRangeTest,
  type_test: lowerTypeTest,
  try_expression: lowerTry,
  for_statement: lowerFor,
  while_statement: (node, to) => loop(node, "while", to, {}),
  do_while_statement: (node, to) => loop(node, "do", to, {}),
  return_expression: lowerReturn,
  throw_expression: lowerThrow,
  // The words of a `break@outer` that the grammar did not take for labelled names.
  break_expression: (node, to) => jump(node, "break", to),
  continue_expression: (node, to) => jump(node, "continue", to),
}

/** Nodes where only their effect counts. */
export function statementsIn(nodes: readonly Syntax[], to: Lowering): Node[] {
  return nodes.flatMap((node) =>
    node.type === "if_expression" ? [lowerIf(node, to)] : to.many([node]),
  )
}

/** A body is always a block. */
function bodyFrom(node: Syntax | undefined, owner: Syntax, to: Lowering): Block {
  if (!node) return block({ start: owner.end, end: owner.end }, [])
  return block(node, statementsIn(node.type === "block" ? named(node) : [node], to))
}

// --- if -----------------------------------------------------------------------------------------------------------

interface Branches {
  readonly test: Node
  readonly then: Syntax | undefined
  readonly otherwise: Syntax | undefined
  readonly hasElse: boolean
}

function branchesOf(node: Syntax, to: Lowering): Branches {
  const condition = fieldOf(node, "condition")
  const close = node.children.findIndex((child) => child.type === ")")
  const mark = node.children.findIndex((child) => child.type === "else")
  const end = mark < 0 ? node.children.length : mark
  return {
    test: condition
      ? to.lower(condition)
      : other({ start: node.end, end: node.end }, "missing", []),
    then: namedBetween(node, close + 1, end),
    otherwise: mark < 0 ? undefined : namedBetween(node, mark + 1, node.children.length),
    hasElse: mark >= 0,
  }
}

function namedBetween(node: Syntax, from: number, to: number): Syntax | undefined {
  return node.children.slice(from, to).find((child) => child.isNamed && !isComment(child))
}

function lowerIf(node: Syntax, to: Lowering): If {
  const { test, then, otherwise, hasElse } = branchesOf(node, to)
  return {
    kind: "if",
    init: null,
    test,
    then: bodyFrom(then, node, to),
    otherwise: hasElse ? bodyFrom(otherwise, node, to) : null,
    start: node.start,
    end: node.end,
  }
}

/** `if` where its value is used. */
function lowerIfValue(node: Syntax, to: Lowering): Node {
  const { test, then, otherwise } = branchesOf(node, to)
  const [first, second] = [plain(then, to), plain(otherwise, to)]
  if (!first || !second) return other(node, node.type, [lowerIf(node, to)])
  return {
    kind: "conditional",
    test,
    then: first,
    otherwise: second,
    start: node.start,
    end: node.end,
  }
}

const STATEMENTS =
  /^(?:assignment|.*_statement|.*_declaration|return_expression|throw_expression|type_alias)$/

/** The only expression of a branch; null where there is none, several, or one that leads elsewhere. */
function plain(branch: Syntax | undefined, to: Lowering): Node | null {
  if (!branch) return null
  const rows = branch.type === "block" ? named(branch) : [branch]
  const [only] = rows
  if (rows.length !== 1 || !only || STATEMENTS.test(only.type)) return null
  if (only.type === "identifier" && /^(?:break|continue)$/.test(to.textOf(only))) return null
  return to.lower(only)
}

// --- when ---------------------------------------------------------------------------------------------------------

function lowerWhen(node: Syntax, to: Lowering): Node {
  const subject = childOf(node, "when_subject")
  const entries = node.children.filter((child) => child.type === "when_entry")
  return {
    kind: "switch",
    subject: subject ? subjectOf(subject, to) : null,
    cases: entries.map((entry) => caseOf(entry, to)),
    start: node.start,
    end: node.end,
  }
}

/** `when (val x = f())` declares its subject. */
function subjectOf(node: Syntax, to: Lowering): Node {
  const variable = childOf(node, "variable_declaration")
  const rest = named(node).filter((child) => child !== variable && child.type !== "annotation")
  const value = rest[0] ? to.lower(rest[0]) : other(node, "missing", [])
  if (!variable) return value
  const { targets, type } = bindingOf(variable, to)
  const { start, end } = { start: variable.start, end: value.end }
  return {
    kind: "assign",
    op: "=",
    declares: true,
    targets,
    value,
    type,
    isConst: true,
    start,
    end,
  }
}

function caseOf(node: Syntax, to: Lowering): SwitchCase {
  const arrow = node.children.findIndex((child) => child.type === "->")
  const tests = node.children.filter(
    (child, i) => child.field === "condition" && child.isNamed && i < arrow,
  )
  const body = namedBetween(node, arrow + 1, node.children.length)
  return { tests: to.many(tests), body: bodyFrom(body, node, to), start: node.start, end: node.end }
}

/** `in 1..3` of a case. */
function lowerRangeTest(node: Syntax, to: Lowering): Node {
  return test(node, to.inside(node), hasToken(node, "!in"))
}

/** `is Foo` of a case. */
function lowerTypeTest(node: Syntax, to: Lowering): Node {
  const types = node.children.filter(isType)
  return test(
    node,
    types.map((type) => typeAsValue(type, to)),
    hasToken(node, "!is"),
  )
}

function test(node: Syntax, children: readonly Node[], isNot: boolean): Node {
  const positive = other(node, node.type, children)
  return isNot
    ? { kind: "unary", op: "!", operand: positive, start: node.start, end: node.end }
    : positive
}

// --- try ----------------------------------------------------------------------------------------------------------

function lowerTry(node: Syntax, to: Lowering): Node {
  const clauses = node.children.filter((child) => child.type === "catch_block")
  const final = childOf(node, "finally_block")
  return {
    kind: "try",
    body: bodyFrom(childOf(node, "block") ?? undefined, node, to),
    catches: clauses.map((clause) => catchOf(clause, to)),
    otherwise: null,
    finalizer: final ? bodyFrom(childOf(final, "block") ?? undefined, final, to) : null,
    start: node.start,
    end: node.end,
  }
}

function catchOf(node: Syntax, to: Lowering): Catch {
  const [name, type] = [childOf(node, "identifier"), node.children.find(isType)]
  return {
    types: type ? [to.textOf(type)] : [],
    binding: name ? identifier(name, to) : null,
    body: bodyFrom(childOf(node, "block") ?? undefined, node, to),
    start: node.start,
    end: node.end,
  }
}

// --- loops and jumps ----------------------------------------------------------------------------------------------

function loop(node: Syntax, form: Loop["form"], to: Lowering, parts: Partial<Loop>): Loop {
  const label = childOf(node, "label")
  const condition = fieldOf(node, "condition")
  const test = condition ? to.lower(condition) : null
  const head = new Set([label, condition])
  const body = named(node).find((child) => !head.has(child))
  return {
    kind: "loop",
    form,
    init: null,
    test: test?.kind === "bool" && test.value ? null : test,
    update: null,
    bindings: [],
    iterable: null,
    body: "body" in parts ? parts.body! : bodyFrom(body, node, to),
    ...(label ? { label: to.textOf(label).slice(0, -1) } : {}),
    start: node.start,
    end: node.end,
    ...parts,
  }
}

function lowerFor(node: Syntax, to: Lowering): Node {
  const inAt = node.children.findIndex((child) => child.type === "in")
  const close = node.children.findLastIndex((child) => child.type === ")" && !child.isNamed)
  const variable =
    childOf(node, "variable_declaration") ?? childOf(node, "multi_variable_declaration")
  const iterable = namedBetween(node, inAt + 1, close)
  return loop(node, "each", to, {
    bindings: variable ? bindingOf(variable, to).targets : [],
    iterable: iterable ? to.lower(iterable) : null,
    body: bodyFrom(namedBetween(node, close + 1, node.children.length), node, to),
  })
}

/** A label says which lambda or function is left; it is the one around it wherever that matters. */
function lowerReturn(node: Syntax, to: Lowering): Node {
  const value = named(node).find((child) => child.field !== "label")
  return { kind: "return", value: value ? to.lower(value) : null, start: node.start, end: node.end }
}

function lowerThrow(node: Syntax, to: Lowering): Node {
  const [value] = named(node)
  return { kind: "throw", value: value ? to.lower(value) : null, start: node.start, end: node.end }
}

function jump(node: Syntax, kind: "break" | "continue", to: Lowering): Node {
  const label = fieldOf(node, "label")
  return { kind, label: label ? to.textOf(label) : null, start: node.start, end: node.end }
}
