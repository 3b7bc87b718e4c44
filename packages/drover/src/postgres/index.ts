import type { MoveStore, Store, StoreSource } from "../store/index.ts"
import { PostgresDatabase } from "./database.ts"
import { PostgresMove } from "./postgresMove.ts"
import { PostgresStore } from "./postgresStore.ts"
import { resolveOptions } from "./source.ts"
import type { PostgresOptions } from "./source.ts"

export type { PgPool } from "./driver.ts"
export type { PostgresOptions } from "./source.ts"
export { isPostgresTransaction, postgresTransaction } from "./userTransaction.ts"
export type { PostgresTransaction } from "./userTransaction.ts"

/**
 * Keeps jobs in a Postgres database, 14 to 18, in a schema of their own, which may stand in the application's database.
 * Any number of processes on any number of machines use it at once. It needs the package `pg`, which the application
 * installs.
 * @param options an address, `postgres://user:password@host/name`, or more about it.
 * @throws DroverError `DROVER_CONFIG` for an address that cannot be read or an unknown option. Opening may reject with
 * `DROVER_STORE_UNREACHABLE`, `DROVER_STORE_DENIED`, `DROVER_STORE_MIGRATION`, `DROVER_STORE_READONLY` or
 * `DROVER_STORE_UNSAFE` (an old server, another encoding than UTF8).
 */
export function postgres(options: string | PostgresOptions): StoreSource {
  const resolved = resolveOptions(options)
  const { label } = resolved
  return {
    label,
    connect: (environment): Store =>
      new PostgresStore(new PostgresDatabase(label, resolved.options, environment)),
    connectMove: (environment): MoveStore =>
      new PostgresMove(new PostgresDatabase(label, resolved.options, environment)),
  }
}
