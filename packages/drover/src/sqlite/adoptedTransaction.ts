import { realpathSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { DroverError } from "../errors/index.ts"
import type { StoreTransaction } from "../store/index.ts"
import { Lanes } from "./lanes.ts"
import { Queues } from "./queues.ts"
import type { FileIdentity } from "./safety.ts"
import { toStoreError } from "./sqliteErrors.ts"
import { Statements } from "./statements.ts"
import type { StoreTimer } from "./storeTimer.ts"
import { enqueueAtomically, settleAtomically } from "./userTransaction.ts"
import { WriteTx } from "./writeTx.ts"

/** What an adopted connection is compared with. */
export interface AdoptingStore {
  readonly label: string
  readonly file: FileIdentity | null
  /** The store's own connection: the only one that reaches a database in memory. */
  readonly db: DatabaseSync
  readonly timer: StoreTimer
}

const kept: WeakMap<DatabaseSync, Statements> = new WeakMap()

/**
 * Takes part in a transaction on the user's own connection: what is enqueued commits or rolls back with it.
 * @throws DroverError `DROVER_TRANSACTION` when it is no connection to this database or has no transaction.
 */
export function adoptTransaction(store: AdoptingStore, connection: unknown): StoreTransaction {
  requireSame(store, connection)
  requireTransaction(connection, store.label)
  return {
    connection,
    // Async, so that every failure is a rejection.
    enqueue: async (jobs) => {
      requireTransaction(connection, store.label)
      try {
        return enqueueAtomically(joined(store, connection), jobs)
      } catch (error) {
        throw toStoreError(error, "enqueue", store.label)
      }
    },
    settle: async (request) => {
      requireTransaction(connection, store.label)
      try {
        return settleAtomically(joined(store, connection), request)
      } catch (error) {
        throw toStoreError(error, "settle", store.label)
      }
    },
  }
}

function joined(store: AdoptingStore, db: DatabaseSync): WriteTx {
  const statements = kept.get(db) ?? new Statements(db)
  kept.set(db, statements)
  // Nothing is remembered: we do not learn whether the transaction commits.
  const parts = { db, statements, lanes: new Lanes(), queues: new Queues(), timer: store.timer }
  const tx = new WriteTx(parts)
  statements.run("lock_pulse")
  tx.load()
  return tx
}

const OTHER_DATABASE =
  "a transaction of Postgres needs its jobs there too, in tests as well: createTestDrover({ store: postgres(…) })"

// Clients of pg and what the adapters make have it.
function isOfPostgres(connection: unknown): boolean {
  return typeof (connection as { readonly query?: unknown } | null)?.query === "function"
}

function requireSame(
  store: AdoptingStore,
  connection: unknown,
): asserts connection is DatabaseSync {
  const { label, file, db } = store
  if (!(connection instanceof DatabaseSync)) {
    const needed = "it takes a DatabaseSync of node:sqlite"
    throw refused(label, isOfPostgres(connection) ? `${needed}; ${OTHER_DATABASE}` : needed)
  }
  if (connection === db) return
  if (!connection.isOpen) throw refused(label, "the connection is closed")
  const location = connection.location()
  if (file === null || location === null || realpathSync(location) !== file.realPath) {
    throw refused(label, `the connection belongs to ${location ?? "another database in memory"}`)
  }
}

function requireTransaction(db: DatabaseSync, label: string): void {
  if (db.isOpen && db.isTransaction) return
  throw refused(label, 'the connection has no open transaction; run "begin immediate" first')
}

function refused(label: string, why: string): DroverError {
  return new DroverError("DROVER_TRANSACTION", `Cannot join a transaction on ${label}: ${why}.`, {
    details: { store: label },
  })
}
