/** Records that another function read and handed on: `const account = await this.findOne(id)`. */
import type { Assign, Call, Func, Node } from "../../ir/nodes.ts"
import { arithmeticOn } from "./arithmetic.ts"
import type { File } from "../program/file.ts"
import { dotted, receiverOf, rootOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { resolveCall } from "../program/resolve.ts"
import { derivedFrom } from "./rowResults.ts"
import { stepsOf } from "./rowSteps.ts"
import type { RowCall } from "./rowCall.ts"
import { rowCallsOf } from "./rowCalls.ts"
import { takesLock } from "./rowLocks.ts"
import { unitAround } from "../program/units.ts"

const READS =
  /^_?(?:get|find|load|fetch|read|look_?up|retrieve|require|ensure|must|query|select|current|first|one|scalar|aget|afirst|Get|Find|Load|Fetch|Read|Lookup|Must|First)(?![a-z])/
/** What makes something new, or knows it from elsewhere than a store. */
const NOT_READS =
  /^(?:get(?:Context|Element\w*|Attribute\w*|attr|env|Config\w*|Settings?|Logger|Instance|State|Time|Date|Bounding\w*|Computed\w*|Day|Month|Year|Position|Size|Width|Height)|getContext|read(?:File\w*|line|Line|All|Text))$/
const MAPPERS =
  /django|sqlalchemy|sqlmodel|peewee|mongoengine|tortoise|beanie|odmantic|pymongo|motor|psycopg|asyncpg|flask|fastapi|(?:^|[./_-])models?(?:$|[./_])|entit|repositor|(?:^|[./_-])(?:db|database|dao|orm|schema|store|storage)(?:$|[./_])|prisma|mongoose|sequelize|typeorm|mikro-orm|drizzle|knex|kysely|supabase|firestore|gorm|jpa|persistence|hibernate|springframework|exposed|ktorm|panache|mongo/i

const MEMO = Symbol("records that were handed on")

/** Reads of rows that stand in another function, as reads of the call that brings the row. */
export function handedRecords(program: Program, file: File): readonly RowCall[] {
  return program.memo<File, readonly RowCall[]>(MEMO, file, [], () => {
    const rows = rowCallsOf(program, file)
    if (rows.length === 0 && !file.unit.imports.some((one) => MAPPERS.test(one.module))) return []
    const known = new Set(rows.map((row) => row.call))
    return file.assignments.flatMap((assign) => {
      const call = callIn(assign.value)
      const names = namesOf(assign)
      if (!call || names.length === 0 || known.has(call) || !unitAround(file, assign)) return []
      if (!isRead(file, assign, call)) return []
      return [ofCall(program, file, call, names)]
    })
  })
}

function callIn(value: Node | null): Call | null {
  if (value?.kind === "await") return callIn(value.value)
  return value?.kind === "call" && !value.isNew && !value.isTagged ? value : null
}

function namesOf(assign: Assign): string[] {
  return assign.targets.flatMap((target) =>
    target.kind === "name" && !/^(?:err|error|ok|_|created|found|exists)$/.test(target.name)
      ? [target.name]
      : [],
  )
}

function isRead(file: File, assign: Assign, call: Call): boolean {
  const steps = stepsOf(call)
  if (steps.some((step) => NOT_READS.test(step.name)) || !steps.some((one) => READS.test(one.name)))
    return false
  // Rows of a store are waited for: what is there at once is a map's.
  const isScript = file.language === "javascript" || file.language === "typescript"
  if (isScript && assign.value?.kind !== "await") return false
  const on = receiverOf(steps[0]!)
  return !(on && /cache|redis|map$|config|env|request|params|headers/i.test(dotted(on)))
}

function ofCall(program: Program, file: File, call: Call, names: readonly string[]): RowCall {
  return {
    kind: "read",
    call,
    query: null,
    table: null,
    where: [],
    sets: [],
    locks:
      stepsOf(call).some((step) => takesLock(`${step.name}(`)) ||
      resolveCall(program, file, call).some((one) => takesLock(one.file.textOf(one.fn))),
    isLimited: true,
    results: [...new Set([...names, ...derivedFrom(file, call, names)])],
  }
}

/** A method of the record itself that adds to one of its fields: `product.decreaseStock(2)`. */
export function countedBy(program: Program, file: File, call: Call): string | null {
  const receiver = receiverOf(call)
  if (!receiver || /^(?:get|is|has|find|to|with)[A-Z_]/.test(call.name)) return null
  for (const { file: at, fn } of resolveCall(program, file, call)) {
    if (takesLock(at.textOf(fn))) return null
    if (receiver.kind !== "name" && !isEntityMethod(at, fn)) continue
    const field = fieldCounted(program, at, fn)
    if (field !== null) return field
  }
  return null
}

/** Whether a method stands in a class whose objects a mapper of Java or Kotlin writes back by itself. */
function isEntityMethod(file: File, fn: Func): boolean {
  const owner = file.classOf(fn)
  return owner?.annotations.some((one) => /(?:^|\.)Entity$/.test(one.name)) ?? false
}

/** The class of the entity that a call changes, which its mapper writes back at the end of the transaction. */
export function changesEntity(program: Program, file: File, call: Call): string | null {
  const found = resolveCall(program, file, call).find((one) => isEntityMethod(one.file, one.fn))
  return found ? (found.file.classOf(found.fn)?.name ?? null) : null
}

function fieldCounted(program: Program, file: File, fn: Func): string | null {
  const self = fn.receiver?.name ?? null
  for (const assign of file.assignments) {
    if (assign.start < fn.start || assign.end > fn.end || assign.declares) continue
    const [target] = assign.targets
    if (!target || !assign.value) continue
    const field = ownField(file, fn, target, self)
    if (field === null) continue
    if (/^[-+]=$/.test(assign.op) && !isText(assign.value)) return field
    const shown = dotted(target)
    const isIt = (node: Node): boolean => dotted(node) === shown
    if (assign.op === "=" && arithmeticOn(program, file, assign.value, isIt)) return field
  }
  return null
}

function ownField(file: File, fn: Func, target: Node, self: string | null): string | null {
  if (target.kind === "member") {
    const root = rootOf(target)
    const isOwn = root === "this" || root === "self" || (self !== null && root === self)
    return isOwn && target.object.kind === "name" ? target.name : null
  }
  if (target.kind !== "name" || (file.language !== "java" && file.language !== "kotlin"))
    return null
  const isLocal =
    fn.params.some((param) => param.name === target.name) ||
    file.assignments.some(
      (one) =>
        one.declares &&
        one.start >= fn.start &&
        one.end <= fn.end &&
        one.targets.some((each) => each.kind === "name" && each.name === target.name),
    )
  const isField = file.classOf(fn)?.fields.some((one) => one.name === target.name) ?? false
  return !isLocal && isField ? target.name : null
}

function isText(node: Node): boolean {
  return node.kind === "string" || node.kind === "template" || node.kind === "list"
}
