/**
 * Calls that read or write rows where they are written: which table, under which conditions, with which values. SQL in
 * strings, query builders, mappers and documents all come out the same. Rows behind functions: see rowCalls.ts.
 */
import type { Call, Node } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import { dotted, receiverOf, rootOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { typeOf } from "../program/resolve.ts"
import { callOf, type Query, queriesOf, textIn } from "./queries.ts"
import { bare, singular } from "./rows.ts"
import type { RowCall } from "./rowCall.ts"
import { conditionsOf, settingsOf, tableOf } from "./rowParts.ts"
import { resultsOf } from "./rowResults.ts"
import { chainOf, stepsOf } from "./rowSteps.ts"

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

const MEMO = Symbol("rows that a file touches itself")

/** Every call of a file that reads or writes rows by itself, in the order of the text. */
export function ownRowsOf(program: Program, file: File): readonly RowCall[] {
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
  const on = rootObject(steps)
  const receiver = on ? dotted(on) : ""
  const kind = kindOf(steps)
  if (!kind || !isRows(program, file, steps, root, on)) return null
  const where = conditionsOf(program, file, steps)
  return {
    kind,
    call,
    query: null,
    table: tableTyped(program, file, steps, on) ?? tableNamed(program, file, steps, on, receiver),
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

/** The table that a chain or its receiver is named after; where the name says nothing, that of the receiver's type. */
function tableNamed(
  program: Program,
  file: File,
  steps: readonly Call[],
  on: Node | null,
  receiver: string,
): string | null {
  const named = tableOf(file, steps, receiver)
  if ((named !== null && !/^(?:row|record|entry|item|data|all)?$/.test(named)) || !on) return named
  const type = on.kind === "call" ? null : typeOf(program, file, on, steps[0]!)
  return type !== null && /[a-z](?:Repository|Repo|Dao|DAO|Mapper)$/.test(type)
    ? singular(type)
    : named
}

/** What the first step is called on; of `prisma().order.create(…)`, where a function gives the client, what comes after it. */
function rootObject(steps: readonly Call[]): Node | null {
  const [first, second] = steps
  const on = receiverOf(first!)
  if (on || !second || first!.args.length > 0) return on
  const next = receiverOf(second)
  return next?.kind === "member" ? next : null
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
    return type !== null && /^[A-Z]/.test(type)
      ? singular(type.replace(/(?<=[a-z])(?:ORM|Row|Record)$/, ""))
      : null
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
  if (/^(?:this\.)?prisma(?:\(\))?\.\w+$/.test(receiver))
    return /^(?:find|update|create|delete|upsert|count)/.test(last.name)
  if (isStatement(file, first)) return true
  if (
    file.language === "python"
      ? /(?:\.objects|\.\w+_set)$/.test(receiver)
      : receiver.endsWith(".objects")
  )
    return true
  // `select(Job).where(…)`, `update(Job)` of SQLAlchemy, wherever it is executed.
  if (file.language === "python" && isOfSession(first, receiver)) return true
  const names = steps.map((step) => step.name)
  const isBuilt = names.some((name) => BUILDS.test(name))
  if (isBuilt && (BUILDER_ROOT.test(root) || BUILDER_ROOT.test(receiver.split(".").at(-1)!)))
    return true
  if (file.language === "go") {
    if (!/(?:^|\.)(?:\w*db|tx|orm|gorm)$/i.test(receiver)) return false
    return steps.some((step) =>
      /^(?:First|Take|Last|Find|Save|Create|Updates?|UpdateColumn|Model|Where|Clauses|Delete)$/.test(
        step.name,
      ),
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

/** SQLAlchemy's session, which FastAPI's programs call `db`: `db.get(Order, id)`, `db.add(order)`, `db.scalar(query)`. */
function isOfSession(first: Call, receiver: string): boolean {
  if (!/(?:^|\.)_?(?:db|session|db_session|async_session)$/.test(receiver)) return false
  const [model] = first.args
  if (first.name === "get") return first.args.length >= 2 && model?.kind === "name"
  return first.name === "add" && first.args.length === 1
}

function on(receiver: string): boolean {
  return (
    receiver !== "" &&
    !/ctx|canvas|file|image|document|model$|config|settings|store|^this$|^self$/i.test(receiver)
  )
}
