/** The parts of a query that is built by calls: its table, its conditions, the values that it writes. */
import type { Call, Node } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import { dotted, receiverOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { readSql } from "./sql/readSql.ts"
import { textOfString } from "../program/text.ts"
import { bare, objectsOf, type RowCondition, type RowSetting, singular, someNode } from "./rows.ts"
import { unitAround } from "../program/units.ts"

const TABLES =
  /^(?:from|into|table|Table|selectFrom|updateTable|insertInto|deleteFrom|collection|Collection|getCollection|getRepository|query|select|update|insert|Model|knex|db|trx|tx)$/

/** The table that a chain names. */
export function tableOf(file: File, steps: readonly Call[], receiver: string): string | null {
  for (const step of steps) {
    const [first, second] = step.args
    if (!TABLES.test(step.name) || !first) continue
    if (first.kind === "string" && !/\s/.test(first.value)) return singular(first.value)
    if (
      first.kind === "name" &&
      /^(?:from|update|insert|insertInto|getRepository|query|select)$/.test(step.name)
    )
      return singular(first.name)
    if (first.kind === "unary" && file.language === "go") return null
    // `em.find(Job.class, id)`, `manager.findOne(Job, …)`
    if (second && first.kind === "name" && /^[A-Z]/.test(first.name)) return singular(first.name)
  }
  const path = receiver.replace(/\.objects$|_set$/, "").split(".")
  const last = path.at(-1)!.replaceAll(/\(\)|\[\]/g, "")
  if (
    last === "" ||
    /^(?:db|tx|trx|em|manager|session|repo|repository|prisma|client|dao|collection|conn|pool)$/i.test(
      last,
    )
  )
    return null
  return singular(last)
}

const WHERES =
  /^(?:where\w*|Where|andWhere|filter|filter_by|eq|is|in|neq|lt|gt|lte|gte|match|not|Not|exclude|get|first|find\w*|First|Find|updateOne|updateMany|update|delete\w*|one|get_or_none|exists|select|find_one|find_one_and_update|update_one|isNull|whereNull|count\w*|one_or_none|execute|scalars?|scalar_one\w*)$/

/** The columns that a chain compares. */
export function conditionsOf(program: Program, file: File, steps: readonly Call[]): RowCondition[] {
  const found: RowCondition[] = []
  for (const step of steps) {
    found.push(...derived(step))
    if (!WHERES.test(step.name)) continue
    const [first, second, third] = step.args
    for (const arg of step.args) {
      if (arg.kind === "named" && !/^(?:update\w*|values|insert\w*|create)$/.test(step.name))
        found.push({ column: bare(arg.name.replace(/__\w+$/, "")), value: file.textOf(arg.value) })
      compared(file, arg, found)
    }
    if (first?.kind === "string") {
      const text = first.value
      if (/^[\w.]+$/.test(text)) {
        const value = third ?? second
        if (second)
          found.push({
            column: bare(text.split(".").at(-1)!),
            value: value ? file.textOf(value) : "",
          })
      } else found.push(...ofText(text, step, file))
    } else if (first && /^(?:where|andWhere|Where)$/.test(step.name)) {
      const text = textOfString(program, file, first)
      if (text !== null) found.push(...ofText(text, step, file))
    }
    // `findOne({ where: { id } })`, `where({ id })`, `updateOne({ _id }, …)`
    const isPlain = !/^(?:select|update)$/.test(step.name)
    if (
      first?.kind === "object" &&
      !isValues(step) &&
      (isPlain || entryOf(first, "where")?.kind === "object")
    )
      found.push(...ofObject(file, first))
    const later = step.args.find(
      (arg, index) => index > 0 && arg.kind === "object" && entryOf(arg, "where"),
    )
    if (later?.kind === "object") found.push(...ofObject(file, later))
    if (
      /^(?:update|delete)$/.test(step.name) &&
      first?.kind === "object" &&
      second &&
      !isValues(step)
    )
      found.push(...ofObject(file, first))
    if (
      /^(?:findById\w*|findByPk|get|find|First)$/.test(step.name) &&
      first &&
      !/^(?:object|lambda|string|named|unary)$/.test(first.kind) &&
      first.kind !== "named"
    )
      found.push({ column: "id", value: file.textOf(second ?? first) })
  }
  return found
}

/** Sequelize's `update({ quantity }, { where })`: what is written comes first. */
function isValues({ name, args: [first, second] }: Call): boolean {
  return (
    name === "update" &&
    first?.kind === "object" &&
    second?.kind === "object" &&
    entryOf(second, "where") !== null &&
    entryOf(first, "where") === null
  )
}

function entryOf(object: Node & { kind: "object" }, key: string): Node | null {
  return object.entries.find((one) => one.key === key)?.value ?? null
}

function ofObject(file: File, object: Node & { kind: "object" }): RowCondition[] {
  const where = entryOf(object, "where")
  const own = where?.kind === "object" ? where : where ? null : object
  if (!own) return []
  return own.entries.flatMap((one) => {
    if (
      one.key === null ||
      /^(?:data|select|include|orderBy|order|take|limit|relations|lock)$/.test(one.key)
    )
      return []
    if (/^(?:\$or|\$and|AND|OR)$/.test(one.key) && one.value.kind === "list")
      return one.value.items.flatMap((item) => (item.kind === "object" ? ofObject(file, item) : []))
    return [{ column: bare(one.key), value: file.textOf(one.value) }]
  })
}

/** `Job.status == "pending"`, `eq(jobs.status, "pending")`, `Jobs.status eq PENDING`. */
function compared(file: File, root: Node, into: RowCondition[]): void {
  someNode(root, (node) => {
    if (
      node.kind === "binary" &&
      /^(?:==|===|!=|<|<=|>|>=|is|in)$/.test(node.op) &&
      node.left.kind === "member"
    )
      into.push({ column: bare(node.left.name), value: file.textOf(node.right) })
    if (
      node.kind === "call" &&
      /^(?:eq|ne|lt|gt|lte|gte|isNull|inArray|in_|is_|inList|less|lessEq)$/.test(node.name)
    ) {
      const receiver = receiverOf(node)
      const left = node.args.length > 1 ? node.args[0]! : (receiver ?? node.args[0])
      if (left?.kind === "member")
        into.push({ column: bare(left.name), value: file.textOf(node.args.at(-1)!) })
    }
    return false
  })
}

/** `status = ? AND run_at <= ?` of a builder's text. */
function ofText(text: string, step: Call, file: File): RowCondition[] {
  const statements = readSql(`select * from t where ${text}`)
  const rest = step.args.slice(1).map((arg) => file.textOf(arg))
  return (statements[0]?.where ?? []).map((one, index) => ({
    column: bare(one.column),
    value:
      one.value.kind === "parameter"
        ? (rest[index] ?? "?")
        : one.value.kind === "literal"
          ? text
          : "",
  }))
}

/** Spring's names: `findFirstByStatusAndTypeOrderByCreatedAt(status, type)`. */
function derived(step: Call): RowCondition[] {
  const snake =
    /^(?:find|get|read|fetch|load|query|exists|count|delete)_(?:\w+_)?by_([a-z]\w*)$/.exec(
      step.name,
    )
  if (snake)
    return snake[1]!.split(/_and_|_or_/).map((one, index) => ({
      column: bare(one),
      value: step.args[index] ? dotted(step.args[index]) : "",
    }))
  const match = /^(?:find|get|read|query|exists|count|delete)\w*?By([A-Z]\w*)$/.exec(step.name)
  if (!match || /^(?:findBy|findOneBy)$/.test(step.name)) return []
  return match[1]!
    .replace(/OrderBy.*$/, "")
    .split(/And(?=[A-Z])|Or(?=[A-Z])/)
    .map((one, index) => ({
      column: bare(
        one.replace(/(?:LessThan\w*|GreaterThan\w*|Before|After|In|IsNull|Equals|ForUpdate)$/, ""),
      ),
      value: step.args[index] ? dotted(step.args[index]) : "",
    }))
}

const SELF = /\bF\(|increment|decrement|\$inc|\binc\b|raw\(|sql`|Expr\(|literal\(|plus\(|\.ref\(/

type Add = (name: string, value: Node | null) => void

/** The columns that a chain writes. */
export function settingsOf(program: Program, file: File, steps: readonly Call[]): RowSetting[] {
  const found: RowSetting[] = []
  const add: Add = (name, value) => {
    found.push(settingOf(file, name, value))
  }
  // An object may be spread into its own successor: `data = { ...data, at: now }`.
  const seen = new Set<Node>()
  for (const step of steps) {
    if (
      !/^(?:update\w*|Update\w*|set|values|insert\w*|create\w*|Create|find\w*Update|find_one_and_update|aupdate|upsert|Updates|UpdateColumn)$/.test(
        step.name,
      )
    )
      continue
    for (const [index, arg] of step.args.entries()) {
      if (arg.kind === "named") add(arg.name, arg.value)
      else if (arg.kind === "lambda") fromLambda(file, arg, add)
      else if (arg.kind === "object") {
        const isWhere =
          index === 0 &&
          step.args.length > 1 &&
          !isValues(step) &&
          /^(?:update|findOneAndUpdate|updateOne|updateMany|update_one|find_one_and_update)$/.test(
            step.name,
          )
        if (!isWhere) fromObject(program, file, arg, seen, found)
      } else if (arg.kind === "name") {
        for (const one of objectsOf(program, file, arg)) fromObject(program, file, one, seen, found)
        assignedInto(file, arg.name, step, add)
      } else if (
        arg.kind === "string" &&
        step.args[index + 1] &&
        /^(?:update|Update|UpdateColumn|set)$/.test(step.name)
      )
        add(arg.value, step.args[index + 1]!)
    }
  }
  return found
}

/** The columns that a record has which is given to a call, so far as the record is written there. */
export function settingsGiven(
  program: Program,
  file: File,
  record: Node,
  before: Call,
): RowSetting[] {
  const found: RowSetting[] = []
  const seen = new Set<Node>()
  for (const one of objectsOf(program, file, record, true))
    fromObject(program, file, one, seen, found)
  if (record.kind === "name")
    assignedInto(file, record.name, before, (name, value) => {
      found.push(settingOf(file, name, value))
    })
  return found
}

function settingOf(file: File, name: string, value: Node | null): RowSetting {
  return {
    column: bare(name.replace(/^\$set\./, "")),
    value,
    isSelfReferential: value !== null && SELF.test(file.textOf(value)),
  }
}

function fromObject(
  program: Program,
  file: File,
  object: Node & { kind: "object" },
  seen: Set<Node>,
  found: RowSetting[],
): void {
  if (seen.has(object)) return
  seen.add(object)
  const within = (value: Node): void => {
    for (const one of objectsOf(program, file, value)) fromObject(program, file, one, seen, found)
  }
  for (const entry of object.entries) {
    if (entry.key === null) {
      // A computed key tells nothing; a spread may.
      if (entry.value.kind === "spread") within(entry.value.value)
    } else if (/^(?:data|\$set|set)$/.test(entry.key)) within(entry.value)
    else if (entry.key === "$inc") {
      found.push(settingOf(file, "$inc", entry.value))
      for (const one of objectsOf(program, file, entry.value))
        for (const { key, value } of one.entries)
          if (key !== null) found.push({ column: bare(key), value, isSelfReferential: true })
    } else if (!/^(?:where|select|include|\$setOnInsert)$/.test(entry.key))
      found.push(settingOf(file, entry.key, entry.value))
  }
}

/** `update.retry_count = …` before `update(update)`. */
function assignedInto(file: File, name: string, before: Call, add: Add): void {
  const method = unitAround(file, before)
  for (const assign of file.assignments) {
    if (assign.end > before.start || (method && assign.start < method.start)) continue
    for (const target of assign.targets) {
      if (target.kind === "member" && target.object.kind === "name" && target.object.name === name)
        add(target.name, assign.value)
    }
  }
}

/** Exposed: `update({ … }) { it[balance] = … }`. */
function fromLambda(file: File, arg: Node, add: Add): void {
  for (const assign of file.assignments) {
    if (assign.start < arg.start || assign.end > arg.end) continue
    const [target] = assign.targets
    if (target?.kind === "index") add(dotted(target.index).split(".").at(-1)!, assign.value)
  }
}
