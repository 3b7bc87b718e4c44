import { assert } from "../errors/index.ts"
import type { Connection } from "./connection.ts"
import { ConnectionFailure, isLost } from "./postgresErrors.ts"
import { localLimits, sessionLimits } from "./session.ts"

/** The commit was sent and its reply is unknown: the transaction may have been committed. */
export class CommitUnknown extends Error {
  override readonly name = "CommitUnknown"
}

/** How a transaction begins. */
export type Isolation = "read committed" | "repeatable read, read only"

/**
 * Runs the body in a transaction: committed when it resolves, rolled back when it rejects.
 * @throws what the body threw; `CommitUnknown` with the cause when the reply of the commit was lost.
 */
export async function transact<T>(
  connection: Connection,
  options: { readonly isolation: Isolation; readonly hasSession: boolean },
  body: (connection: Connection) => Promise<T>,
): Promise<T> {
  const begin = `begin isolation level ${options.isolation}`
  const limited = options.hasSession ? begin : `${begin}; ${localLimits(sessionLimits)}`
  let result: T
  try {
    await connection.execute(limited)
    result = await body(connection)
  } catch (error) {
    // Nothing was committed, and a connection that cannot roll back is given up (`broken`).
    if (connection.broken === undefined) await connection.execute("rollback").catch(() => undefined)
    throw undone(error)
  }
  await commit(connection)
  return result
}

async function commit(connection: Connection): Promise<void> {
  let tag: string | undefined
  try {
    tag = await connection.execute("commit")
  } catch (error) {
    if (isLost(error)) throw new CommitUnknown("the reply of the commit was lost", { cause: error })
    throw error
  }
  // A transaction in which a statement failed answers a commit with a rollback, and no error.
  assert(tag === "COMMIT", "a failed statement ends its transaction's body")
}

/** A connection that is lost before the commit was sent has undone its transaction. */
function undone(error: unknown): unknown {
  if (!isLost(error)) return error
  const isDeadline = error instanceof ConnectionFailure && error.isDeadline
  return new ConnectionFailure((error as Error).message, "unsent", { cause: error, isDeadline })
}
