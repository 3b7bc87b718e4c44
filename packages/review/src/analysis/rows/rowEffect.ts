/** What a function does to one row, said by its parameters. */
import type { Func, Node } from "../../ir/nodes.ts"
import type { RowCall, Through } from "./rowCall.ts"
import { fieldOf } from "./rows.ts"

/** A parameter, or a field of what it is given. */
export interface From {
  readonly param: number
  readonly field: string | null
}

export interface EffectCondition {
  readonly column: string
  /** As written in the function. */
  readonly value: string
  readonly from: From | null
}

export interface EffectSetting {
  readonly column: string
  readonly from: From | null
  /** The parameter whose field of the same column the value is computed from. */
  readonly computedFrom: From | null
  /** As written in the function. */
  readonly text: string
  readonly isSelfReferential: boolean
}

export interface RowEffect {
  readonly kind: RowCall["kind"]
  readonly query: RowCall["query"]
  readonly table: string | null
  /** The parameter that names the table: `get_or_404(db, Order, id)`. */
  readonly tableFrom: From | null
  readonly where: readonly EffectCondition[]
  readonly sets: readonly EffectSetting[]
  /** The parameter whose fields are written, or that is saved. */
  readonly record: From | null
  /** The parameter whose entries are laid over the row: `Object.assign(user, dto)`, `setattr` in a loop. */
  readonly patch: From | null
  readonly locks: boolean
  readonly isLimited: boolean
  readonly through: Through
}

/** The parameter that an expression is. */
export function fromOf(fn: Func, node: Node): From | null {
  if (node.kind === "await" || node.kind === "spread") return fromOf(fn, node.value)
  if (node.kind === "unary" && /^[&*]$/.test(node.op)) return fromOf(fn, node.operand)
  if (node.kind === "name") return fromName(fn, node.name)
  const field = fieldOf(node)
  if (field) {
    const of = field.of.kind === "name" ? fromName(fn, field.of.name) : null
    return of && of.field === null ? { param: of.param, field: field.name } : null
  }
  // `account.getBalance()`
  const getter =
    node.kind === "call" && node.args.length === 0 ? /^get([A-Z]\w*)$/.exec(node.name) : null
  if (
    getter &&
    node.kind === "call" &&
    node.callee.kind === "member" &&
    node.callee.object.kind === "name"
  ) {
    const of = fromName(fn, node.callee.object.name)
    return of && of.field === null ? { param: of.param, field: getter[1]! } : null
  }
  return null
}

function fromName(fn: Func, name: string): From | null {
  for (const [param, one] of fn.params.entries()) {
    if (one.name === name) return { param, field: null }
    if (one.names?.includes(name)) return { param, field: name }
  }
  return null
}

export function fromText(fn: Func, text: string): From | null {
  const match = /^(\w+)(?:\.(\w+))?$/.exec(text.trim())
  const from = match ? fromName(fn, match[1]!) : null
  if (!from || !match?.[2]) return from
  return from.field === null ? { param: from.param, field: match[2] } : null
}
