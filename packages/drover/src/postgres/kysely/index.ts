import { asPostgresTransaction, notATransaction } from "../userTransaction.ts"
import type { PostgresTransaction } from "../userTransaction.ts"

/** What is needed of Kysely's `Transaction` and `ControlledTransaction`; a `Kysely` says `isTransaction: false`. */
export interface KyselyTransaction {
  readonly isTransaction: true
  withoutPlugins(): { executeQuery(query: never): Promise<{ readonly rows: unknown[] }> }
}

/**
 * Enqueues in a transaction of Kysely on Postgres:
 * `drover.enqueue(mail, input, { transaction: fromKysely(trx) })`. Kysely's plugins do not see Drover's statements.
 * @throws DroverError `DROVER_TRANSACTION` when it is handed the `db`, or something else that is no transaction.
 */
export function fromKysely(trx: KyselyTransaction): PostgresTransaction {
  const given = trx as Partial<KyselyTransaction> | null | undefined
  if (given?.isTransaction !== true || typeof given.withoutPlugins !== "function") {
    throw notATransaction(
      "fromKysely",
      "takes the transaction that db.transaction().execute(async (trx) => …) hands to its callback, not the db",
    )
  }
  return asPostgresTransaction(async (text, values) => {
    const { rows } = await trx.withoutPlugins().executeQuery(compiled(text, values) as never)
    return { rows: rows as Record<string, unknown>[] }
  })
}

/** What `CompiledQuery.raw` makes, without loading Kysely. */
function compiled(sql: string, parameters: readonly unknown[]): object {
  const query = { kind: "RawNode", sqlFragments: [sql], parameters: [] }
  return { sql, parameters, query, queryId: { queryId: "drover" } }
}
