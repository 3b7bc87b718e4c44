/** Java's statements. */
import type { Block, Catch, Loop, Node, Resource, SwitchCase, Try, With } from "../../ir/nodes.ts"
import {
  block,
  boundTo,
  childOf,
  named,
  nameNode,
  other,
  type Lowering,
  type Table,
} from "../lowering.ts"
import { fieldOf, fieldsOf, type Syntax } from "../syntax.ts"
import { modifiersOf } from "./modifiers.ts"
import { typeText } from "./parameters.ts"

export const statements: Table = {
  block: (node, to) => block(node, to.inside(node)),
  constructor_body: (node, to) => block(node, to.inside(node)),
  expression_statement: (node, to) => to.inside(node),
  local_variable_declaration: lowerVariables,
  labeled_statement: lowerLabeled,
  if_statement: lowerIf,
  while_statement: (node, to) => loop(node, "while", to, { test: testOf(node, to) }),
  do_statement: (node, to) => loop(node, "do", to, { test: testOf(node, to) }),
  for_statement: lowerFor,
  enhanced_for_statement: lowerEach,
  return_statement: (node, to) => ({
    kind: "return",
    value: only(node, to),
    start: node.start,
    end: node.end,
  }),
  throw_statement: (node, to) => ({
    kind: "throw",
    value: only(node, to),
    start: node.start,
    end: node.end,
  }),
  break_statement: (node, to) => jump(node, "break", to),
  continue_statement: (node, to) => jump(node, "continue", to),
  switch_expression: lowerSwitch,
  synchronized_statement: lowerSynchronized,
  try_statement: (node, to) => tryOf(node, bodyOf(fieldOf(node, "body"), node, to), to),
  try_with_resources_statement: lowerResources,
}

/** The only expression below a statement, null where it has none. */
function only(node: Syntax, to: Lowering): Node | null {
  const [first] = named(node)
  return first ? to.lower(first) : null
}

/** A body is always a block. */
function bodyOf(node: Syntax | null, owner: Syntax, to: Lowering): Block {
  if (!node) return block({ start: owner.end, end: owner.end }, [])
  return node.type === "block"
    ? block(node, to.inside(node))
    : block(node, node.isNamed ? to.many([node]) : [])
}

/** One assignment for each variable. */
function lowerVariables(node: Syntax, to: Lowering): readonly Node[] {
  const type = fieldOf(node, "type")
  const isConst = modifiersOf(node, to).modifiers.includes("final")
  return fieldsOf(node, "declarator").map((declarator) => {
    const [name, value] = [fieldOf(declarator, "name"), fieldOf(declarator, "value")]
    const word = name ? to.textOf(name) : ""
    return {
      kind: "assign",
      op: "=",
      declares: true,
      targets: [nameNode(name ?? declarator, word)],
      value: value ? boundTo(word, to.lower(value)) : null,
      type: typeText(type, declarator, to),
      ...(isConst ? { isConst } : {}),
      start: declarator.start,
      end: declarator.end,
    }
  })
}

/** A loop has its label; of other statements it is kept around them. */
function lowerLabeled(node: Syntax, to: Lowering): Node {
  const [label, statement] = named(node)
  const lowered = statement ? to.lower(statement) : null
  if (label && lowered?.kind === "loop") return { ...lowered, label: to.textOf(label) }
  return other(node, node.type, lowered ? [lowered] : [])
}

function lowerIf(node: Syntax, to: Lowering): Node {
  const otherwise = fieldOf(node, "alternative")
  return {
    kind: "if",
    init: null,
    test: conditionOf(node, to),
    then: bodyOf(fieldOf(node, "consequence"), node, to),
    otherwise: otherwise ? bodyOf(otherwise, node, to) : null,
    start: node.start,
    end: node.end,
  }
}

function conditionOf(node: Syntax, to: Lowering): Node {
  const condition = fieldOf(node, "condition")
  return condition ? to.lower(condition) : other({ start: node.end, end: node.end }, "missing", [])
}

/** What a loop tests, null where it is always true. */
function testOf(node: Syntax, to: Lowering): Node | null {
  const condition = fieldOf(node, "condition")
  const test = condition ? to.lower(condition) : null
  return test?.kind === "bool" && test.value ? null : test
}

function loop(node: Syntax, form: Loop["form"], to: Lowering, parts: Partial<Loop>): Loop {
  return {
    kind: "loop",
    form,
    init: null,
    test: null,
    update: null,
    bindings: [],
    iterable: null,
    body: bodyOf(fieldOf(node, "body"), node, to),
    start: node.start,
    end: node.end,
    ...parts,
  }
}

function lowerFor(node: Syntax, to: Lowering): Node {
  const init = together(fieldsOf(node, "init"), to)
  const update = together(fieldsOf(node, "update"), to)
  return loop(node, "for", to, { init, test: testOf(node, to), update })
}

/** One node for a row of expressions or declarations: a block where there are several. */
function together(nodes: readonly Syntax[], to: Lowering): Node | null {
  const all = to.many(nodes)
  if (all.length < 2) return all[0] ?? null
  return block({ start: all[0]!.start, end: all.at(-1)!.end }, all)
}

function lowerEach(node: Syntax, to: Lowering): Node {
  const [name, value] = [fieldOf(node, "name"), fieldOf(node, "value")]
  return loop(node, "each", to, {
    bindings: name ? [nameNode(name, to.textOf(name))] : [],
    iterable: value ? to.lower(value) : null,
  })
}

