import type { Store } from "drover/store"

/** One simulated process: a store of its own over the shared database, with a wall clock of its own. */
export interface StoreProcess {
  readonly store: Store
  /** Lets this process's wall clock jump, as an administrator or NTP would. */
  jumpWall(byMs: number): void
}

/** A connection of the user's own to the same database, for `Store.adopt`. */
export interface OwnConnection {
  readonly connection: unknown
  begin(): Promise<void>
  commit(): Promise<void>
  rollback(): Promise<void>
  /** Writes a row of the user's own table, which the harness made. */
  write(text: string): Promise<void>
  close(): Promise<void>
}

/** A fresh, migrated database with at least two processes over it. */
export interface Harness {
  readonly processes: readonly [StoreProcess, StoreProcess, ...StoreProcess[]]
  /** Lets time pass for the store and for every process; timers that come due on the way fire. */
  advance(ms: number): Promise<void>
  /** A store that is connected to the same database and not opened yet. */
  connect(): Store
  /** A connection of the user's own. Absent where the database cannot have one (an in-memory one). */
  ownConnection?(): Promise<OwnConnection>
  /** Writes a row of the user's own table through the connection of a `StoreTransaction`. */
  writeIn(connection: unknown, text: string): Promise<void>
  /** The rows of the user's own table. */
  written(): Promise<readonly string[]>
  /** Closes every store and removes the database. */
  close(): Promise<void>
}
