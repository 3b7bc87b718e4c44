/** From a row that a function touches to what it does by its parameters: the other way round is in rowBindings.ts. */
import type { Func, Node } from "../../ir/nodes.ts"
import { arithmeticOn } from "./arithmetic.ts"
import type { File } from "../program/file.ts"
import { rootOf } from "../program/names.ts"
import { stepsOf } from "./rowSteps.ts"
import type { Program } from "../program/program.ts"
import type { RowCall } from "./rowCall.ts"
import {
  type EffectCondition,
  type EffectSetting,
  type From,
  fromOf,
  fromText,
  type RowEffect,
} from "./rowEffect.ts"
import { bare, singular } from "./rows.ts"
import { valueGiven } from "./rowValues.ts"

/** @param locks - the function takes a lock, whichever of its rows that is for */
export function effectOf(
  program: Program,
  file: File,
  fn: Func,
  row: RowCall,
  locks: boolean,
): RowEffect {
  const { through } = row
  const sets = row.kind === "read" || row.kind === "delete" ? [] : setsOf(program, file, fn, row)
  const record = row.kind === "read" || row.kind === "delete" ? null : recordOf(fn, row)
  const made = row.kind === "insert" || row.kind === "save" ? madeIn(file, fn, row) : null
  const patch = row.kind === "read" || row.kind === "delete" ? null : patchOf(file, fn, row)
  return {
    // SQLAlchemy's `add` of a row that was there writes what changed in it.
    kind:
      patch && row.kind === "insert" && file.language === "python"
        ? "save"
        : made !== null
          ? "insert"
          : row.kind,
    query: row.query,
    table: made ?? (row.table === "" ? null : row.table),
    tableFrom: through ? null : tableFrom(fn, row),
    where: wheresOf(program, file, fn, row),
    sets: [
      ...sets,
      ...(record ? changesOf(program, file, fn, row, record) : fieldsOf(file, fn, row)),
    ],
    record,
    patch,
    locks,
    isLimited: row.isLimited,
    through: through
      ? { ...through, steps: [{ file, fn }, ...through.steps] }
      : { file, call: row.call, steps: [{ file, fn }] },
  }
}

/** The table of what the function makes and puts in: `save(new Member(email))`, `session.add(label)` after `label = Label(…)`. */
function madeIn(file: File, fn: Func, { call, through }: RowCall): string | null {
  if (through) return null
  for (const arg of call.args) {
    const value =
      arg.kind === "name"
        ? (file
            .assignmentsTo(arg.name)
            .findLast((one) => one.start >= fn.start && one.end <= call.start)?.value ?? null)
        : arg
    if (value?.kind !== "call" || !/^[A-Z]/.test(value.name)) continue
    if (value.isNew || (value.callee.kind === "name" && /^(?:python|kotlin)$/.test(file.language)))
      return singular(value.name)
  }
  return null
}

function wheresOf(program: Program, file: File, fn: Func, row: RowCall): EffectCondition[] {
  const conditions = row.through ? [] : (row.query?.statements.flatMap((one) => one.where) ?? [])
  return row.where.map(({ column, value }) => {
    const part = conditions.find((one) => bare(one.column) === column)
    const node = part ? valueGiven(program, file, row, part.value) : null
    return { column, value, from: node ? fromOf(fn, node) : fromText(fn, value) }
  })
}

function setsOf(program: Program, file: File, fn: Func, row: RowCall): EffectSetting[] {
  const statement = row.query?.statements.find((one) => one.verb === "update")
  return row.sets.map((set): EffectSetting => {
    const part = statement?.sets.find((one) => bare(one.column) === set.column)
    const value =
      set.value ?? (part && !row.through ? valueGiven(program, file, row, part.value) : null)
    const from = value && fromOf(fn, value)
    const own = set.computedFrom ? fromOf(fn, set.computedFrom) : null
    return {
      column: set.column,
      from,
      computedFrom: own ?? (value && !from ? computed(program, file, fn, value, set.column) : null),
      text: set.text ?? (value ? file.textOf(value) : ""),
      isSelfReferential: set.isSelfReferential,
    }
  })
}

/** `account.balance - amount`, where the account came in. */
function computed(
  program: Program,
  file: File,
  fn: Func,
  value: Node,
  column: string,
): From | null {
  let from: From | null = null
  arithmeticOn(program, file, value, (node) => {
    const own = fromOf(fn, node)
    if (!own || own.field === null || bare(own.field) !== column) return false
    from = { param: own.param, field: null }
    return true
  })
  return from
}

/** Fields of a record that came in which are changed before it is saved: `account.balance -= amount`. */
function changesOf(
  program: Program,
  file: File,
  fn: Func,
  { call }: RowCall,
  record: From,
): EffectSetting[] {
  const name = fn.params[record.param]?.name
  return file.assignments.flatMap((assign): EffectSetting[] => {
    const [target] = assign.targets
    if (assign.start < fn.start || assign.end > call.start || !assign.value) return []
    if (target?.kind !== "member" || rootOf(target.object) !== name) return []
    const column = bare(target.name)
    const isAdded =
      /^[-+]=$/.test(assign.op) && !/^(?:string|template|list)$/.test(assign.value.kind)
    const from = isAdded ? record : computed(program, file, fn, assign.value, column)
    return from
      ? [{ column, from: null, computedFrom: from, text: "", isSelfReferential: false }]
      : []
  })
}

