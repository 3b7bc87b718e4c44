import { DroverError, isDroverError } from "../errors/index.ts"
import type { StoreTransaction } from "../store/index.ts"
import { tellChangeLater } from "./changeSignal.ts"
import type { StoreContext } from "./context.ts"
import type { PgClient } from "./driver.ts"
import { runOn, transactionStatus } from "./heldTransaction.ts"
import { enqueueJoined, settleJoined } from "./joinedWrites.ts"
import type { RunStatement } from "./joinedWrites.ts"
import { isConflictState, refusedStatement } from "./postgresErrors.ts"
import { isPostgresTransaction, proveOpen, serverSaid } from "./userTransaction.ts"

/**
 * Takes part in a transaction on the user's own connection: what is enqueued commits or rolls back with it.
 * @param connection a client of `pg` inside of a transaction, or what an adapter made of another library's transaction.
 * @throws DroverError `DROVER_TRANSACTION` when it is neither, or is known to have no transaction.
 */
export function adopt(context: StoreContext, connection: unknown): StoreTransaction {
  const { label } = context.database
  const run = runnerOf(connection, label)
  const checked = async <T>(operation: string, body: () => Promise<T>): Promise<T> => {
    if (isClient(connection)) requireTransaction(connection, label)
    else await proveOpen({ query: run }, label)
    try {
      return await body()
    } catch (error) {
      throw joinedError(error, operation, label)
    }
  }
  return {
    connection,
    async enqueue(jobs) {
      const outcomes = await checked("enqueue", () => enqueueJoined(context, run, jobs))
      // The user's commit is not seen from here.
      tellChangeLater(context.database)
      return outcomes
    },
    settle: (request) => checked("settle", () => settleJoined(context, run, request)),
  }
}

/**
 * What a statement of ours in the user's transaction failed with. A conflict with another transaction is for the user to
 * begin again, with whatever does that for their own statements, so it stays what their library made of it.
 */
function joinedError(error: unknown, operation: string, label: string): unknown {
  const said = isDroverError(error) ? undefined : serverSaid(error)
  if (said === undefined || isConflictState(said.state)) return error
  return refusedStatement(said, { operation, label, cause: error })
}

function runnerOf(connection: unknown, label: string): RunStatement {
  if (isPostgresTransaction(connection)) {
    return (text, values) => connection.query(text, values)
  }
  if (!isClient(connection)) {
    if (isPool(connection)) {
      throw refused(
        label,
        "a Pool may run each statement on another connection; take a client with pool.connect(), begin on it and hand it in",
      )
    }
    throw refused(
      label,
      "it takes a client of pg, or what fromDrizzle, fromKysely, fromKnex, fromPrisma, fromTypeOrm or fromPostgresJs make",
    )
  }
  requireTransaction(connection, label)
  return (text, values) => runOn(connection, text, values)
}

/** A client of `pg`, but not a pool: there each statement may run on another connection. */
function isClient(connection: unknown): connection is PgClient {
  if (typeof connection !== "object" || connection === null) return false
  const { query, getTransactionStatus } = connection as Record<string, unknown>
  return typeof query === "function" && typeof getTransactionStatus === "function"
}

function isPool(connection: unknown): boolean {
  if (typeof connection !== "object" || connection === null) return false
  const { connect, totalCount } = connection as Record<string, unknown>
  return typeof connect === "function" && typeof totalCount === "number"
}

function requireTransaction(client: PgClient, label: string): void {
  const status = transactionStatus(client)
  if (status === "T") return
  const why =
    status === "E"
      ? "a statement of the transaction failed, so it can only be rolled back"
      : 'the connection has no open transaction; run "begin" first'
  throw refused(label, why)
}

function refused(label: string, why: string): DroverError {
  return new DroverError("DROVER_TRANSACTION", `Cannot join a transaction on ${label}: ${why}.`, {
    details: { store: label },
  })
}
