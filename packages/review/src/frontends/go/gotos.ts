/**
 * Loops that are written with `goto`: a label, some statements, and a way back to the label among them. They become the
 * loop that they are, `for { …; break }`, in which `goto` is `continue`.
 */
import type { Loop, Node } from "../../ir/nodes.ts"
import { block, named, type Lowering } from "../lowering.ts"
import { fieldOf, type Syntax } from "../syntax.ts"

/** The ways back of the loops that were found. */
const BACK = new WeakSet<Syntax>()

/** Whether a `goto` leads back to the head of a loop. */
export function leadsBack(node: Syntax): boolean {
  return BACK.has(node)
}

/** Lowers the statements of a list, with what a `goto` repeats as a loop. */
export function statementsOf(statements: readonly Syntax[], to: Lowering): Node[] {
  const out: Node[] = []
  for (let i = 0; i < statements.length; i++) {
    const found = repeatedFrom(statements, i, to)
    if (!found) {
      out.push(...to.many([statements[i]!]))
      continue
    }
    for (const back of found.backs) BACK.add(back)
    out.push(loopOf(statements.slice(i, found.last + 1), found.label, to))
    i = found.last
  }
  return out
}

interface Repeated {
  readonly label: string
  readonly backs: readonly Syntax[]
  /** The last statement of the list that leads back. */
  readonly last: number
}

function repeatedFrom(statements: readonly Syntax[], at: number, to: Lowering): Repeated | null {
  const first = statements[at]!
  const label = first.type === "labeled_statement" ? fieldOf(first, "label") : null
  if (!label || named(first).some((one) => one.type === "for_statement")) return null
  const text = to.textOf(label)
  const backs: Syntax[] = []
  let last = -1
  for (const [index, statement] of statements.entries()) {
    if (index < at) continue
    const before = backs.length
    gotosTo(statement, text, to, backs)
    if (backs.length > before) last = index
  }
  if (last < 0 || statements.slice(at, last + 1).some((one) => leavesOuter(one))) return null
  return { label: text, backs, last }
}

function gotosTo(node: Syntax, label: string, to: Lowering, found: Syntax[]): void {
  if (node.type === "goto_statement" && named(node).some((one) => to.textOf(one) === label))
    found.push(node)
  if (node.type === "func_literal") return
  for (const child of node.children) gotosTo(child, label, to, found)
}

/** A plain `break` or `continue` that is of a loop or a switch around the list: it would be of another one then. */
function leavesOuter(node: Syntax, isInLoop = false, isInSwitch = false): boolean {
  if (named(node).length === 0) {
    if (node.type === "break_statement") return !isInLoop && !isInSwitch
    if (node.type === "continue_statement") return !isInLoop
  }
  if (node.type === "func_literal") return false
  const loop = isInLoop || node.type === "for_statement"
  const other = isInSwitch || /^(?:select|(?:expression|type)_switch)_statement$/.test(node.type)
  return node.children.some((child) => leavesOuter(child, loop, other))
}

function loopOf(statements: readonly Syntax[], label: string, to: Lowering): Loop {
  const [first, ...rest] = statements
  const { start } = first!
  const { end } = statements.at(-1)!
  const marked = fieldOf(first!, "label")
  const body = [
    ...to.many(named(first!).filter((one) => one !== marked)),
    ...statementsOf(rest, to),
  ]
  const last = body.at(-1)?.kind
  // Whoever comes to the end goes on behind it.
  if (last !== "continue" && last !== "break" && last !== "return")
    body.push({ kind: "break", label: null, start: end, end })
  return {
    kind: "loop",
    form: "for",
    init: null,
    test: null,
    update: null,
    bindings: [],
    iterable: null,
    body: block({ start, end }, body),
    label,
    start,
    end,
  }
}
