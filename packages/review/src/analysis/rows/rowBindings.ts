/** A call of a function as a call of its rows: parameters become what the call gives for them. */
import type { Call, Func, Node } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import { dotted, receiverOf } from "../program/names.ts"
import { resultsOf } from "./rowResults.ts"
import type { Program } from "../program/program.ts"
import { isSelf, ownClassOf, typeOf } from "../program/resolve.ts"
import type { RowCall } from "./rowCall.ts"
import type { EffectSetting, From, RowEffect } from "./rowEffect.ts"
import { settingsGiven } from "./rowParts.ts"
import { bare, type RowSetting, singular } from "./rows.ts"

export function boundTo(
  program: Program,
  file: File,
  call: Call,
  fn: Func,
  effect: RowEffect,
): RowCall {
  const given = (from: From | null): Node | null => (from ? valueOf(call, fn, from) : null)
  const record = argumentFor(call, fn, recordOf(effect))
  const isRead = effect.kind === "read"
  return {
    kind: effect.kind,
    call,
    query: effect.query,
    table: tableOf(program, file, call, effect, given(effect.tableFrom)),
    where: effect.where.map(({ column, value, from }) => {
      const node = given(from)
      return { column, value: node ? file.textOf(node) : value }
    }),
    sets: [
      ...effect.sets.map((set) => settingOf(call, fn, set)),
      ...(record ? settingsGiven(program, file, record, call) : []),
      ...patched(program, file, call, fn, effect),
    ],
    locks: effect.locks,
    isLimited: effect.isLimited,
    results: isRead ? resultsOf(file, call) : [],
    record: record && (record.kind === "name" || record.kind === "unary") ? record : null,
    through: effect.through,
  }
}

/** `update(user, { balance: … })`, `update(user, balance=…)`: what is laid over the row. */
function patched(
  program: Program,
  file: File,
  call: Call,
  fn: Func,
  { patch }: RowEffect,
): RowSetting[] {
  const param = patch && fn.params[patch.param]
  if (!patch || !param) return []
  if (!param.isRest) {
    const given = argumentFor(call, fn, patch.param)
    return given ? settingsGiven(program, file, given, call) : []
  }
  return call.args.flatMap((arg): RowSetting[] =>
    arg.kind === "named" && !fn.params.some((one) => one.name === arg.name)
      ? [{ column: bare(arg.name), value: arg.value, isSelfReferential: false }]
      : [],
  )
}

/** What is saved as a whole, or whose fields are written one by one. */
function recordOf({ record, sets }: RowEffect): number {
  return (record ?? sets.find((set) => (set.from?.field ?? null) !== null)?.from)?.param ?? -1
}

function settingOf(call: Call, fn: Func, set: EffectSetting): RowSetting {
  const value = set.from ? valueOf(call, fn, set.from) : null
  const of = set.computedFrom ? argumentFor(call, fn, set.computedFrom.param) : null
  return {
    column: set.column,
    value,
    text: set.text,
    isSelfReferential: set.isSelfReferential,
    ...(of ? { computedFrom: of } : {}),
  }
}

/** What a call gives for a parameter, or for a field of it where the record is written there. */
function valueOf(call: Call, fn: Func, { param, field }: From): Node | null {
  const value = argumentFor(call, fn, param)
  if (field === null || !value) return value
  const object = value.kind === "unary" ? value.operand : value
  if (object.kind !== "object") return null
  return (
    object.entries.find((one) => one.key !== null && bare(one.key) === bare(field))?.value ?? null
  )
}

function argumentFor(call: Call, fn: Func, index: number): Node | null {
  const param = fn.params[index]
  if (!param) return null
  for (const arg of call.args) if (arg.kind === "named" && arg.name === param.name) return arg.value
  const isMethod = /^(?:self|cls)$/.test(fn.params[0]?.name ?? "") && call.callee.kind === "member"
  const at = index - (isMethod ? 1 : 0)
  const arg = call.args[at]
  // After a spread nobody can count.
  if (
    !arg ||
    arg.kind === "named" ||
    call.args.slice(0, at + 1).some((one) => one.kind === "spread")
  )
    return null
  return arg
}

/** Tables that a base class leaves to those who extend it. */
const OPEN =
  /^(?:|model|entity|t|type|table|this|self|repository|repo|collection|cls|klass|document|delegate|unknowntable)$/

/** The table of the function; of a base class that of the receiver: `orders.findById(id)`, `this.orderRepository`. */
function tableOf(
  program: Program,
  file: File,
  call: Call,
  { table, tableFrom }: RowEffect,
  given: Node | null,
): string | null {
  if (tableFrom && given) {
    const name = dotted(given).replace(/\.class$|::class(?:\.java)?$/, "")
    return given.kind === "string" ? singular(given.value) : singular(name)
  }
  if (table !== null && !OPEN.test(table)) return table
  const on = receiverOf(call)
  if (!on || on.kind === "call") return null
  const isOwn = on.kind === "name" && isSelf(file, on.name, call)
  const type = isOwn ? ownClassOf(file, call) : typeOf(program, file, on, call)
  const name = singular(type ?? dotted(on).replaceAll(/\(\)|\[\]/g, ""))
    .replace(/^(?:crud|base)/, "")
    .replace(/(?:service|crud)$/, "")
  return OPEN.test(name) ? null : name
}
