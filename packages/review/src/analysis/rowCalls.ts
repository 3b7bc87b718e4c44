/**
 * Calls that read or write rows, as far as rules on races ask: which table, under which conditions, with which values.
 * SQL in strings, query builders, mappers and documents all come out the same.
 */
import type { Assign, Call, Node } from "../ir/nodes.ts"
import type { File } from "./file.ts"
import { handedOn } from "./handedOn.ts"
import { dotted, receiverOf, rootOf } from "./names.ts"
import type { Program } from "./program.ts"
import { typeOf } from "./resolve.ts"
import { callOf, type Query, queriesOf, textIn } from "./queries.ts"
import { bare, type RowCondition, type RowSetting, singular } from "./rows.ts"
import { gatheredIn } from "./gatherings.ts"
import { conditionsOf, settingsOf, tableOf } from "./rowParts.ts"
import { unitAround } from "./units.ts"

export interface RowCall {
  readonly kind: "read" | "update" | "insert" | "upsert" | "delete" | "save"
  /** The whole chain: `db("jobs").where(…).first()`. */
  readonly call: Call
  readonly query: Query | null
  /** Singular, without case and underscores; null where it cannot be told. */
  readonly table: string | null
  readonly where: readonly RowCondition[]
  readonly sets: readonly RowSetting[]
  /** Of a read: it takes row locks. */
  readonly locks: boolean
  /** Of a read: at most some rows. */
  readonly isLimited: boolean
  /** Names that hold what was read. */
  readonly results: readonly string[]
}

const READS =
  /^(?:find\w*|exists\w*|first|firstOrFail|first_or_404|one|one_or_none|oneOrNone|scalar\w*|get|getOne|getMany|getRawOne|fetchOne|fetchOneInto|get_or_none|aget|afirst|maybeSingle|single|executeTakeFirst\w*|select|First|Take|Last|Find|Scan|query\w*|Query\w*|all|limit|order|orderBy|order_by|load|getReferenceById|getBy[A-Z]\w*|get_by_\w+|getOrCreate\w*|fetch\w*|list|take|Get|Select|selectOne|singleOrNull|execute|exec)$/
const UPDATES =
  /^(?:update\w*|Update\w*|updateTable|findByIdAndUpdate|findOneAndUpdate|find_one_and_update|aupdate|replaceOne|replace_one)$/
const INSERTS = /^(?:insert\w*|Insert\w*|create|createMany|Create|add|persist|acreate|bulk_create)$/
const UPSERTS =
  /^(?:upsert\w*|findOrCreate|get_or_create|update_or_create|FirstOrCreate|insertOrIgnore\w*|onConflict\w*|on_conflict\w*)$/
const DELETES = /^(?:delete\w*|Delete\w*|del|destroy|remove)$/
const SAVES = /^(?:save\w*|Save\w*|asave|merge)$/

const BUILDER_ROOT =
  /^(?:db\w*|\w+db|knex|trx|tx|prisma|drizzle\w*|supabase\w*|kysely|orm|gorm|database|pool|conn|client|pg|sql|session|dsl|jdbc\w*)$/i
const STORE =
  /repo(?:sitory)?$|dao$|model$|collection$|coll$|mapper$|^em$|manager$|\.objects$|session$|store$/i
const STORE_TYPES = /(?:Repository|Repo|Dao|DAO|EntityManager|MongoTemplate|Mapper)$/
const BUILDS =
  /^(?:from|into|table|Table|Model|selectFrom|updateTable|insertInto|deleteFrom|collection|Collection|getCollection|getRepository|query|select|update|insert|selectAll)$/

const MEMO = Symbol("row calls of a file")

/** Every call of a file that reads or writes rows, in the order of the text. */
export function rowCallsOf(program: Program, file: File): readonly RowCall[] {
  return program.memo<File, readonly RowCall[]>(MEMO, file, [], () => {
    const bySql = new Map<Call, Query>()
    for (const query of queriesOf(program, file)) {
      const call = callOf(file, query)
      if (call && !bySql.has(call)) bySql.set(call, query)
    }
    const queried = new Map([...bySql].map(([call, query]) => [chainOf(file, call).at(-1)!, query]))
    const found: RowCall[] = []
    for (const call of file.calls) {
      if (chainOf(file, call).at(-1) !== call) continue
      const outer = file.parentOf(call)
      if (outer?.kind === "call" && executedIn(file, outer) === call) continue
      const query = queried.get(call)
      const row = query ? ofQuery(file, call, query) : ofChain(program, file, call)
      if (row) found.push(row)
    }
    return found
  })
}

