import { resolve } from "node:path"
import type { DatabaseSync } from "node:sqlite"
import { checkOptions, DroverError } from "../errors/index.ts"
import type { StoreSource } from "../store/index.ts"
import type { Durability } from "./connection.ts"
import { Lanes } from "./lanes.ts"
import { SqliteDatabase } from "./sqliteDatabase.ts"
import type { DatabasePlace } from "./sqliteDatabase.ts"
import { SqliteMove } from "./sqliteMove.ts"
import { SqliteStore } from "./sqliteStore.ts"

export type { Durability } from "./connection.ts"

/** What `sqlite()` may be told. */
export interface SqliteOptions {
  /**
   * What survives a power failure: `"full"`, everything that was acknowledged; `"normal"`, all but perhaps
   * the last moments, for cheaper commits. A killed process loses nothing either way.
   * @default "full"
   */
  readonly durability?: Durability
}

// It would become a folder "postgres:" with a file in it.
const ADDRESS = /^(?:sqlite|file|libsql|postgres|postgresql|mysql|https?):/i

/**
 * Keeps jobs in a SQLite file, which may be the application's own database: all of Drover's tables start
 * with `drover_`. Several processes of one machine may use the file at once. `":memory:"` keeps them in
 * memory, for tests.
 * @throws DroverError `DROVER_CONFIG` for an empty path, an address or an unknown option. Opening may reject with
 * `DROVER_STORE_UNSAFE` (network file systems, old SQLite), `DROVER_STORE_READONLY` or `DROVER_STORE_CORRUPT`.
 */
export function sqlite(path: string, options: SqliteOptions = {}): StoreSource {
  checkOptions(options, ["durability"], "sqlite()")
  const { durability = "full" } = options
  if (typeof path !== "string" || path === "") {
    throw new DroverError("DROVER_CONFIG", 'sqlite() takes the path of a file, or ":memory:".')
  }
  if (ADDRESS.test(path)) {
    throw new DroverError(
      "DROVER_CONFIG",
      // Without the address, which may hold a password.
      'sqlite() takes the path of a file, such as "app.db", not an address; for Postgres there is postgres() of "drover/postgres".',
    )
  }
  if (durability !== "full" && durability !== "normal") {
    throw new DroverError(
      "DROVER_CONFIG",
      `sqlite(): durability is "full" or "normal", not ${JSON.stringify(durability)}.`,
    )
  }
  return path === ":memory:"
    ? source("sqlite :memory:", { kind: "memory" })
    : source(path, { kind: "file", path: resolve(path), durability })
}

/**
 * Several stores over one connection, as if each were a process of its own: for the conformance suite and the
 * simulator. The connection stays open when the stores close.
 * @internal
 */
export function sqliteShared(db: DatabaseSync): StoreSource {
  return source("sqlite shared", { kind: "shared", db, lanes: new Lanes() })
}

function source(label: string, place: DatabasePlace): StoreSource {
  return {
    label,
    connect: (environment) => new SqliteStore(new SqliteDatabase(label, place, environment)),
    ...(place.kind !== "memory" && {
      connectMove: (environment) => new SqliteMove(new SqliteDatabase(label, place, environment)),
    }),
  }
}
