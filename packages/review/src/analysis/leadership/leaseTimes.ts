/** Comparisons of a lease's end that a store makes with a time that it is given. */
import { walk } from "../../ir/children.ts"
import type { Call, Node } from "../../ir/nodes.ts"
import { definitionsOf } from "../program/definitions.ts"
import type { File } from "../program/file.ts"
import { argNamed, dotted, receiverOf, wordsOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { callOf, queriesOf } from "../rows/queries.ts"
import { ownClassOf } from "../program/resolve.ts"
import type { SqlCondition, SqlStatement } from "../rows/sql/statement.ts"

export interface LeaseComparison {
  /** What the lease's end is compared in: the query's call, or the condition. */
  readonly at: Node
  /** The column or the name that holds the lease's end. */
  readonly column: string
  /** Where the time comes from. */
  readonly times: readonly Node[]
}

const LEASE = /^(?:un)?(?:lock(?:s|ed)?|leases?|leased|claimed|mutex|leader(?:ship)?)$/
const END =
  /^(?:until|till|at|by|expir\w+|deadline|time|timestamp|end|ends|timeout|stale|cutoff|threshold|before|horizon|valid|ttl|lifetime)$/
const EXPIRY = /^(?:expir\w+|valid|until|deadline)$/
const COMPARES = /^(?:<|<=|>|>=)$/

/** Whether a name is that of a lease's end: `locked_until`, `leaseExpiresAt`; in a table of locks also `expires_at`. */
export function isLeaseEnd(name: string, table = ""): boolean {
  const words = wordsOf(name)
  // When something is to begin is no lease, whatever is locked beside it.
  if (
    words.some((word) => /^(?:delay(?:ed)?|snoozed?|scheduled?|postponed?|retry|start)$/.test(word))
  )
    return false
  const isTime = words.some((word) => END.test(word)) && !words.includes("by")
  if (isTime && words.some((word) => LEASE.test(word))) return true
  return words.some((word) => EXPIRY.test(word)) && wordsOf(table).some((word) => LEASE.test(word))
}

/** Every comparison of a lease's end with a given time, in the order of the text. */
export function leaseComparisonsOf(program: Program, file: File): LeaseComparison[] {
  return [
    ...inQueries(program, file),
    ...inFragments(file),
    ...inObjects(file),
    ...inConditions(file),
    ...inCalls(file),
    ...ofReadRows(program, file),
  ].sort((a, b) => a.at.start - b.at.start)
}

/** What names the lock around a comparison: the method, the class, and what a call is called on. */
function contextOf(file: File, at: Node): string {
  const outer = [at, ...file.ancestorsOf(at)].find((one) => one.kind === "call")
  const receiver = outer?.kind === "call" ? receiverOf(outer) : null
  return [
    receiver ? file.textOf(receiver).slice(-200) : "",
    file.methodOf(at)?.name ?? "",
    ownClassOf(file, at) ?? "",
  ].join(" ")
}

function inQueries(program: Program, file: File): LeaseComparison[] {
  return queriesOf(program, file).flatMap((query) => {
    const condition = query.statements.map(leaseCondition).find((one) => one !== null)
    const call = condition ? callOf(file, query) : null
    if (!condition || !call || !query.node) return []
    const args = call.args.filter((arg) => arg !== query.node)
    const holes =
      query.node.kind === "template"
        ? query.node.parts.filter((part) => part.kind !== "string")
        : []
    return [
      { at: call, column: condition.column, times: [...args, ...holes, ...boundTo(file, call)] },
    ]
  })
}

/** A condition of a statement on a lease's end that is not left to the database's clock. */
export function leaseCondition(statement: SqlStatement): SqlCondition | null {
  const table = statement.writes[0]?.name ?? statement.reads[0]?.name ?? ""
  const all = [...statement.where, ...(statement.onConflict?.where ?? [])]
  return (
    all.find(
      (one) =>
        COMPARES.test(one.op) &&
        isLeaseEnd(one.column, table) &&
        one.value.functions.length === 0 &&
        (one.value.kind === "parameter" || one.value.kind === "expression"),
    ) ?? null
  )
}

const BINDS =
  /^(?:param|bind|setParameter|setTimestamp|setObject|setLong|setInstant|addValue|bindValue|params)$/

/** Values that are bound to a statement by calls after it, in the same function. */
function boundTo(file: File, call: Call): Node[] {
  const fn = file.functionOf(call)
  return file.calls
    .filter(
      (one) =>
        BINDS.test(one.name) &&
        one.end >= call.end &&
        (fn ? one.end <= fn.end : true) &&
        one.args.length > 0,
    )
    .map((one) => one.args.at(-1)!)
}

const FRAGMENT = /\b([A-Za-z_][\w.]*)\s*(?:<=?|>=?)\s*(?:\?|\$\d+|[:@]\w+|%s|\{\w*\})/

/** `db.Where("locked_until < ?", now)`, `knex.where("locked_until", "<", now)`, `lt(jobs.lockedUntil, now)`. */
function inFragments(file: File): LeaseComparison[] {
  return file.calls.flatMap((call): LeaseComparison[] => {
    const [first, second] = call.args
    if (!first) return []
    if (
      first.kind === "string" &&
      !/^\s*(?:select|update|insert|delete|with)\b/i.test(first.value)
    ) {
      const column =
        second?.kind === "string" && COMPARES.test(second.value)
          ? first.value
          : FRAGMENT.exec(first.value)?.[1]
      if (column && isLeaseEnd(column.split(".").at(-1)!, `${column} ${contextOf(file, call)}`)) {
        return [{ at: call, column, times: call.args.slice(1) }]
      }
    }
    if (/^(?:lt|lte|gt|gte|less|lessEq|greater|greaterEq)$/.test(call.name)) {
      // Mongo's filters name the field in a string.
      if (first.kind === "string" && isLeaseEnd(first.value, contextOf(file, call))) {
        return [{ at: call, column: first.value, times: call.args.slice(1) }]
      }
      // Spring's criteria: `where("expiresAt").lt(now)`.
      const named = receiverOf(call)
      const field =
        named?.kind === "call" && /^(?:and|where)$/.test(named.name) ? named.args[0] : null
      if (field?.kind === "string" && isLeaseEnd(field.value, contextOf(file, call)))
        return [{ at: call, column: field.value, times: call.args }]
      const on = first.kind === "member" ? first : receiverOf(call)
      if (on?.kind === "member" && isLeaseEnd(on.name, dotted(on.object))) {
        return [{ at: call, column: on.name, times: call.args.slice(on === first ? 1 : 0) }]
      }
    }
    return []
  })
}

const OPERATORS = /^\$?(?:lt|lte|gt|gte)$/
const COMPARING = /^(?:LessThan|MoreThan)(?:OrEqual)?$/

/** `{ lockedAt: { $lte: deadline } }`, `filter(locked_until__lt=now)`, `sq.Lt{"locked_until": now}`. */
function inObjects(file: File): LeaseComparison[] {
  const found: LeaseComparison[] = []
  for (const object of file.objects) {
    for (const { key, value } of object.entries) {
      if (key === null || !isLeaseEnd(key.split(".").at(-1)!, contextOf(file, object))) continue
      const isLess = /(?:^|\.)(?:Lt|LtOrEq|Gt|GtOrEq)$/.test(object.type ?? "")
      const compared =
        value.kind === "object"
          ? value.entries.filter(({ key: name, keyNode }) =>
              OPERATORS.test(name ?? (keyNode ? dotted(keyNode).replace(/^Op\./, "") : "")),
            )
          : []
      // `{ lockedUntil: LessThan(new Date()) }`
      const called = value.kind === "call" && COMPARING.test(value.name) ? value.args : []
      const times = isLess ? [value] : [...called, ...compared.map((entry) => entry.value)]
      if (times.length > 0) found.push({ at: value, column: key, times })
    }
  }
  for (const call of file.calls) {
    for (const arg of call.args) {
      if (arg.kind !== "named") continue
      const match = /^(\w+?)__(?:lt|lte|gt|gte)$/.exec(arg.name)
      if (match && isLeaseEnd(match[1]!))
        found.push({ at: arg, column: match[1]!, times: [arg.value] })
    }
  }
  return found
}

const CONDITION = /\b([A-Za-z_#]\w*)\s*(?:<=?|>=?)\s*(:\w+)/

/** DynamoDB's `ConditionExpression: "expires < :now"`, with its values beside it. */
function inConditions(file: File): LeaseComparison[] {
  const found: LeaseComparison[] = []
  const look = (at: Node, condition: Node | null, values: Node | null): void => {
    if (!condition || values?.kind !== "object") return
    const text = file.textOf(condition)
    const [, column = "", name = ""] = CONDITION.exec(text) ?? []
    if (!isLeaseEnd(column.replace("#", ""), `${text} ${file.textOf(at)} ${contextOf(file, at)}`))
      return
    const time = values.entries.find((entry) => entry.key === name)
    if (time) found.push({ at: condition, column, times: [time.value] })
  }
  for (const object of file.objects) {
    const part = (key: string): Node | null =>
      object.entries.find((entry) => entry.key === key)?.value ?? null
    look(object, part("ConditionExpression"), part("ExpressionAttributeValues"))
  }
  for (const call of file.calls) {
    const condition = argNamed(call, "ConditionExpression")
    if (condition) look(call, condition, argNamed(call, "ExpressionAttributeValues"))
  }
  return found
}

const FILTERS = /^(?:where|filter|and_|or_|having|andWhere|orWhere|filter_by)$/
const STORES =
  /^(?:db|repo|repository|store|dao|collection|model|mapper|jdbc|prisma|queries|database|storage|backend|persistence)$/

/** SQLAlchemy's `Job.locked_until < now`, `findByLockedUntilBefore(now)`, `db.next(…, lockDeadline)`. */
function inCalls(file: File): LeaseComparison[] {
  return file.calls.flatMap((call): LeaseComparison[] => {
    if (FILTERS.test(call.name)) return comparedIn(call)
    if (
      /(?:Lock|Lease|Leader(?!board)\w*(?:Updated|Beat|Seen|Renew|Expir))\w*(?:Before|LessThan|After|GreaterThan)/.test(
        call.name,
      )
    ) {
      return [{ at: call, column: call.name, times: call.args }]
    }
    const receiver = receiverOf(call)
    const isStored = receiver && wordsOf(dotted(receiver)).some((word) => STORES.test(word))
    const deadline = call.args.find(
      (arg) => (arg.kind === "name" || arg.kind === "member") && isLeaseEnd(arg.name),
    )
    return isStored && deadline ? [{ at: call, column: dotted(deadline), times: [deadline] }] : []
  })
}

function comparedIn(call: Call): LeaseComparison[] {
  const found: LeaseComparison[] = []
  for (const arg of call.args) {
    walk(arg, (node) => {
      if (node.kind === "binary" && COMPARES.test(node.op)) {
        const sides = [node.left, node.right]
        const column = sides.find(
          (side) => side.kind === "member" && isLeaseEnd(side.name, dotted(side.object)),
        )
        if (column)
          found.push({
            at: node,
            column: dotted(column),
            times: sides.filter((side) => side !== column),
          })
      }
      return node.kind !== "call" || FILTERS.test(node.name)
    })
  }
  return found
}

const READS =
  /^(?:find\w*|fetch\w*|query\w*|select\w*|one|one_or_none|first|scalar\w*|load\w*|read\w*|maybeOne|get(?:One|Item|Lock|Lease|By)\w*|getItem)$/
const BEFORE = /^(?:isBefore|isAfter|before|after|Before|After)$/

/** A row that was read, and whose end is compared here before it is taken over: `lease.expiresAt < now`. */
function ofReadRows(program: Program, file: File): LeaseComparison[] {
  const found: LeaseComparison[] = []
  for (const root of file.unit.body) {
    walk(root, (node) => {
      const sides = sidesOf(node)
      if (!sides) return
      const end = sides.find((side) => isEndOfRow(program, file, side))
      if (end) {
        found.push({
          at: node,
          column: dotted(end).replace(/\(\)$/, ""),
          times: sides.filter((side) => side !== end),
        })
      }
    })
  }
  return found
}

function sidesOf(node: Node): readonly Node[] | null {
  if (node.kind === "binary" && COMPARES.test(node.op)) return [node.left, node.right]
  if (node.kind !== "call" || !BEFORE.test(node.name) || node.args.length !== 1) return null
  const receiver = receiverOf(node)
  return receiver && [receiver, node.args[0]!]
}

const FILLS =
  /^(?:First|Take|Last|Find|Get|GetContext|Scan|StructScan|Decode|One|Select|Unmarshal)$/

/** Go's `db.First(&lease, …)`, in the function that looks at it. */
function isFilledIn(file: File, name: string, at: Node): boolean {
  const fn = file.methodOf(at)
  return (
    file.language === "go" &&
    fn !== null &&
    file.calls.some(
      (call) =>
        FILLS.test(call.name) &&
        call.start >= fn.start &&
        call.end <= at.start &&
        call.args.some(
          (arg) =>
            arg.kind === "unary" &&
            arg.op === "&" &&
            arg.operand.kind === "name" &&
            arg.operand.name === name,
        ),
    )
  )
}

function isEndOfRow(program: Program, file: File, side: Node): boolean {
  const getter = side.kind === "call" && side.args.length === 0 ? side.callee : side
  if (getter.kind !== "member" || getter.object.kind !== "name") return false
  if (
    !isLeaseEnd(getter.name.replace(/^get/, ""), `${getter.object.name} ${contextOf(file, side)}`)
  )
    return false
  if (isFilledIn(file, getter.object.name, side)) return true
  return definitionsOf(program, file, getter.object).some(({ value }) => {
    let made = value?.kind === "await" ? value.value : value
    while (made?.kind === "call" && /^(?:orElse\w*|get|unwrap)$/.test(made.name))
      made = receiverOf(made)
    return made?.kind === "call" && READS.test(made.name)
  })
}
