import type { DatabaseSync, StatementSync } from "node:sqlite"
import { queries } from "./generated/queries.ts"

/** Name of a query in `sql/*.sql`. */
export type QueryName = keyof typeof queries

/** A row as the hot paths read it: an array costs a third of what an object does. */
export type Row = readonly (string | number | null | Uint8Array)[]

// Texts that are made for a number of parameters (lanes, ids, rows of a chunk). Each shape is one statement.
const MADE_LIMIT = 200

/** The prepared statements of one connection, each prepared once. */
export class Statements {
  readonly #db: DatabaseSync
  readonly #objects: Map<string, StatementSync> = new Map()
  readonly #rows: Map<string, StatementSync> = new Map()
  readonly #made: Map<string, StatementSync> = new Map()

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  /** The statement of a named query. Its rows are objects. */
  get(name: QueryName): StatementSync {
    let statement = this.#objects.get(name)
    if (statement === undefined) {
      statement = this.#prepare(queries[name], false)
      this.#objects.set(name, statement)
    }
    return statement
  }

  /** The statement of a named query. Its rows are arrays, in the order of its columns. */
  rows(name: QueryName): StatementSync {
    let statement = this.#rows.get(name)
    if (statement === undefined) {
      statement = this.#prepare(queries[name], true)
      this.#rows.set(name, statement)
    }
    return statement
  }

  /** A statement whose text was made at run time from constant parts; values are always bound. Its rows are arrays. */
  made(sql: string): StatementSync {
    let statement = this.#made.get(sql)
    if (statement === undefined) {
      if (this.#made.size >= MADE_LIMIT) {
        for (const oldest of this.#made.keys()) {
          this.#made.delete(oldest)
          break
        }
      }
      statement = this.#prepare(sql, true)
      this.#made.set(sql, statement)
    }
    return statement
  }

  /** All rows of a named query as arrays. */
  all(
    name: QueryName,
    ...values: readonly (string | number | null | Uint8Array)[]
  ): readonly Row[] {
    return this.rows(name).all(...values) as unknown as readonly Row[]
  }

  /** The first row of a named query as an array. */
  first(
    name: QueryName,
    ...values: readonly (string | number | null | Uint8Array)[]
  ): Row | undefined {
    return this.rows(name).get(...values) as unknown as Row | undefined
  }

  /** Runs a named query. @returns how many rows it changed. */
  run(name: QueryName, ...values: readonly (string | number | null | Uint8Array)[]): number {
    return this.get(name).run(...values).changes as number
  }

  // Every setting is made, because a user's own connection may have other defaults.
  #prepare(sql: string, asArrays: boolean): StatementSync {
    const statement = this.#db.prepare(sql)
    statement.setReadBigInts(false)
    statement.setReturnArrays(asArrays)
    return statement
  }
}
