import { asPostgresTransaction, notATransaction } from "../userTransaction.ts"
import type { PostgresTransaction } from "../userTransaction.ts"

/** What is needed of a `QueryRunner` of TypeORM. */
export interface TypeOrmQueryRunner {
  readonly isTransactionActive: boolean
  query(
    query: string,
    parameters: unknown[],
    useStructuredResult: true,
  ): Promise<{ readonly records: unknown[] }>
}

/** What is needed of an `EntityManager`; only that of a query runner, as in a transaction, has one. */
export interface TypeOrmManager {
  readonly queryRunner?: TypeOrmQueryRunner
  release(): Promise<void>
}

/**
 * Enqueues in a transaction of TypeORM on Postgres: of the manager that `dataSource.transaction` hands to its callback,
 * or of a query runner after `startTransaction`:
 * `drover.enqueue(mail, input, { transaction: fromTypeOrm(manager) })`.
 * @throws DroverError `DROVER_TRANSACTION` when no transaction is open on it, or it is something else.
 */
export function fromTypeOrm(
  managerOrQueryRunner: TypeOrmManager | TypeOrmQueryRunner,
): PostgresTransaction {
  const runner = queryRunnerOf(managerOrQueryRunner)
  if (!runner.isTransactionActive) {
    throw notATransaction("fromTypeOrm", "the query runner has no transaction; start one first")
  }
  return asPostgresTransaction(async (text, values) => {
    const { records } = await runner.query(text, [...values], true)
    return { rows: records as Record<string, unknown>[] }
  })
}

function queryRunnerOf(given: TypeOrmManager | TypeOrmQueryRunner): TypeOrmQueryRunner {
  const any = given as Partial<TypeOrmManager & TypeOrmQueryRunner> | null | undefined
  const runner = typeof any?.isTransactionActive === "boolean" ? any : any?.queryRunner
  if (typeof runner?.isTransactionActive === "boolean" && typeof runner.query === "function") {
    return runner as TypeOrmQueryRunner
  }
  throw notATransaction(
    "fromTypeOrm",
    "takes the manager that dataSource.transaction(async (manager) => …) hands to its callback, or a query runner with a transaction, not the dataSource or its manager",
  )
}