/** A call and the calls that are made on its result, outwards. */
function chainOf(file: File, call: Call): Call[] {
  const chain = [call]
  for (let at: Node = call; ;) {
    const member = file.parentOf(at)
    const outer: Node | null =
      member?.kind === "member" && member.object === at ? file.parentOf(member) : null
    if (outer?.kind !== "call" || outer.callee !== member) return chain
    if (
      /^(?:then|catch|finally|orElse\w*|map|flatMap|ifPresent\w*|let|also|apply|unwrap|toList)$/.test(
        outer.name,
      )
    )
      return chain
    chain.push(outer)
    at = outer
  }
}

/** The steps of a chain from its root to its last call. */
export function stepsOf(call: Call): Call[] {
  const steps: Call[] = []
  for (let at: Node | null = call; at;) {
    if (at.kind === "call") {
      steps.unshift(at)
      at = at.callee
    } else if (at.kind === "member" || at.kind === "index") at = at.object
    else if (at.kind === "await") at = at.value
    else at = null
  }
  return steps
}

function ofQuery(file: File, call: Call, query: Query): RowCall | null {
  const statement =
    query.statements.find(
      (one) => one.cte === null && /^(?:insert|update|delete|select)$/.test(one.verb),
    ) ?? null
  if (!statement) return null
  const kind =
    statement.verb === "select"
      ? "read"
      : statement.verb === "insert"
        ? statement.onConflict
          ? "upsert"
          : "insert"
        : statement.verb === "update"
          ? "update"
          : "delete"
  const table = (kind === "read" ? statement.reads : statement.writes)[0]?.name ?? null
  return {
    kind,
    call,
    query,
    table: table && singular(table),
    where: statement.where.map((one) => ({
      column: bare(one.column),
      value: textIn(query, one.value),
    })),
    sets:
      statement.verb === "insert"
        ? statement.columns.map((column) => ({
            column: bare(column),
            value: null,
            isSelfReferential: false,
          }))
        : statement.sets.map((one) => ({
            column: bare(one.column),
            value: null,
            isSelfReferential:
              one.isSelfReferential || /^(?:subquery|function)$/.test(one.value.kind),
          })),
    locks:
      query.statements.some((one) => one.rowLock !== null || one.verb === "lock") ||
      LOCKS.test(query.text),
    isLimited: statement.limit !== null,
    results: kind === "read" || statement.returning ? resultsOf(file, call) : [],
  }
}

