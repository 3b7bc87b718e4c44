/**
 * Records that count in a field of their own and were read by somebody else, earlier: Django's, which save themselves,
 * and others' that are handed on to a repository's `save`.
 */
import type { Assign, Call, Func, Node } from "../../ir/nodes.ts"
import { callersOf } from "../program/definitions.ts"
import type { File } from "../program/file.ts"
import { dotted, wordsOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"

export interface CountedRecord {
  readonly fn: Func
  /** `self.num_allocated += quantity` */
  readonly at: Assign
  readonly record: string
  readonly field: string
  /** `self.save()` */
  readonly saved: Call
}

/** Fields that others change as well, and of which no change may be lost. */
const SHARED = new Set(
  "balance amount stock quantity qty inventory credit credits points quota seats available remaining total paid used usage uses redeemed redemptions allocated reserved count counter votes views likes downloads sold".split(
    " ",
  ),
)
/** Counts of one worker's own tries, and places in an order. */
const OWN =
  /retr|attempt|tries|fail|error|version|revision|order|position|index|level|page|step|offset|ord\b/i
const ONCE = /(?:^|\/)(?:migrations|management\/commands|scripts|fixtures|seeds?)\//

/** Who locks rows does it where they are read: in the files that hand them on. */
const LOCKS = /select_for_update|with_?lock|acquire_?lock|pessimistic|for_?update|optimistic/i

export function countedRecords(program: Program, file: File): CountedRecord[] {
  if (ONCE.test(file.path) || file.language === "go") return []
  const isPython = file.language === "python"
  if (isPython && !file.unit.imports.some((one) => /^django(?:\.|$)/.test(one.module))) return []
  return file.assignments.flatMap((at) => {
    const [target] = at.targets
    const fn = file.methodOf(at)
    if (target?.kind !== "member" || target.object.kind !== "name" || !fn) return []
    if (!/^[-+]=$/.test(at.op) || !at.value || isText(at.value)) return []
    const { name: field } = target
    if (OWN.test(field) || !wordsOf(field).some((word) => SHARED.has(word))) return []
    const record = target.object.name
    if (isPython ? !isHanded(file, fn, record) : !isRow(fn, record)) return []
    const saved = file.calls.find(
      (call) =>
        call.start > at.end &&
        call.end <= fn.end &&
        (isPython
          ? dotted(call.callee) === `${record}.save` &&
            call.args.every((arg) => arg.kind === "named")
          : isKept(call, record)),
    )
    if (!saved || LOCKS.test(file.textOf(fn)) || isLockedBefore(program, file, fn)) return []
    return [{ fn, at, record, field, saved }]
  })
}

/** A parameter whose type is a class, and that is not what a request brought. */
function isRow(fn: Func, record: string): boolean {
  const param = fn.params.find((one) => one.name === record)
  return (
    param !== undefined &&
    /^[A-Z]\w*$/.test(param.type ?? "") &&
    !/(?:Dto|DTO|Input|Request|Options|Props|Params|State|Context|Args|Config|Map|Stats)$/.test(
      param.type ?? "",
    )
  )
}

/** `this.accounts.save(account)` */
function isKept(call: Call, record: string): boolean {
  const [only, ...more] = call.args
  return (
    /^(?:save|saveAndFlush|persistAndFlush)$/.test(call.name) &&
    more.length === 0 &&
    only?.kind === "name" &&
    only.name === record &&
    call.callee.kind === "member" &&
    /repo|dao|store|[a-z]s$|em$|manager/i.test(dotted(call.callee.object))
  )
}

function isLockedBefore(program: Program, file: File, fn: Func): boolean {
  return callersOf(program, { file, fn }).some((site) => LOCKS.test(site.file.text))
}

function isText(value: Node): boolean {
  return value.kind === "string" || value.kind === "template" || value.kind === "list"
}

/** `self`, a parameter, or what an attribute holds: not a record that was made or read here. */
function isHanded(file: File, fn: Func, record: string): boolean {
  const own = file.assignments.filter(
    (one) =>
      one.start >= fn.start &&
      one.end <= fn.end &&
      one.targets.some((target) => target.kind === "name" && target.name === record),
  )
  if (own.length > 0)
    return own.every(
      ({ value }) =>
        value?.kind === "member" || (value?.kind === "call" && value.name === "getattr"),
    )
  return record === "self" || fn.params.some((param) => param.name === record)
}
