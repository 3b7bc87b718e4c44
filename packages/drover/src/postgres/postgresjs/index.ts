import { asPostgresTransaction, notATransaction } from "../userTransaction.ts"
import type { PostgresTransaction } from "../userTransaction.ts"

/** What is needed of the `sql` in a transaction of postgres.js; the `sql` of a pool cannot make savepoints. */
export interface PostgresJsTransaction {
  unsafe(query: string, parameters: never, options: never): PromiseLike<readonly unknown[]>
  savepoint(body: never): Promise<unknown>
}

/** What is needed of a connection that `sql.reserve()` set aside, for who writes "begin" and "commit" by hand. */
export interface PostgresJsReserved {
  unsafe(query: string, parameters: never, options: never): PromiseLike<readonly unknown[]>
  release(): void
}

/**
 * Enqueues in a transaction of postgres.js:
 * `drover.enqueue(mail, input, { transaction: fromPostgresJs(sql) })` with the `sql` that `sql.begin` or `sql.savepoint`
 * hands to its callback, or with a reserved connection on which "begin" was run.
 * @throws DroverError `DROVER_TRANSACTION` when it is handed the `sql` of the pool, or something else.
 */
export function fromPostgresJs(
  sql: PostgresJsTransaction | PostgresJsReserved,
): PostgresTransaction {
  const given = sql as Partial<PostgresJsTransaction & PostgresJsReserved> | null | undefined
  const bound = typeof given?.savepoint === "function" || typeof given?.release === "function"
  if (!bound || typeof given?.unsafe !== "function") {
    throw notATransaction(
      "fromPostgresJs",
      "takes the sql that sql.begin(async (sql) => …) hands to its callback, not the sql of the pool",
    )
  }
  return asPostgresTransaction(async (text, values) => {
    // Prepared unless the client says `prepare: false`; else each call would first ask for the types of its values.
    const rows = await sql.unsafe(text, [...values] as never, { prepare: true } as never)
    return { rows: rows as unknown as Record<string, unknown>[] }
  })
}