function jump(node: Syntax, kind: "break" | "continue", to: Lowering): Node {
  const label = childOf(node, "identifier")
  return { kind, label: label ? to.textOf(label) : null, start: node.start, end: node.end }
}

// --- switch ----------------------------------------------------------------------------------------------------

function lowerSwitch(node: Syntax, to: Lowering): Node {
  const [subject, body] = [fieldOf(node, "condition"), fieldOf(node, "body")]
  const groups = body ? named(body) : []
  const cases: SwitchCase[] = []
  // `case 1: case 2: …` is one case: a group of labels without statements belongs to the next.
  let first = 0
  for (const [i, group] of groups.entries()) {
    const isLast = i === groups.length - 1
    if (!isLast && group.type === "switch_block_statement_group" && !hasBody(group)) continue
    cases.push(caseOf(groups.slice(first, i + 1), to))
    first = i + 1
  }
  const { start, end } = node
  return { kind: "switch", subject: subject ? to.lower(subject) : null, cases, start, end }
}

function hasBody(group: Syntax): boolean {
  return named(group).some((child) => child.type !== "switch_label")
}

function caseOf(groups: readonly Syntax[], to: Lowering): SwitchCase {
  const parts = groups.flatMap(named)
  const labels = parts.filter((child) => child.type === "switch_label")
  const rest = parts.filter((child) => child.type !== "switch_label")
  const tests = labels.some((label) => isDefault(label, to))
    ? []
    : labels.flatMap((label) => testsOf(label, to))
  const [start, end] = [groups[0]!.start, groups.at(-1)!.end]
  const [only] = rest
  if (rest.length === 1 && only?.type === "block") {
    return { tests, body: block(only, to.inside(only)), start, end }
  }
  const at = { start: only?.start ?? end, end: rest.at(-1)?.end ?? end }
  return { tests, body: block(at, to.many(rest)), start, end }
}

/** `default`, `case null, default`. */
function isDefault(label: Syntax, to: Lowering): boolean {
  return label.children.some((child) => {
    return (
      child.type === "default" || (child.type === "identifier" && to.textOf(child) === "default")
    )
  })
}

/** The values of a label; a guard is the other half of `&&`. */
function testsOf(label: Syntax, to: Lowering): Node[] {
  const guard = childOf(label, "guard")
  const tests = named(label)
    .filter((child) => child !== guard)
    .flatMap((child) => (child.type === "pattern" ? to.inside(child) : [to.lower(child)]))
  const condition = guard ? to.inside(guard)[0] : undefined
  const last = tests.at(-1)
  if (!last || !condition) return tests
  const { start, end } = { start: last.start, end: condition.end }
  return [
    ...tests.slice(0, -1),
    { kind: "binary", op: "&&", left: last, right: condition, start, end },
  ]
}

// --- synchronized, try -----------------------------------------------------------------------------------------

function lowerSynchronized(node: Syntax, to: Lowering): Node {
  const lock = childOf(node, "parenthesized_expression")
  const resources: Resource[] = lock
    ? [{ value: to.lower(lock), binding: null, start: lock.start, end: lock.end }]
    : []
  return {
    kind: "with",
    form: "synchronized",
    resources,
    body: bodyOf(fieldOf(node, "body"), node, to),
    start: node.start,
    end: node.end,
  }
}

function tryOf(node: Syntax, body: Block, to: Lowering): Try {
  const clauses = node.children.filter((child) => child.type === "catch_clause")
  const final = childOf(node, "finally_clause")
  return {
    kind: "try",
    body,
    catches: clauses.map((clause) => catchOf(clause, to)),
    otherwise: null,
    finalizer: final ? bodyOf(childOf(final, "block"), final, to) : null,
    start: node.start,
    end: node.end,
  }
}

function catchOf(node: Syntax, to: Lowering): Catch {
  const param = childOf(node, "catch_formal_parameter")
  const types = param ? childOf(param, "catch_type") : null
  const name = param ? fieldOf(param, "name") : null
  return {
    types: types ? named(types).map((type) => to.textOf(type)) : [],
    binding: name ? to.textOf(name) : null,
    body: bodyOf(fieldOf(node, "body"), node, to),
    start: node.start,
    end: node.end,
  }
}

/** `try (…) { }`, inside a `try` of its own where it also catches. */
function lowerResources(node: Syntax, to: Lowering): Node {
  const list = fieldOf(node, "resources")
  const body = bodyOf(fieldOf(node, "body"), node, to)
  const inner: With = {
    kind: "with",
    form: "resources",
    resources: (list ? named(list) : []).map((one) => resourceOf(one, to)),
    body,
    start: node.start,
    end: body.end,
  }
  const catches = childOf(node, "catch_clause") ?? childOf(node, "finally_clause")
  return catches ? tryOf(node, block(inner, [inner]), to) : inner
}

function resourceOf(node: Syntax, to: Lowering): Resource {
  const [name, value] = [fieldOf(node, "name"), fieldOf(node, "value")]
  const binding = name ? nameNode(name, to.textOf(name)) : null
  const opened = value ? to.lower(value) : to.lower(named(node)[0] ?? node)
  return { value: opened, binding, start: node.start, end: node.end }
}
