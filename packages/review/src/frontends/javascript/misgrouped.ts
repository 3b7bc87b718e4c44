/**
 * TypeScript's grammar binds what has type arguments looser than what stands before it: `await f<T>(x)` becomes a call
 * of `await f`, and `sql<T>` before a template becomes two comparisons. One pass over the parse tree puts both right.
 */
import { fieldOf, namedOf, type Syntax } from "../syntax.ts"

/** The tree with such places mended; what needs no mending is the same object. */
export function regroup(node: Syntax, text: string): Syntax {
  let children: Syntax[] | undefined
  for (let i = 0; i < node.children.length; i++) {
    const child = node.children[i]!
    const mended = regroup(child, text)
    if (mended !== child) (children ??= [...node.children])[i] = mended
  }
  const own = children ? { ...node, children } : node
  switch (own.type) {
    case "call_expression":
      return sink(own, "function")
    case "member_expression":
    case "subscript_expression":
      return sink(own, "object")
    case "binary_expression":
      return tagged(own, text)
    default:
      return own
  }
}

/** The field of an expression that ends it, where the expression binds looser than a call. */
const LAST: Readonly<Record<string, string | null>> = {
  await_expression: null,
  yield_expression: null,
  unary_expression: "argument",
  binary_expression: "right",
  ternary_expression: "alternative",
  arrow_function: "body",
  assignment_expression: "right",
  augmented_assignment_expression: "right",
}

const MARKS = new Set(["non_null_expression", "instantiation_expression"])

/** `(await f)(x)` without its parentheses can only have meant `await (f(x))`: hands the call down to `f`. */
function sink(node: Syntax, field: string): Syntax {
  const head = fieldOf(node, field)
  let loose = head
  while (loose && MARKS.has(loose.type)) loose = namedOf(loose)[0] ?? null
  if (!head || !loose || !Object.hasOwn(LAST, loose.type)) return node
  const last = lastOf(loose)
  if (!last || last.type === "statement_block") return node
  const held = { ...last, field }
  const inner = sink(
    {
      ...node,
      start: last.start,
      field: last.field,
      children: node.children.map((child) => (child === head ? held : child)),
    },
    field,
  )
  return {
    ...loose,
    field: node.field,
    end: node.end,
    children: loose.children.map((child) => (child === last ? inner : child)),
  }
}

function lastOf(loose: Syntax): Syntax | null {
  const field = LAST[loose.type]
  return (field ? fieldOf(loose, field) : namedOf(loose).at(-1)) ?? null
}

/** A template or parentheses right after `f<T>`, written without spaces, make a call with a type argument. */
function tagged(node: Syntax, text: string): Syntax {
  const left = fieldOf(node, "left")
  const right = fieldOf(node, "right")
  if (!left || !right || !isTight(node, ">", text)) return node
  if (left.type !== "binary_expression" || !isTight(left, "<", text)) return node
  const callee = fieldOf(left, "left")
  const mended = callee ? withCall(right, callee, node.start) : null
  return mended ? { ...mended, field: node.field } : node
}

function isTight(node: Syntax, op: string, text: string): boolean {
  const at = fieldOf(node, "operator")
  if (at?.type !== op) return false
  return !/\s/.test(text.charAt(at.start - 1)) && !/\s/.test(text.charAt(at.end))
}

/** What follows a type argument, with the call put where it begins; null where no call begins there. */
function withCall(node: Syntax, callee: Syntax, start: number): Syntax | null {
  const isTemplate = node.type === "template_string"
  if (isTemplate || node.type === "parenthesized_expression") {
    const args = isTemplate ? node : argumentsOf(node)
    const children = [
      { ...callee, field: "function" },
      { ...args, field: "arguments" },
    ]
    return sink({ ...node, type: "call_expression", start, children }, "function")
  }
  const field = node.type === "call_expression" ? "function" : "object"
  const head = fieldOf(node, field)
  if (!head || !/^(?:call|member|subscript)_expression$/.test(node.type)) return null
  const inner = withCall(head, callee, start)
  if (!inner) return null
  const children = node.children.map((child) => (child === head ? { ...inner, field } : child))
  return sink({ ...node, start, children }, field)
}

function argumentsOf(node: Syntax): Syntax {
  const held = namedOf(node)[0]
  const isList = held?.type === "sequence_expression"
  return { ...node, type: "arguments", children: isList ? held.children : node.children }
}
