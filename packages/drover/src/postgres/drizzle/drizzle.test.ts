import { sql } from "drizzle-orm"
import { drizzle as drizzlePg } from "drizzle-orm/node-postgres"
import { drizzle as drizzleJs } from "drizzle-orm/postgres-js"
import pg from "pg"
import postgres from "postgres"
import { libraryRules } from "../fixtures/libraryRules.ts"
import { testServerUrl } from "../fixtures/testServer.ts"
import type { LibraryTransaction, UserLibrary } from "../fixtures/userLibrary.ts"
import { fromDrizzle } from "./index.ts"

type PgDatabase = ReturnType<typeof drizzlePg>
type JsDatabase = ReturnType<typeof drizzleJs>
type PgTransaction = Parameters<Parameters<PgDatabase["transaction"]>[0]>[0]
type JsTransaction = Parameters<Parameters<JsDatabase["transaction"]>[0]>[0]

libraryRules("Drizzle on node-postgres", async () => {
  const pool = new pg.Pool({ connectionString: await testServerUrl(), max: 4 })
  return library(drizzlePg(pool, { casing: "snake_case" }), { pool }, () => pool.end())
})

libraryRules("Drizzle on postgres.js", async () => {
  const client = postgres(await testServerUrl(), { max: 4, onnotice: () => {} })
  return library(drizzleJs(client), { client }, () => client.end())
})

function library(
  db: PgDatabase | JsDatabase,
  wrong: Readonly<Record<string, unknown>>,
  close: () => Promise<void>,
): UserLibrary {
  return {
    transaction: (body, isolationLevel = "read committed") =>
      db.transaction((tx) => body(wrap(tx)), { isolationLevel }),
    wrong: { ...wrong, "the db": db, "the db's sql": sql },
    adapt: (given) => fromDrizzle(given as PgTransaction),
    close,
  }
}

function wrap(tx: PgTransaction | JsTransaction): LibraryTransaction {
  return {
    adapted: fromDrizzle(tx),
    run: async (text) => {
      await tx.execute(sql.raw(text))
    },
    nested: (body) => tx.transaction((inner) => body(wrap(inner))),
  }
}

/** Never run: what the compiler must say. */
export function typed(db: PgDatabase, pool: pg.Pool, tx: PgTransaction, js: JsTransaction): void {
  fromDrizzle(tx)
  fromDrizzle(js)
  // @ts-expect-error -- the db is no transaction
  fromDrizzle(db)
  // @ts-expect-error -- a pool is none either
  fromDrizzle(pool)
}
