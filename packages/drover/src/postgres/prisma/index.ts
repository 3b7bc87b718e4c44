import { asPostgresTransaction, notATransaction } from "../userTransaction.ts"
import type { PostgresTransaction } from "../userTransaction.ts"

/** What is needed of a `Prisma.TransactionClient`; a `PrismaClient` has `$connect`. */
export interface PrismaTransaction {
  $queryRawUnsafe(query: string, ...values: (string | null)[]): PromiseLike<unknown>
  readonly $connect?: never
}

/**
 * Enqueues in an interactive transaction of Prisma on Postgres:
 * `drover.enqueue(mail, input, { transaction: fromPrisma(tx) })`.
 * @throws DroverError `DROVER_TRANSACTION` when it is handed the `PrismaClient`, or something else that is no transaction.
 */
export function fromPrisma(tx: PrismaTransaction): PostgresTransaction {
  const given = tx as Partial<PrismaTransaction> | null | undefined
  if (typeof given?.$queryRawUnsafe !== "function" || given.$connect !== undefined) {
    throw notATransaction(
      "fromPrisma",
      "takes the transaction that prisma.$transaction(async (tx) => …) hands to its callback, not the client",
    )
  }
  return asPostgresTransaction(async (text, values) => ({
    rows: (await tx.$queryRawUnsafe(text, ...(values as (string | null)[]))) as Record<
      string,
      unknown
    >[],
  }))
}
