/** Python's statements. */
import type { Block, Catch, If, Loop, Node, Resource, Try } from "../../ir/nodes.ts"
import { block, childOf, hasToken, named, other, type Lowering, type Table } from "../lowering.ts"
import { bodyOf, onlyPart, partOf, rowOf } from "../parts.ts"
import { fieldOf, fieldsOf, type Syntax } from "../syntax.ts"
import { assignmentOf, augmentedOf, targetsOf } from "./assignments.ts"

export const STATEMENTS: Table = {
  // `1, 2` as a statement has several.
  expression_statement: (node, to) => rowOf(node, named(node), to),
  block: (node, to) => block(node, to.inside(node)),
  pass_statement: () => [],
  assignment: assignmentOf,
  augmented_assignment: augmentedOf,
  if_statement: ifOf,
  for_statement: (node, to) => withElse(node, eachOf(node, to), to),
  while_statement: (node, to) => withElse(node, whileOf(node, to), to),
  else_clause: elseOf,
  try_statement: tryOf,
  with_statement: (node, to) => {
    const clause = childOf(node, "with_clause")
    return {
      kind: "with",
      form: "with",
      resources: clause ? named(clause).map((one) => resourceOf(one, to)) : [],
      body: bodyOf(fieldOf(node, "body"), node, to),
      ...(hasToken(node, "async") ? { isAsync: true } : {}),
      start: node.start,
      end: node.end,
    }
  },
  return_statement: (node, to) => {
    const inside = named(node)
    const value = inside.length === 0 ? null : rowOf(node, inside, to)
    return { kind: "return", value, start: node.start, end: node.end }
  },
  raise_statement: (node, to) => {
    const cause = fieldOf(node, "cause")
    const values = named(node).filter((one) => one !== cause)
    return {
      kind: "throw",
      value: values.length === 0 ? null : rowOf(node, values, to),
      ...(cause ? { cause: to.lower(cause) } : {}),
      start: node.start,
      end: node.end,
    }
  },
  break_statement: ({ start, end }) => ({ kind: "break", label: null, start, end }),
  continue_statement: ({ start, end }) => ({ kind: "continue", label: null, start, end }),
}

/** From the last branch to the first, so that a thousand of them do not nest calls. */
function ifOf(node: Syntax, to: Lowering): If {
  let otherwise: Block | null = null
  for (const one of fieldsOf(node, "alternative").toReversed()) {
    otherwise =
      one.type === "elif_clause"
        ? block({ start: one.start, end: node.end }, [branch(one, node.end, otherwise, to)])
        : bodyOf(fieldOf(one, "body"), one, to)
  }
  return branch(node, node.end, otherwise, to)
}

function branch(node: Syntax, end: number, otherwise: Block | null, to: Lowering): If {
  const test = partOf(node, "condition", to)
  const then = bodyOf(fieldOf(node, "consequence"), node, to)
  return { kind: "if", init: null, test, then, otherwise, start: node.start, end }
}

function eachOf(node: Syntax, to: Lowering): Loop {
  const left = fieldOf(node, "left")
  return {
    kind: "loop",
    form: "each",
    init: null,
    test: null,
    update: null,
    bindings: left ? targetsOf(left, to) : [],
    iterable: partOf(node, "right", to),
    body: bodyOf(fieldOf(node, "body"), node, to),
    ...(hasToken(node, "async") ? { isAsync: true } : {}),
    start: node.start,
    end: node.end,
  }
}

function whileOf(node: Syntax, to: Lowering): Loop {
  const test = partOf(node, "condition", to)
  const isEndless =
    (test.kind === "bool" && test.value) || (test.kind === "number" && test.value !== 0)
  return {
    kind: "loop",
    form: "while",
    init: null,
    test: isEndless ? null : test,
    update: null,
    bindings: [],
    iterable: null,
    body: bodyOf(fieldOf(node, "body"), node, to),
    start: node.start,
    end: node.end,
  }
}

/** The `else` of a loop runs after it, unless it was broken off: it follows as a statement of its own. */
function withElse(node: Syntax, loop: Loop, to: Lowering): Node | readonly Node[] {
  const clause = fieldOf(node, "alternative")
  if (!clause) return loop
  return [{ ...loop, end: loop.body.end }, elseOf(clause, to)]
}

function elseOf(clause: Syntax, to: Lowering): Node {
  return other(clause, clause.type, [bodyOf(fieldOf(clause, "body"), clause, to)])
}

function tryOf(node: Syntax, to: Lowering): Try {
  const otherwise = childOf(node, "else_clause")
  const finalizer = childOf(node, "finally_clause")
  return {
    kind: "try",
    body: bodyOf(fieldOf(node, "body"), node, to),
    catches: named(node).flatMap((one) => {
      return /^except(?:_group)?_clause$/.test(one.type) ? [catchOf(one, to)] : []
    }),
    otherwise: otherwise && bodyOf(fieldOf(otherwise, "body"), otherwise, to),
    finalizer: finalizer && bodyOf(childOf(finalizer, "block"), finalizer, to),
    start: node.start,
    end: node.end,
  }
}

/** `except (A, B) as e`, also with a star; Python 2 wrote `except A, e`. */
function catchOf(node: Syntax, to: Lowering): Catch {
  const body = childOf(node, "block")
  const [first, second] = named(node).filter((one) => one !== body)
  const alias = first?.type === "as_pattern" ? fieldOf(first, "alias") : (second ?? null)
  const type = first?.type === "as_pattern" ? named(first)[0] : first
  const types = !type ? [] : type.type === "tuple" ? named(type) : [type]
  // What is called to say what is caught must not be lost.
  const calls = types.filter((one) => /\(/.test(to.textOf(one)))
  const lowered = bodyOf(body, node, to)
  return {
    types: types.map((one) => to.textOf(one)),
    binding: alias && to.textOf(alias),
    body:
      calls.length === 0
        ? lowered
        : { ...lowered, body: [other(node, "except_type", to.many(calls)), ...lowered.body] },
    start: node.start,
    end: node.end,
  }
}

function resourceOf(item: Syntax, to: Lowering): Resource {
  const { start, end } = item
  const value = fieldOf(item, "value")
  if (value?.type !== "as_pattern")
    return { value: value ? to.lower(value) : onlyPart(item, to), binding: null, start, end }
  const alias = fieldOf(value, "alias")
  const held = named(value).filter((one) => one !== alias)
  return { value: rowOf(value, held, to), binding: alias && onlyPart(alias, to), start, end }
}
