/** advisory-lock-leak: a lock of a session that the session keeps, because the unlock goes to another one. */
import type { File } from "../analysis/program/file.ts"
import { dotted, receiverOf, rootOf } from "../analysis/program/names.ts"
import type { Program } from "../analysis/program/program.ts"
import { callOf, queriesOf, type Query } from "../analysis/rows/queries.ts"
import { handleOf } from "../analysis/rows/sessions.ts"
import type { Call, Node } from "../ir/nodes.ts"
import type { Draft, DraftFact, Rule } from "./rule.ts"

/** Locks that belong to a session and outlive its transaction. */
const LOCKS = /\bpg_(?:try_)?advisory_lock(?:_shared)?\s*\(|\bget_lock\s*\(/i
const UNLOCKS = /\bpg_advisory_unlock\w*\s*\(|\brelease_(?:all_)?locks?\s*\(|\bdiscard\s+all\b/i

export const advisoryLockLeak: Rule = {
  id: "advisory-lock-leak",
  title: "Advisory lock left in a pooled session",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin"],
  scope: "code",
  mentions: /advisory_lock|advisory_unlock|get_lock|GET_LOCK/,
  docs: {
    what: "A lock that belongs to a database session is taken or given back through a pool, which may use another connection for every statement.",
    why: "The unlock runs in a session that does not hold the lock and does nothing but warn. The session that holds it goes back into the pool and keeps it: the next one waits for ever, or holds the lock without knowing.",
    silent: [
      "The lock ends with its transaction (pg_advisory_xact_lock).",
      "Lock and unlock go through one client, connection or transaction.",
      "The pool has one connection.",
    ],
    reach: {
      sees: [
        "PostgreSQL's `pg_advisory_lock` and `pg_try_advisory_lock` (also shared) and MySQL's `GET_LOCK`, in SQL that stands in a string, with `pg_advisory_unlock`, `RELEASE_LOCK` and `DISCARD ALL`.",
        "Pools, by what made them, by their type or by their name: node-postgres, Prisma, Drizzle, Sequelize, database/sql, GORM, pgxpool, SQLAlchemy's engines, asyncpg, databases, psycopg's pools, JdbcTemplate, DataSource.",
        "What stays with one connection: a client, a checked-out connection, a cursor, a transaction, the parameter of a callback.",
        "A connection that is checked out, locked and given back without an unlock: a `with` block of Python, or `release()`, `close()` and `putconn(conn)` in the same function; also through a cursor of it.",
        "In Python a `session.commit()` between lock and unlock: SQLAlchemy takes another connection after it.",
      ],
      misses: [
        "SQL that a query builder makes, that Knex' `raw` is given, or that is read from a file.",
        "A handle whose name, type and origin say neither pool nor connection.",
        "A lock on one connection whose unlock goes through a pool in another file.",
      ],
    },
    fix: "Take pg_advisory_xact_lock in a transaction, or check out one connection for lock, work and unlock.",
    reference: "https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS",
    examples: {
      go: {
        bad: 'pool.Exec(ctx, "select pg_advisory_lock($1)", key)\ndefer pool.Exec(ctx, "select pg_advisory_unlock($1)", key)',
        good: 'conn, err := pool.Acquire(ctx)\n…\ndefer conn.Release()\nconn.Exec(ctx, "select pg_advisory_lock($1)", key)\ndefer conn.Exec(ctx, "select pg_advisory_unlock($1)", key)',
      },
      python: {
        bad: 'with engine.connect() as conn:\n    conn.execute(text("select pg_advisory_lock(7)"))\nwork()\nwith engine.connect() as conn:\n    conn.execute(text("select pg_advisory_unlock(7)"))',
        good: 'with engine.begin() as conn:\n    conn.execute(text("select pg_advisory_xact_lock(7)"))\n    work(conn)',
      },
      typescript: {
        bad: 'await pool.query("select pg_advisory_lock(7)")\ntry {\n  await work()\n} finally {\n  await pool.query("select pg_advisory_unlock(7)")\n}',
        good: 'const client = await pool.connect()\ntry {\n  await client.query("select pg_advisory_lock(7)")\n  await work()\n} finally {\n  await client.query("select pg_advisory_unlock(7)")\n  client.release()\n}',
      },
      java: {
        bad: 'jdbcTemplate.execute("select pg_advisory_lock(7)");\nwork();\njdbcTemplate.execute("select pg_advisory_unlock(7)");',
        good: 'try (Connection conn = dataSource.getConnection(); Statement st = conn.createStatement()) {\n  st.execute("select pg_advisory_lock(7)");\n  work();\n  st.execute("select pg_advisory_unlock(7)");\n}',
      },
      kotlin: {
        bad: 'jdbcTemplate.execute("select pg_advisory_lock(7)")\nwork()\njdbcTemplate.execute("select pg_advisory_unlock(7)")',
        good: 'dataSource.connection.use { conn ->\n  conn.createStatement().execute("select pg_advisory_lock(7)")\n  work()\n  conn.createStatement().execute("select pg_advisory_unlock(7)")\n}',
      },
    },
  },
  check(file, program, report) {
    const all = queriesOf(program, file)
    const unlocks = all.filter((query) => UNLOCKS.test(query.text))
    for (const query of all) {
      if (!LOCKS.test(query.text) || UNLOCKS.test(query.text)) continue
      const call = callOf(file, query)
      const draft = call && draftOf(program, file, call, unlocks)
      if (draft) report(draft)
    }
  },
}

function draftOf(
  program: Program,
  file: File,
  lock: Call,
  unlocks: readonly Query[],
): Draft | null {
  if (isManaged(file, lock)) return null
  const handle = handleOf(program, file, lock)
  const calls = unlocks.flatMap((query) => callOf(file, query) ?? [])
  const unlock = nearest(file, lock, calls)
  if (handle === "pool") {
    return found(
      lock,
      unlock,
      "The lock is taken through a pool: it stays in whichever session ran the statement",
    )
  }
  if (handle !== "pinned") return null
  if (unlock && handleOf(program, file, unlock) === "pool" && !isManaged(file, unlock)) {
    return found(
      lock,
      unlock,
      "The lock is given back through a pool: another session runs the unlock, and this one keeps the lock",
    )
  }
  return committedBetween(file, lock, unlock) ?? checkedOutAndReturned(file, lock, calls)
}

function found(lock: Call, unlock: Call | null, message: string): Draft {
  const because: DraftFact[] = [{ text: "a lock of the session is taken here", at: lock }]
  if (unlock) because.push({ text: "and given back here, maybe in another session", at: unlock })
  return {
    at: lock,
    tier: "likely",
    severity: "high",
    message,
    because,
    checked: [
      "the statement runs on no client, connection or transaction of its own",
      "the pool is not limited to one connection",
      unlock ? "the unlock is no part of the same connection" : "nothing in this file unlocks it",
    ],
  }
}

/** The unlock of the same function before one elsewhere. */
function nearest(file: File, lock: Call, calls: readonly Call[]): Call | null {
  const fn = file.methodOf(lock)
  return calls.find((call) => file.methodOf(call) === fn) ?? calls[0] ?? null
}

/** A transaction of the framework binds one connection to the method. */
function isManaged(file: File, call: Call): boolean {
  const fn = file.methodOf(call)
  const owner = file.classOf(call)
  const annotations = [...(fn?.annotations ?? []), ...(owner?.annotations ?? [])]
  if (annotations.some((one) => /Transactional$|^transaction\.atomic$/.test(one.name))) return true
  for (const outer of file.ancestorsOf(call)) {
    if (
      outer.kind === "call" &&
      /^(?:executeInTransaction|inTransaction|execute(?:WithoutResult)?|withTransaction|\$transaction)$/.test(
        outer.name,
      )
    ) {
      return outer.args.some(
        (arg) => arg.kind === "lambda" && arg.start <= call.start && call.end <= arg.end,
      )
    }
  }
  return false
}

/** A session of SQLAlchemy gives its connection back to the pool with each commit, and takes another one afterwards. */
function committedBetween(file: File, lock: Call, unlock: Call | null): Draft | null {
  const receiver = receiverOf(lock)
  if (file.language !== "python" || !receiver || !unlock) return null
  const name = dotted(receiver)
  if (!/(?:^|[._])session$/i.test(name) || file.methodOf(lock) !== file.methodOf(unlock))
    return null
  const commit = file.calls.find(
    (call) =>
      call.name === "commit" &&
      call.start > lock.end &&
      call.end < unlock.start &&
      call.callee.kind === "member" &&
      dotted(call.callee.object) === name,
  )
  if (!commit) return null
  const draft = found(
    lock,
    unlock,
    "The session gives its connection back with the commit: the unlock runs in another one, and the lock stays",
  )
  return {
    ...draft,
    because: [...draft.because!, { text: "the connection goes back here", at: commit }],
  }
}

/** A pooled connection that is returned while it holds the lock: its block ends, or it is released, without an unlock. */
function checkedOutAndReturned(file: File, lock: Call, unlocks: readonly Call[]): Draft | null {
  const scope = blockOf(file, lock) ?? (unlocks.length === 0 ? releasedIn(file, lock) : null)
  if (!scope) return null
  const helpers = new Set(unlocks.map((call) => file.methodOf(call)?.name ?? ""))
  const isUnlocked = file.calls.some(
    (call) =>
      call.start >= scope.start &&
      call.end <= scope.end &&
      (unlocks.includes(call) || (call.name !== "" && helpers.has(call.name))),
  )
  if (isUnlocked) return null
  return found(
    lock,
    unlocks[0] ?? null,
    "The connection goes back to its pool while it holds the lock: the next one to get it holds the lock too",
  )
}

/** Python's `with engine.connect() as conn:`, whose end gives the connection back. */
function blockOf(file: File, lock: Call): Node | null {
  const receiver = receiverOf(lock)
  const root = receiver ? connectionOf(file, lock, rootOf(receiver)) : null
  for (const outer of file.ancestorsOf(lock)) {
    if (outer.kind === "with" && outer.form === "with") {
      const own = outer.resources.find(
        ({ value, binding }) =>
          binding?.kind === "name" &&
          binding.name === root &&
          value.kind === "call" &&
          isCheckout(file, value),
      )
      if (own) return outer
    }
    if (outer.kind === "function") return null
  }
  return null
}

/** The connection of a cursor: `with pool.connection() as conn, conn.cursor() as cur`, `cur = conn.cursor()`. */
function connectionOf(file: File, at: Call, root: string | null): string | null {
  const isRoot = (node: Node | null): boolean => node?.kind === "name" && node.name === root
  const made: (Node | null)[] = file.assignments
    .filter((one) => one.end <= at.start && file.methodOf(one) === file.methodOf(at))
    .flatMap((one) => (one.targets.some(isRoot) ? [one.value] : []))
  for (const outer of file.ancestorsOf(at))
    if (outer.kind === "with")
      made.push(...outer.resources.flatMap((one) => (isRoot(one.binding) ? [one.value] : [])))
  for (const value of made) {
    const call = value?.kind === "await" ? value.value : value
    if (call?.kind === "call" && call.name === "cursor" && call.callee.kind === "member")
      return rootOf(call.callee.object)
  }
  return root
}

function isCheckout(file: File, source: Call): boolean {
  const receiver = receiverOf(source)
  if (!receiver) return /^(?:SessionLocal|Session|async_session|session_factory)$/.test(source.name)
  return (
    /^(?:connect|Acquire|Conn|getConnection|acquire|connection|getconn|begin|session)$/.test(
      source.name,
    ) && /engine|pool|database|session|db\b|datasource/i.test(file.textOf(receiver))
  )
}

/** `client, _ := pool.Acquire(ctx)` … `defer client.Release()`. */
function releasedIn(file: File, lock: Call): Node | null {
  const receiver = receiverOf(lock)
  const root = receiver ? connectionOf(file, lock, rootOf(receiver)) : null
  const fn = file.methodOf(lock)
  if (!root || !fn) return null
  const isOurs = file.assignments.some((assign) => {
    const value = assign.value?.kind === "await" ? assign.value.value : assign.value
    return (
      assign.start >= fn.start &&
      assign.end <= fn.end &&
      assign.targets.some((target) => target.kind === "name" && target.name === root) &&
      value?.kind === "call" &&
      isCheckout(file, value)
    )
  })
  const release = file.calls.find(
    (call) =>
      call.start > fn.start &&
      call.end <= fn.end &&
      call.callee.kind === "member" &&
      (call.args.length === 0
        ? /^(?:release|Release|close|Close)$/.test(call.name) && rootOf(call.callee.object) === root
        : /^(?:release|putconn|put_conn|return_connection)$/.test(call.name) &&
          call.args[0]?.kind === "name" &&
          call.args[0].name === root),
  )
  return isOurs && release ? fn : null
}
