import type { Events } from "../events/index.ts"
import type { Clock, Rng } from "../time/index.ts"
import type { FileIdentity } from "./safety.ts"
import type { ReadTx, WriteTx } from "./writeTx.ts"

/**
 * What every operation of the store is handed. One file per concern takes it: `exchange(context, request)`.
 *
 * Bodies are synchronous, may run more than once (a group that failed is run again one by one, a busy
 * database is tried again) and must not keep state outside the transaction.
 */
export interface StoreContext {
  readonly label: string
  readonly clock: Clock
  readonly rng: Rng
  readonly events: Events
  /** The file that was opened; `null` for a database in memory. */
  readonly file: FileIdentity | null
  /** Store time by this process's reading, without asking the database. */
  now(): number
  /**
   * How long ago this process noticed that store time stepped forward by some milliseconds or more, also in the transaction
   * that runs; infinite if never.
   */
  msSinceStep(): number
  /** How long ago, by this process's monotonic clock, store time was `storeAt`: what it leapt over since did not pass. */
  msSince(storeAt: number): number
  /**
   * Runs the body in a write transaction, shared with other writes of the same turn of the event loop.
   * Resolves after the commit. What the body throws rejects this write alone and undoes all it did.
   * @param rows about how many rows it changes, so that a transaction never holds up the event loop for long. @default 1
   */
  write<T>(operation: string, body: (tx: WriteTx) => T, rows?: number): Promise<T>
  /** Runs the body on the connection that only reads. Each statement sees its own snapshot. */
  read<T>(operation: string, body: (tx: ReadTx) => T): Promise<T>
}