/** Fields of a row of its own that the function gives the values of its parameters: `account.balance = amount; save(account)`. */
function fieldsOf(file: File, fn: Func, { kind, call, through }: RowCall): EffectSetting[] {
  if (through || (kind !== "save" && kind !== "insert")) return []
  const saved = new Set(
    [...call.args, ...(call.callee.kind === "member" ? [call.callee.object] : [])].map(
      (arg) => rootOf(arg.kind === "unary" ? arg.operand : arg) ?? "",
    ),
  )
  const isWithin = (node: Node): boolean => node.start >= fn.start && node.end <= call.start
  const set = (name: string, value: Node): EffectSetting[] => {
    const from = fromOf(fn, converted(value))
    return from
      ? [{ column: bare(name), from, computedFrom: null, text: "", isSelfReferential: false }]
      : []
  }
  return [
    ...file.assignments.flatMap((one) => {
      const [target] = one.targets
      if (!isWithin(one) || one.op !== "=" || !one.value || target?.kind !== "member") return []
      return saved.has(rootOf(target.object) ?? "") ? set(target.name, one.value) : []
    }),
    ...file.calls.flatMap((one) => {
      const [value] = one.args
      const name = /^set([A-Z]\w*)$/.exec(one.name)?.[1]
      if (!isWithin(one) || !name || !value || one.args.length > 1) return []
      return saved.has(rootOf(one.callee) ?? "") ? set(name, value) : []
    }),
  ]
}

/** `uint(amount)` holds what `amount` holds. */
function converted(value: Node): Node {
  return value.kind === "call" && value.callee.kind === "name" && value.args.length === 1
    ? value.args[0]!
    : value
}

/** The parameter that is written as it is: `save(order)`, `update({ where, data })`, `Save(&order)`, `order.save()`. */
function recordOf(fn: Func, row: RowCall): From | null {
  if (row.record) return fromOf(fn, row.record)
  if (row.through) return null
  for (const step of stepsOf(row.call)) {
    if (
      !/^(?:save|Save|update|Update|set|values|insert|create|Create|add|persist|merge|asave|data)/.test(
        step.name,
      )
    )
      continue
    for (const arg of step.args) {
      const from = wholeIn(fn, arg)
      if (from) return from
    }
    if (row.kind === "save" && step.callee.kind === "member") {
      const from = fromOf(fn, step.callee.object)
      if (from && from.field === null && !STORES.test(fn.params[from.param]!.name)) return from
    }
  }
  return null
}

const STORES =
  /^_?(?:self|cls|this|ctx|c)$|db$|session$|repo|conn|pool|tx$|trx$|client|prisma|em$|manager|store|dao/i

const PATCHES =
  /^(?:obj_in|data|payload|update\w*|new_\w+|values|fields|patch|changes|dto|kwargs|body|attrs|attributes|\w+_(?:in|data|update))$/

function patchOf(file: File, fn: Func, { call, through }: RowCall): From | null {
  if (through) return null
  for (const one of file.calls) {
    if (one.start < fn.start || one.end > call.end) continue
    const isLaid = /^(?:assign|merge|set|preload)$/.test(one.name) && one.args.length <= 2
    const last = one.args.at(-1)
    const from = isLaid && last ? fromOf(fn, last) : null
    if (from?.field === null && PATCHES.test(nameOf(fn, from))) return from
    if (file.language === "python" && one.name === "setattr") {
      const param = fn.params.findIndex(({ name }) => PATCHES.test(name))
      return param < 0 ? null : { param, field: null }
    }
  }
  return null
}

/** `updateUserDto` says what `dto` says. */
function nameOf(fn: Func, { param }: From): string {
  return fn.params[param]!.name.replace(
    /^\w*(Dto|Data|Patch|Input|Update|Changes)$/,
    (_, end: string) => end.toLowerCase(),
  )
}

function wholeIn(fn: Func, arg: Node): From | null {
  if (arg.kind === "object") {
    for (const { key, value } of arg.entries) {
      const isData =
        key === null ? value.kind === "spread" : /^(?:data|\$set|set|values)$/.test(key)
      const from = isData ? wholeIn(fn, value.kind === "spread" ? value.value : value) : null
      if (from) return from
    }
    return null
  }
  const from = fromOf(fn, arg)
  if (!from || STORES.test(fn.params[from.param]!.name)) return null
  // A key is no record.
  return from.field === null &&
    /^(?:id|uuid|key|\w*Id|\w*_id|\w*ID)$/.test(fn.params[from.param]!.name)
    ? null
    : from.field === null || /^(?:data|values|patch|changes|fields)$/i.test(from.field)
      ? from
      : null
}

function tableFrom(fn: Func, row: RowCall): From | null {
  for (const step of stepsOf(row.call)) {
    const [first] = step.args
    const from = first ? fromOf(fn, first) : null
    if (from?.field === null && singular(fn.params[from.param]!.name) === (row.table ?? ""))
      return from
    if (
      from?.field === null &&
      /^(?:model|entity|cls|table|klass|type|clazz)(?:_?class)?$/i.test(fn.params[from.param]!.name)
    )
      return from
  }
  return null
}
