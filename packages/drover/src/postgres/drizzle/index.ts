import { asPostgresTransaction, notATransaction } from "../userTransaction.ts"
import type { PostgresTransaction } from "../userTransaction.ts"

/** What is needed of the `tx` that Drizzle hands to the callback of `db.transaction`; a `db` has no `rollback`. */
export interface DrizzleTransaction {
  execute(query: never): PromiseLike<unknown>
  rollback(): never
  setTransaction(config: never): PromiseLike<unknown>
}

/**
 * Enqueues in a transaction of Drizzle on Postgres, with whichever driver (tested: node-postgres, postgres.js):
 * `drover.enqueue(mail, input, { transaction: fromDrizzle(tx) })`. In a nested transaction the job hangs on its savepoint.
 * @throws DroverError `DROVER_TRANSACTION` when it is handed the `db`, or something else that is no transaction.
 */
export function fromDrizzle(tx: DrizzleTransaction): PostgresTransaction {
  const given = tx as Partial<DrizzleTransaction> | null | undefined
  if (typeof given?.execute !== "function" || typeof given.rollback !== "function") {
    throw notATransaction(
      "fromDrizzle",
      "takes the transaction that db.transaction(async (tx) => …) hands to its callback, not the db",
    )
  }
  return asPostgresTransaction(async (text, values) => {
    const result = await tx.execute(statement(text, values) as never)
    // postgres.js answers with the rows, all other drivers with an object that has them.
    const rows = Array.isArray(result) ? result : (result as { readonly rows: unknown[] }).rows
    return { rows: rows as Record<string, unknown>[] }
  })
}

/** What Drizzle's own `sql` makes, without loading Drizzle: something to ask for SQL that has been built already. */
function statement(text: string, values: readonly unknown[]): object {
  const built = { sql: text, params: [...values] }
  return { getSQL: () => ({ toQuery: () => built }) }
}
