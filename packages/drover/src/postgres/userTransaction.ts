import { DroverError } from "../errors/index.ts"

/** Marks an object as a `PostgresTransaction`, also between two copies of this package. */
export const postgresTransaction: unique symbol = Symbol.for("drover.postgresTransaction")

/**
 * A transaction that is open on the user's own connection, whatever library opened it: what the adapters
 * (`drover/postgres/drizzle` and so on) make, and what an enqueue takes as `transaction`.
 *
 * Libraries differ in how they send values and in what they make of columns: postgres.js writes a text that goes to a
 * jsonb as JSON once more, Prisma cannot read a `void`, plugins turn `job_id` into `jobId`. So a statement that is sent
 * through it
 * - has text values only (or null), each cast where it is used: `$1::text::jsonb`;
 * - answers with text columns only, named by one word in lower case: `reply`;
 * - holds no `$1` and no `\?` in its texts and comments, which Knex takes for placeholders.
 */
export interface PostgresTransaction {
  readonly [postgresTransaction]: true
  /** Runs one statement. Rejects with the library's own error. */
  query(
    text: string,
    values: readonly unknown[],
  ): Promise<{ readonly rows: readonly Record<string, unknown>[] }>
}

/** Makes one of a library's way to run a statement. */
export function asPostgresTransaction(query: PostgresTransaction["query"]): PostgresTransaction {
  return { [postgresTransaction]: true, query }
}

/** Tells whether an adapter made this. */
export function isPostgresTransaction(value: unknown): value is PostgresTransaction {
  return (
    typeof value === "object" &&
    value !== null &&
    (value as Partial<PostgresTransaction>)[postgresTransaction] === true
  )
}

/**
 * What an adapter throws when it is handed something else than an open transaction.
 * @param adapter the function that was called.
 * @param why what is wrong, and what to hand it instead.
 */
export function notATransaction(adapter: string, why: string): DroverError {
  return new DroverError("DROVER_TRANSACTION", `${adapter}: ${why}.`, { details: { adapter } })
}

// LOCK TABLE is refused outside of a transaction block before anything else is looked at, and inside it takes what
// every query takes on the catalogue anyway: it needs no privilege, writes nothing, and hinders nobody. Times and
// transaction ids prove nothing here, because one statement outside of a transaction has them too.
const PROOF = "lock table pg_catalog.pg_am in access share mode"

/**
 * Makes sure, on the server, that this connection is in a transaction: statements of a pool or of a connection outside
 * of one would each commit alone. One round trip.
 * @throws DroverError `DROVER_TRANSACTION`; the library's own error for whatever else fails.
 */
export async function proveOpen(
  transaction: Pick<PostgresTransaction, "query">,
  label: string,
): Promise<void> {
  try {
    await transaction.query(PROOF, [])
  } catch (error) {
    if (sqlStateOf(error) !== "25P01") throw error
    throw new DroverError(
      "DROVER_TRANSACTION",
      `Cannot join a transaction on ${label}: no transaction is open on this connection; hand in the transaction object inside its callback.`,
      { details: { store: label }, cause: error },
    )
  }
}

/** What the server said, found in whatever a library made of it. */
export interface ServerSaid {
  readonly state: string
  readonly message: string
}

/**
 * What the server answered with, wherever a library keeps it: pg and postgres.js in `code`, Drizzle in its `cause`,
 * TypeORM in `driverError`, Prisma in the meta of its own code. `undefined` for an error that is not the server's.
 */
export function serverSaid(error: unknown): ServerSaid | undefined {
  let at = error
  for (let depth = 0; depth < 6; depth++) {
    if (typeof at !== "object" || at === null) return undefined
    const { code, originalCode, meta, driverAdapterError, driverError, cause } = at as ErrorParts
    for (const state of [originalCode, code]) {
      if (typeof state === "string" && SQLSTATE.test(state)) return { state, message: textOf(at) }
    }
    at = driverError ?? driverAdapterError ?? meta ?? cause
  }
  return undefined
}

/** The SQLSTATE of an error of the server; see `serverSaid`. */
export function sqlStateOf(error: unknown): string | undefined {
  return serverSaid(error)?.state
}

function textOf({ originalMessage, message }: ErrorParts): string {
  const text = originalMessage ?? message
  return typeof text === "string" ? text : "an error of the server"
}

// The classes that the server has, and what our own guard of a move raises. Codes of others look alike: P2010 of Prisma,
// EPIPE of the network.
const SQLSTATE = /^(?:(?:\d[0-9A-Z]|F0|HV|P0|XX)[0-9A-Z]{3}|DRV01)$/

interface ErrorParts {
  readonly code?: unknown
  readonly originalCode?: unknown
  readonly message?: unknown
  readonly originalMessage?: unknown
  readonly meta?: unknown
  readonly driverAdapterError?: unknown
  readonly driverError?: unknown
  readonly cause?: unknown
}