/** Locks of other dialects, and of builders. */
const LOCKS =
  /updlock|readpast|holdlock|tablockx|advisory_?(?:xact_?)?lock|for\s*update|for\s*share|forUpdate|for_update|ForUpdate|PESSIMISTIC|pessimistic|Locking\{|lockForUpdate|\.lock\(|setLock|[lL]ock\s*[:=]|WithLock|AndLock|skipLocked|with_lockmode|Locked\(/i

/** SQLAlchemy's `session.execute(update(Job).where(…).values(…))` is what it executes. */
function executedIn(file: File, call: Call): Call | null {
  const [statement] = call.args
  if (file.language !== "python" || statement?.kind !== "call") return null
  if (!/^(?:execute|scalars?|scalar_one\w*)$/.test(call.name)) return null
  return isStatement(file, stepsOf(statement)[0]) ? statement : null
}

/** `select(Job)`, `update(Job)`: a statement of SQLAlchemy, wherever it is executed. */
function isStatement(file: File, first: Call | undefined): boolean {
  const [model] = first?.args ?? []
  return (
    file.language === "python" &&
    first?.callee.kind === "name" &&
    /^(?:select|update|delete)$/.test(first.name) &&
    /^[A-Z]/.test(model ? dotted(model) : "")
  )
}

function ofChain(program: Program, file: File, call: Call): RowCall | null {
  const steps = stepsOf(executedIn(file, call) ?? call)
  const root = rootOf(call.callee) ?? ""
  const first = steps[0]!
  const on = receiverOf(first)
  const receiver = on ? dotted(on) : ""
  const kind = kindOf(steps)
  if (!kind || !isRows(program, file, steps, root, on)) return null
  const where = conditionsOf(program, file, steps)
  return {
    kind,
    call,
    query: null,
    table: tableTyped(program, file, steps, on) ?? tableOf(file, steps, receiver),
    where,
    sets: kind === "read" || kind === "delete" ? [] : settingsOf(program, file, steps),
    locks: LOCKS.test(file.textOf(call)),
    isLimited:
      steps.some((step) =>
        /^(?:first\w*|First|Take|take|limit|Limit|findFirst\w*|findOne\w*|one|one_or_none|single\w*|fetchOne|maybeSingle|executeTakeFirst\w*|findTop\w*|scalar_one\w*)$/.test(
          step.name,
        ),
      ) ||
      /\b(?:take|limit):|\.limit\(|\[0\]|\[:\s*\w+\]/.test(
        file.textOf(file.parentOf(call) ?? call).slice(0, 600),
      ),
    results: kind === "read" ? resultsOf(file, call) : [],
  }
}

/** The table that a type tells: `private readonly usages: Repository<QuotaUsage>`, GORM's `First(&user)`. */
function tableTyped(
  program: Program,
  file: File,
  steps: readonly Call[],
  on: Node | null,
): string | null {
  if (file.language === "go") {
    const arg = steps.flatMap((step) => step.args).find((one) => one.kind === "unary")
    if (arg?.kind !== "unary" || arg.op !== "&" || arg.operand.kind !== "name") return null
    const type = typeOf(program, file, arg.operand, steps[0]!)
    return type !== null && /^[A-Z]/.test(type) ? singular(type) : null
  }
  if (on?.kind !== "member" || on.object.kind !== "name" || on.object.name !== "this") return null
  const field = file.classOf(on)?.fields.find((one) => one.name === on.name)
  const entity = /^(?:\w+\.)?(?:Repository|EntityRepository|Model|Collection)<(\w+)/.exec(
    field?.type ?? "",
  )
  return entity ? singular(entity[1]!.replace(/(?:Document|Entity)$/, "")) : null
}

function kindOf(steps: readonly Call[]): RowCall["kind"] | null {
  const names = steps.map((step) => step.name)
  if (names.some((name) => UPSERTS.test(name))) return "upsert"
  if (names.some((name) => UPDATES.test(name))) return "update"
  if (names.some((name) => DELETES.test(name))) return "delete"
  const last = names.at(-1)!
  if (SAVES.test(last)) return "save"
  // `insert({ … }).select().single()` gives back what it inserted.
  const added = names.findIndex((name) => INSERTS.test(name))
  if (added >= 0 && !names.slice(0, added).some((name) => /^(?:find|select|first)/i.test(name)))
    return "insert"
  return names.some((name) => READS.test(name)) ? "read" : null
}

/** Whether a chain speaks to a database at all. */
function isRows(
  program: Program,
  file: File,
  steps: readonly Call[],
  root: string,
  object: Node | null,
): boolean {
  const receiver = object ? dotted(object) : ""
  const first = steps[0]!
  const last = steps.at(-1)!
  if (/redis|cache|localStorage|sessionStorage|map$|^(?:array|list|set|state)$/i.test(receiver))
    return false
  // `knex("jobs")`, `db("jobs")`
  if (
    first.callee.kind === "name" &&
    BUILDER_ROOT.test(first.name) &&
    first.args[0]?.kind === "string"
  )
    return steps.length > 1
  // `prisma.job.findFirst({ where })`
  const prisma = last.args[0]
  if (
    prisma?.kind === "object" &&
    prisma.entries.some((one) => /^(?:where|data)$/.test(one.key ?? ""))
  )
    return /^(?:find|update|create|delete|upsert|count)/.test(last.name)
  if (/^(?:this\.)?prisma\.\w+$/.test(receiver))
    return /^(?:find|update|create|delete|upsert|count)/.test(last.name)
  if (receiver.endsWith(".objects") || isStatement(file, first)) return true
  // `select(Job).where(…)`, `update(Job)` of SQLAlchemy, wherever it is executed.
  const names = steps.map((step) => step.name)
  const isBuilt = names.some((name) => BUILDS.test(name))
  if (isBuilt && (BUILDER_ROOT.test(root) || BUILDER_ROOT.test(receiver.split(".").at(-1)!)))
    return true
  if (file.language === "go") {
    if (!/(?:^|\.)(?:\w*db|tx|orm|gorm)$/i.test(receiver)) return false
    return /^(?:First|Take|Last|Find|Save|Create|Updates?|UpdateColumn|Model|Where|Clauses|Delete)$/.test(
      last.name,
    )
  }
  const lastWord = receiver.split(".").at(-1)!
  const type = object && object.kind !== "call" ? typeOf(program, file, object, first) : null
  if (type && STORE_TYPES.test(type)) return true
  if (STORE.test(lastWord) || /\bgetRepository\(\)|\bcollection\(\)/.test(receiver)) return true
  // A record that saves itself, and a class that is one: `Job.findOne(…)`, `Accounts.update({ … })`.
  if (/^[A-Z]\w+$/.test(receiver))
    return /^(?:findOne\w*|findById\w*|findByPk|findAll|findOneAndUpdate|updateOne|updateMany|find|update|select|selectAll|insert|create|insertMany|exists)$/.test(
      first.name,
    )
  return SAVES.test(last.name) && steps.length === 1 && on(receiver) && last.args.length <= 1
}

function on(receiver: string): boolean {
  return (
    receiver !== "" &&
    !/ctx|canvas|file|image|document|model$|config|settings|store|^this$|^self$/i.test(receiver)
  )
}

/** The names that what a call gives back goes to, also by pointer. */
export function resultsOf(file: File, call: Call): string[] {
  const names = handedOn(file, call)
  for (const step of stepsOf(call)) {
    for (const arg of step.args)
      if (arg.kind === "unary" && arg.op === "&") names.push(rootOf(arg.operand) ?? "")
  }
  // A chain that is scanned further out: `QueryRow(…).Scan(&x)` is in the steps already.
  let inner: Node = call
  for (const outer of file.ancestorsOf(call)) {
    if (outer.kind === "assign") {
      if (outer.value && outer.value.start <= inner.start && inner.end <= outer.value.end)
        names.push(...namesFor(outer, call))
      break
    }
    if (
      outer.kind === "loop" &&
      outer.iterable &&
      outer.iterable.start <= inner.start &&
      inner.end <= outer.iterable.end
    )
      names.push(...outer.bindings.flatMap((one) => (one.kind === "name" ? [one.name] : [])))
    // `async with db.execute(…) as cursor`
    if (outer.kind === "with")
      for (const { value, binding } of outer.resources)
        if (binding?.kind === "name" && value.start <= call.start && call.end <= value.end)
          names.push(binding.name)
    if (/^(?:block|function|loop|with)$/.test(outer.kind)) break
    inner = outer
  }
  return [...names, ...derivedFrom(file, call, names)].filter(
    (name, index, all) =>
      name !== "" && !/^(?:err|error|ok|_)$/.test(name) && all.indexOf(name) === index,
  )
}

/** Of things that are waited for together, each has its own name: `[user, count] = await Promise.all([…])`. */
function namesFor(assign: Assign, call: Call): string[] {
  const parts = assign.value ? gatheredIn(assign.value) : null
  const index = parts?.findIndex((one) => one.start <= call.start && call.end <= one.end) ?? -1
  if (!parts || index < 0 || parts.length !== assign.targets.length) return namesOf(assign)
  const target = assign.targets[index]
  return target?.kind === "name" ? [target.name] : []
}

function namesOf(assign: Assign): string[] {
  return assign.targets.flatMap((target) => (target.kind === "name" ? [target.name] : []))
}

/** `const job = rows[0]`, `account = result.scalar_one()`, `rows.Scan(&x)`: what is taken out of a result. */
export function derivedFrom(file: File, call: Call, names: readonly string[]): string[] {
  const method = unitAround(file, call)
  const found: string[] = []
  const known = new Set(names)
  // A cursor hands its rows out later: `cur.execute(…)`, `row = cur.fetchone()`.
  const cursor = names.length === 0 && call.name === "execute" ? receiverOf(call) : null
  if (cursor?.kind === "name") known.add(cursor.name)
  const end = method?.end ?? Number.POSITIVE_INFINITY
  for (const assign of file.assignments) {
    if (assign.start < call.end || assign.end > end || !assign.value) continue
    if (!isTakenFrom(assign.value, known)) continue
    for (const name of namesOf(assign)) {
      known.add(name)
      found.push(name)
    }
  }
  for (const other of file.calls) {
    if (other.name !== "Scan" || other.start < call.end || other.end > end) continue
    if (!known.has(rootOf(other.callee) ?? "")) continue
    for (const arg of other.args)
      if (arg.kind === "unary" && arg.op === "&") found.push(rootOf(arg.operand) ?? "")
  }
  return found
}

const CONVERTS =
  /^(?:Number|parseInt|parseFloat|int|float|Decimal|int64|float64|BigInt|String|str|Atoi|ParseInt|ParseFloat|ParseUint|parseLong|parseDouble|valueOf|BigDecimal)$/

/** An access path that starts at one of some names, `?? fallback` and conversions passed over. */
export function isTakenFrom(node: Node, names: ReadonlySet<string>): boolean {
  if (node.kind === "await") return isTakenFrom(node.value, names)
  if (node.kind === "binary" && /^(?:\?\?|\|\|)$/.test(node.op))
    return isTakenFrom(node.left, names)
  if (node.kind === "call" && CONVERTS.test(node.name) && node.args[0])
    return isTakenFrom(node.args[0], names)
  if (
    node.kind === "name" ||
    node.kind === "member" ||
    node.kind === "index" ||
    node.kind === "call"
  )
    return names.has(rootOf(node) ?? "")
  return false
}

export { bare, singular, someNode } from "./rows.ts"
