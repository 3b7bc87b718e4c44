/** Where rows and documents are written: SQL in strings, query builders, mappers, and repositories named as such. */
import { walk } from "../../ir/children.ts"
import type { Call, Func, Node } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import { dotted, receiverOf, wordsOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import type { Reached } from "../program/reached.ts"
import { callOf, queriesOf } from "./queries.ts"
import { resolveCall, typeOf } from "../program/resolve.ts"
import type { SqlStatement } from "./sql/statement.ts"

export interface DatabaseWrite {
  /** `upsert` may be done twice; `increment` adds to what is there; `write` is any of them. */
  readonly kind: "insert" | "update" | "upsert" | "delete" | "increment" | "write"
  readonly file: File
  readonly call: Call
  /** The table, collection or repository, as far as it is named; "" where it is not. */
  readonly table: string
  readonly statement: SqlStatement | null
}

const INSERT =
  /^(?:insert|Insert|insertOne|insertMany|insert_one|insert_many|InsertOne|InsertMany|insertInto|create|Create|createMany|bulk_create|bulkCreate|persist|add_all|CreateInBatches|insertAndGetId|batchInsert|acreate|NewInsert)$/
const UPDATE =
  /^(?:update|updateOne|updateMany|update_one|update_many|UpdateOne|UpdateMany|Updates|Update|UpdateColumn|findByIdAndUpdate|findOneAndUpdate|find_one_and_update|bulk_update|replaceOne|replace_one|merge|saveAndFlush|save_all|aupdate)$/
const UPSERT =
  /^(?:upsert|Upsert|insertOrUpdate|update_or_create|get_or_create|findOrCreate|connectOrCreate|FirstOrCreate|insertIgnore|aupdate_or_create|aget_or_create|putIfAbsent)$/
const INCREMENT = /^(?:increment|incrementBy|decrement|increase|decrease)$/
const DELETE =
  /^(?:delete|deleteOne|deleteMany|delete_one|delete_many|DeleteOne|DeleteMany|destroy|softDelete|deleteById|deleteAll|remove|Delete)$/
const SAVE = /^(?:save|saveAll|Save|SaveX|asave|persistAndFlush|saveMany)$/

/** Named things that rows are written through. */
const STORES =
  /repo(?:sitory|s)?$|dao$|prisma|(?:^|\.)(?:db|tx|trx|database|orm|gorm|session|em|entityManager|entity_manager|knex|supabase\w*|mongo\w*|collection|coll|mapper|dsl|jdbcTemplate|jdbc|queries|qtx|store|conn|connection|cursor|pool|objects|manager|dataSource|sequelize|firestore|dynamo\w*)(?:\(\))?$|\.objects\b|\.from\(\)|(?:prisma|\b(?:tx|trx))\.\w+$|\.(?:collection|Collection|getCollection|table|Table|Model|model|into|Where|where|filter|getRepository|insertInto|values|Clauses|eq|withSchema|exclude|insert|update)\(\)|\b(?:knex|db|trx|tx)\(\)/i
const STORE_TYPES =
  /(?:Repository|Repo|Dao|DAO|Store|Mapper|EntityManager|DataSource|Queries|JdbcTemplate|MongoTemplate|DSLContext|PrismaClient|AsyncSession|Session|DB|Tx|Collection|Model)$/

/** Verbs that only collections of documents have. */
const OF_COLLECTIONS =
  /^(?:insertOne|insertMany|insert_one|insert_many|InsertOne|InsertMany|updateOne|updateMany|update_one|update_many|UpdateOne|UpdateMany|replaceOne|replace_one|findOneAndUpdate|find_one_and_update|deleteOne|delete_one|DeleteOne)$/

/** SQLAlchemy's `session.add(row)`, and the commit of a session or transaction, which is what writes. */
function ofSession(file: File, call: Call, on: string): boolean {
  const isSession = /(?:^|\.)_?(?:\w*session|db|uow|tx|trx|transaction|conn|connection)$/i.test(on)
  if (!isSession) return false
  if (call.name === "add") return file.language === "python" && call.args.length === 1
  return /^(?:commit|Commit)$/.test(call.name)
}

/** What is called like a store and is none, or keeps what may be lost. */
const NOT_STORES =
  /cache|redis|local_?storage|session_?storage|map$|registry|metrics?|state_?store/i

const MEMO = Symbol("database write of a call")

/** What a call writes itself; null for anything else. */
export function databaseWriteOf(program: Program, file: File, call: Call): DatabaseWrite | null {
  return program.memo<Call, DatabaseWrite | null>(MEMO, call, null, () => {
    const bySql = statementsByCall(program, file).get(call)
    if (bySql) return ofStatement(file, call, bySql)
    return ofMapper(program, file, call)
  })
}

const BY_CALL = Symbol("statements by call")

/** The writing statement that a call is given. */
function statementsByCall(program: Program, file: File): ReadonlyMap<Call, SqlStatement> {
  return program.memo<File, ReadonlyMap<Call, SqlStatement>>(BY_CALL, file, new Map(), () => {
    const found = new Map<Call, SqlStatement>()
    for (const query of queriesOf(program, file)) {
      const call = callOf(file, query)
      const statement = query.statements.find((one) =>
        /^(?:insert|update|delete|merge|replace)$/.test(one.verb),
      )
      if (call && statement && !found.has(call)) found.set(call, statement)
    }
    return found
  })
}

function ofStatement(file: File, call: Call, statement: SqlStatement): DatabaseWrite {
  const table = statement.writes[0]?.name ?? ""
  const base = { file, call, table, statement }
  if (statement.verb === "insert")
    return { kind: statement.onConflict ? "upsert" : "insert", ...base }
  if (statement.verb === "delete") return { kind: "delete", ...base }
  if (statement.verb !== "update") return { kind: "upsert", ...base }
  return {
    kind: statement.sets.some((one) => one.isSelfReferential) ? "increment" : "update",
    ...base,
  }
}

function isPrismaUpdate(call: Call): boolean {
  const [only] = call.args
  if (only?.kind !== "object" || call.args.length !== 1) return false
  return ["where", "data"].every((key) => only.entries.some((entry) => entry.key === key))
}

function ofMapper(program: Program, file: File, call: Call): DatabaseWrite | null {
  const receiver = receiverOf(call)
  if (!receiver) return null
  const kind = kindOf(call.name)
  const on = dotted(receiver)
  const base = { file, call, table: tableOf(call, receiver), statement: null }
  if (ofSession(file, call, on)) return { kind: "write", ...base, table: "" }
  if (kind !== null && OF_COLLECTIONS.test(call.name))
    return { kind: kind === "update" && addsToField(call) ? "increment" : kind, ...base }
  if (kind === null) return byVerb(program, file, call, receiver)
  if (NOT_STORES.test(on)) return null
  // A delegate of Prisma that was handed in: `users.update({ where, data: { credits: { increment: 5 } } })`.
  if (kind === "update" && isPrismaUpdate(call))
    return { kind: addsToField(call) ? "increment" : kind, ...base }
  if (isStoreLike(program, file, receiver, call)) {
    if (kind === "update" && addsToField(call)) return { kind: "increment", ...base }
    return { kind, ...base }
  }
  // Django's and mongoose's objects save themselves: `order.save()`.
  const isRecord =
    /^(?:save|asave)$/.test(call.name) &&
    (receiver.kind === "name" || (receiver.kind === "call" && receiver.isNew === true)) &&
    call.args.every((arg) => arg.kind === "named" || arg.kind === "object") &&
    (file.language === "python" || file.language === "javascript" || file.language === "typescript")
  if (
    isRecord &&
    (/^[a-z]/.test(on) || receiver.kind === "call") &&
    file.unit.imports.some(isMapper)
  )
    return { kind: "write", ...base, table: on }
  // sequelize's and mongoose's classes: `Order.create({ … })`.
  const isModel =
    receiver.kind === "name" &&
    /^[A-Z]/.test(on) &&
    /^(?:create|bulkCreate|insertMany|updateOne|updateMany|findByIdAndUpdate|findOneAndUpdate|increment|upsert|insert)$/.test(
      call.name,
    ) &&
    (file.unit.imports.some(isMapper) || file.unit.imports.some((one) => /model/i.test(one.module)))
  return isModel
    ? { kind: kind === "update" && addsToField(call) ? "increment" : kind, ...base, table: on }
    : null
}

function isMapper(one: { readonly module: string }): boolean {
  return /django|mongoose|sequelize|typeorm|models?\b|prisma|sqlalchemy|peewee|tortoise|exposed/i.test(
    one.module,
  )
}

function kindOf(name: string): DatabaseWrite["kind"] | null {
  if (INSERT.test(name)) return "insert"
  if (UPSERT.test(name)) return "upsert"
  if (INCREMENT.test(name)) return "increment"
  if (UPDATE.test(name)) return "update"
  if (DELETE.test(name)) return "delete"
  return SAVE.test(name) ? "write" : null
}

function isStoreLike(program: Program, file: File, receiver: Node, at: Call): boolean {
  const on = dotted(receiver)
  if (STORES.test(on)) return true
  const type = typeOf(program, file, receiver, at)
  return type !== null && STORE_TYPES.test(type)
}

/** Repositories have verbs of their own: `orders.insertOrder(…)`, `q.CreatePayment(ctx, …)`, `db.markPaid(id)`. */
function byVerb(program: Program, file: File, call: Call, receiver: Node): DatabaseWrite | null {
  const [verb, ...rest] = wordsOf(call.name)
  if (rest.length === 0 || NOT_STORES.test(dotted(receiver))) return null
  const kind = VERBS.get(verb ?? "")
  if (!kind) return null
  const on = dotted(receiver).replace(/\(\)|\[\]/g, "")
  const type = typeOf(program, file, receiver, call) ?? ""
  const isRepository =
    /(?:repo(?:sitory)?|dao|queries|qtx|mapper|store|db|storage)$/i.test(on) ||
    /(?:Repository|Repo|Dao|DAO|Queries|Store|Mapper|DB)$/.test(type)
  if (!isRepository || /Listener|Handler|Index$|Table$|Connection|Client/.test(call.name))
    return null
  if (/(?:store|storage)$/i.test(on) && isInMemory(program, file, call)) return null
  const isOnce = /IfNotExists|IfAbsent|OrIgnore|OrUpdate|Once|Idempotent|if_not_exists/.test(
    call.name,
  )
  return {
    kind: isOnce ? "upsert" : kind,
    file,
    call,
    table: `${on.split(".").at(-1) ?? ""} ${rest.join(" ")}`,
    statement: null,
  }
}

const DATABASES =
  /sql|pgx|\bpg\b|postgres|gorm|mongo|dynamo|firestore|jdbc|jooq|jpa|hibernate|prisma|typeorm|knex|drizzle|sequelize|django|peewee|bolt|badger|cassandra|database|persist|redis|exposed/i

/** A store of the repository's own that knows no database: what it keeps is gone with the process, as is who asks. */
function isInMemory(program: Program, file: File, call: Call): boolean {
  const targets = resolveCall(program, file, call)
  return (
    targets.length > 0 &&
    targets.every(
      ({ file: at, fn }) =>
        !at.unit.imports.some((one) => DATABASES.test(`${one.module} ${one.name}`)) &&
        databaseWritesWithin(program, at, fn.body ?? fn, 1).length === 0,
    )
  )
}

const VERBS = new Map<string, DatabaseWrite["kind"]>(
  Object.entries({
    insert: "insert",
    create: "insert",
    add: "insert",
    append: "insert",
    record: "insert",
    save: "write",
    store: "write",
    persist: "write",
    update: "update",
    mark: "update",
    set: "update",
    upsert: "upsert",
    delete: "delete",
    remove: "delete",
    increment: "increment",
    decrement: "increment",
    credit: "increment",
    debit: "increment",
  } as const),
)

/** The table, as a word: `prisma.order.create` has `order`, `from("orders")` has `orders`. */
function tableOf(call: Call, receiver: Node): string {
  for (let at: Node = receiver; ;) {
    if (at.kind === "call") {
      const [first] = at.args
      if (first?.kind === "string") return first.value
      if (at.callee.kind !== "member") return at.name
      at = at.callee.object
      continue
    }
    const first = call.args[0]
    if (first?.kind === "call" && first.isNew) return first.name
    return (
      dotted(at)
        .replace(/\.objects$/, "")
        .split(".")
        .at(-1) ?? ""
    )
  }
}

/** `{ balance: { increment: 5 } }`, `{ $inc: { balance: 5 } }`, `F("balance") + 5`, `gorm.Expr("balance + ?")`. */
function addsToField(call: Call): boolean {
  let found = false
  for (const arg of call.args) {
    walk(arg, (node) => {
      if (node.kind === "object")
        found ||= node.entries.some((entry) =>
          /^(?:increment|decrement|\$inc|\$push)$/.test(entry.key ?? ""),
        )
      if (node.kind === "call" && node.name === "F") found = true
      if (node.kind === "call" && node.name === "Expr" && node.args[0]?.kind === "string")
        found ||= /[+-]/.test(node.args[0].value)
      if (node.kind === "call" && node.name === "increment") found = true
      return !found
    })
  }
  return found
}

/** One table for each number of steps. */
const REACH = [0, 1, 2, 3].map((steps) => Symbol(`writes of a function, ${steps} steps`))

/** Every write in some code and in what it calls, up to this many calls deep. */
export function databaseWritesWithin(
  program: Program,
  file: File,
  root: Node,
  depth = 2,
): readonly Reached<DatabaseWrite>[] {
  const found: Reached<DatabaseWrite>[] = []
  walk(root, (node) => {
    if (node.kind !== "call") return undefined
    const own = databaseWriteOf(program, file, node)
    if (own) found.push({ from: node, what: own, depth: 0 })
    else if (depth > 0) {
      for (const target of resolveCall(program, file, node)) {
        for (const { what, depth: more } of within(program, target.file, target.fn, depth - 1))
          found.push({ from: node, what, depth: more + 1 })
      }
    }
    return undefined
  })
  return found
}

function within(
  program: Program,
  file: File,
  fn: Func,
  depth: number,
): readonly Reached<DatabaseWrite>[] {
  if (!fn.body) return []
  return program.memo<Func, readonly Reached<DatabaseWrite>[]>(REACH[depth]!, fn, [], () =>
    databaseWritesWithin(program, file, fn.body!, depth).slice(0, 20),
  )
}
