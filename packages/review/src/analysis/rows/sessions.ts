/**
 * Whether statements that go through a handle of a database reach one session: a pool hands out another connection for
 * each, a client, a connection or a transaction stays with one.
 */
import type { Call, Node } from "../../ir/nodes.ts"
import { definitionsOf } from "../program/definitions.ts"
import type { File } from "../program/file.ts"
import { dotted, receiverOf, wordsOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { resolveCall, typeOf } from "../program/resolve.ts"

export type Handle = "pool" | "pinned" | "unknown"

/** What gives one connection that stays. */
const PINS =
  /^(?:connect|Connect|ConnectConfig|Acquire|Conn|Connx|getConnection|get_connection|reserve|createQueryRunner|acquire|begin|Begin|BeginTx|Beginx|beginTransaction|begin_nested|transaction|unmanagedTransaction|cursor|openConnection|raw_connection|openSession|getCurrentSession|connection|hijack|checkout|getconn|unwrap)$/
const PINNED_TYPES =
  /^(?:Client|PoolClient|ClientBase|Conn|PoolConn|Tx|Connection|AsyncConnection|QueryRunner|Session|AsyncSession|Cursor|Transaction|TransactionSql|ReservedSql|Handle|EntityManager|PgConnection)$/
const PINNED_WORDS = new Set(
  "client conn connection c cn cur curs cursor tx trx txn t transaction session sess runner queryrunner handle reserved dedicated pinned lockconn".split(
    " ",
  ),
)

const POOLS =
  /^(?:Pool|createPool|Open|OpenDB|New|NewWithConfig|MustConnect|drizzle|knex|Knex|Sequelize|PrismaClient|create_engine|create_async_engine|DataSource|createDataSource|create_pool|postgres|Database|JdbcTemplate|NamedParameterJdbcTemplate|HikariDataSource|(?:Async)?ConnectionPool)$/
const POOL_TYPES =
  /^(?:Pool|DB|Sequelize|PrismaClient|Knex|DataSource|Engine|AsyncEngine|JdbcTemplate|NamedParameterJdbcTemplate|JdbcClient|PrismaService|DatabaseService|DatabasePool|HikariDataSource|NodePgDatabase|PostgresJsDatabase|ConnectionPool|AsyncConnectionPool|DbDriver|\w*Driver)$/
const POOL_WORDS = new Set(
  "pool pgpool db driver database prisma sequelize knex orm drizzle engine datasource jdbc jdbctemplate template jdbcclient payload supabase sql".split(
    " ",
  ),
)

/** One connection is all there is. */
const SINGLE =
  /\b(?:max|pool_size|poolSize|maxSize|max_size|connectionLimit|maximumPoolSize|max_connections|MaxConns|maxconn)["']?\s*[:=(]\s*1\b(?!\d)|SetMaxOpenConns\(1\)|connection_limit=1\b|(?:setMaximumPoolSize|setMaxTotal)\(1\)/

/** What a call's statement runs on. */
export function handleOf(program: Program, file: File, call: Call): Handle {
  // peewee keeps one connection for each thread.
  if (call.name === "execute_sql") return "unknown"
  const receiver = receiverOf(call) ?? (call.isTagged ? call.callee : null)
  if (!receiver) return ofHelper(program, file, call)
  const root = lastHandle(receiver)
  if (isPinnedByLambda(file, root, call)) return "pinned"
  const made = ofDefinitions(program, file, root)
  if (made !== "unknown") return made
  const type = typeOf(program, file, root, call)
  if (type) {
    if (PINNED_TYPES.test(type)) return "pinned"
    if (POOL_TYPES.test(type)) return "pool"
  }
  const name = root.kind === "name" || root.kind === "member" ? root.name : ""
  const words = wordsOf(name)
  if (words.some((word) => PINNED_WORDS.has(word))) return "pinned"
  if (root.kind === "name" || root.kind === "member") {
    if (words.some((word) => POOL_WORDS.has(word))) return "pool"
  }
  return ofHelper(program, file, call)
}

/** `db` of `db.$queryRaw`, of `payload.db.drizzle.execute(…)` the last one, of `sql.raw(…)` itself. */
function lastHandle(node: Node): Node {
  if (node.kind === "call" && node.callee.kind === "member" && !PINS.test(node.name)) {
    return lastHandle(node.callee.object)
  }
  return node
}

/** A callback's own parameter is what the callback was given to work with. */
function isPinnedByLambda(file: File, handle: Node, at: Node): boolean {
  if (handle.kind !== "name") return false
  for (const outer of file.ancestorsOf(at)) {
    if (outer.kind !== "function") continue
    if (outer.params.some((param) => param.name === handle.name))
      return outer.isLambda === true && outer.name === ""
  }
  return false
}

function ofDefinitions(program: Program, file: File, handle: Node, steps = 3): Handle {
  if (handle.kind === "call") return PINS.test(handle.name) ? "pinned" : "unknown"
  if (handle.kind !== "name" && handle.kind !== "member") return "unknown"
  for (const { file: from, value, isParam } of definitionsOf(program, file, handle)) {
    const made = value?.kind === "await" ? value.value : value
    if (made && !isParam && made !== handle && (made.kind === "name" || made.kind === "member")) {
      return steps > 0 ? ofDefinitions(program, from, made, steps - 1) : "unknown"
    }
    if (made?.kind !== "call" || isParam) continue
    if (made.isNew && /^(?:Client|PgClient)$/.test(made.name)) return "pinned"
    if (
      POOLS.test(made.name) &&
      (made.isNew || made.name !== "New" || /pool|sql|db/i.test(dotted(made.callee)))
    ) {
      return SINGLE.test(from.textOf(made)) || hasSingle(from, handle) ? "pinned" : "pool"
    }
    if (PINS.test(made.name)) return "pinned"
  }
  return "unknown"
}

/** `db.SetMaxOpenConns(1)` after it was opened. */
function hasSingle(file: File, handle: Node): boolean {
  const name = dotted(handle).split(".").at(-1)!
  return file.calls.some(
    (call) =>
      /^(?:SetMaxOpenConns|setMaximumPoolSize)$/.test(call.name) &&
      call.args[0]?.kind === "number" &&
      call.args[0].value === 1 &&
      dotted(call.callee).includes(name),
  )
}

/** A function of this repository that sends what it is given on: to a pool when all its calls do. */
function ofHelper(program: Program, file: File, call: Call): Handle {
  const [target] = resolveCall(program, file, call)
  if (!target?.fn.body) return "unknown"
  const { fn, file: from } = target
  const params = fn.params.map((param) => param.name)
  const sends = from.calls.filter(
    (one) =>
      one !== call &&
      one.start >= fn.start &&
      one.end <= fn.end &&
      one.args.some((arg) => arg.kind === "name" && params.includes(arg.name)) &&
      /^(?:query|execute|exec|\$queryRawUnsafe|\$executeRawUnsafe|raw|unsafe|run)$/i.test(one.name),
  )
  const kinds = new Set(
    sends.map((one) => {
      const receiver = receiverOf(one)
      const words = receiver ? wordsOf(dotted(receiver)) : []
      if (words.some((word) => PINNED_WORDS.has(word))) return "pinned"
      return words.some((word) => POOL_WORDS.has(word)) ? "pool" : "unknown"
    }),
  )
  return kinds.size === 1 ? ([...kinds][0]! as Handle) : "unknown"
}
