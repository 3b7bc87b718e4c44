import { asPostgresTransaction, notATransaction } from "../userTransaction.ts"
import type { PostgresTransaction } from "../userTransaction.ts"

/** What is needed of a `Knex.Transaction`; a `Knex` has no `isCompleted`. */
export interface KnexTransaction {
  readonly isTransaction?: boolean
  isCompleted(): boolean
  raw(sql: string, bindings: readonly (string | null)[]): PromiseLike<unknown>
}

/**
 * Enqueues in a transaction of Knex on Postgres:
 * `drover.enqueue(mail, input, { transaction: fromKnex(trx) })`. In a nested transaction the job hangs on its savepoint.
 * @throws DroverError `DROVER_TRANSACTION` when it is handed the `knex`, something else that is no transaction, or one
 * that has ended.
 */
export function fromKnex(trx: KnexTransaction): PostgresTransaction {
  // A transaction is a function, as a `knex` is.
  const given = trx as Partial<KnexTransaction> | null | undefined
  if (given?.isTransaction !== true || typeof given.isCompleted !== "function") {
    throw notATransaction(
      "fromKnex",
      "takes the transaction that knex.transaction(async (trx) => …) hands to its callback, not the knex",
    )
  }
  if (given.isCompleted()) throw notATransaction("fromKnex", "the transaction has ended")
  return asPostgresTransaction(async (text, values) => {
    const { sql, bindings } = withQuestionMarks(text, values)
    const { rows } = (await trx.raw(sql, bindings)) as { readonly rows: Record<string, unknown>[] }
    return { rows }
  })
}

// Knex knows only its own placeholders: `?` takes the next value, and `\?` is a question mark.
function withQuestionMarks(
  text: string,
  values: readonly unknown[],
): { readonly sql: string; readonly bindings: readonly (string | null)[] } {
  const bindings: (string | null)[] = []
  const sql = text.replace(/\?|\$(\d+)/g, (_, number: string | undefined) => {
    if (number === undefined) return String.raw`\?`
    bindings.push(values[Number(number) - 1] as string | null)
    return "?"
  })
  return { sql, bindings }
}
