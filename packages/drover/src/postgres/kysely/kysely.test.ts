import { CamelCasePlugin, Kysely, PostgresDialect, sql } from "kysely"
import type { ControlledTransaction, KyselyPlugin, Transaction } from "kysely"
import pg from "pg"
import { describe, expect, test } from "vitest"
import { failure } from "../fixtures/failure.ts"
import { libraryRules } from "../fixtures/libraryRules.ts"
import { testServerUrl } from "../fixtures/testServer.ts"
import type { LibraryTransaction, UserLibrary } from "../fixtures/userLibrary.ts"
import { proveOpen } from "../userTransaction.ts"
import { fromKysely } from "./index.ts"

libraryRules("Kysely", () => open([]))
libraryRules("Kysely with plugins", () => open([new CamelCasePlugin({ upperCase: true })]))

test("plugins of Kysely do not see what goes through the adapter", async () => {
  const db = await connect([new CamelCasePlugin()])
  const seen = await db
    .transaction()
    .execute((trx) => fromKysely(trx).query("select 'x' as two_words", []))
  expect(seen).toEqual({ rows: [{ two_words: "x" }] })
  await db.destroy()
})

describe("a controlled transaction of Kysely", () => {
  test("is taken, with its savepoints, until it ends", async () => {
    const db = await connect([])
    const trx = await db.startTransaction().execute()
    const one = fromKysely(trx)
    await proveOpen(one, "the test")
    const behind = await trx.savepoint("mark").execute()
    await sql`select 1/0`.execute(behind).catch(() => {})
    const back = await behind.rollbackToSavepoint("mark").execute()
    await proveOpen(fromKysely(back), "the test")
    await trx.commit().execute()
    expect(await failure(proveOpen(one, "the test"))).toBeInstanceOf(Error)
    await db.destroy()
  })
})

async function connect(plugins: KyselyPlugin[]): Promise<Kysely<unknown>> {
  const pool = new pg.Pool({ connectionString: await testServerUrl(), max: 4 })
  return new Kysely({ dialect: new PostgresDialect({ pool }), plugins })
}

async function open(plugins: KyselyPlugin[]): Promise<UserLibrary> {
  const db = await connect(plugins)
  return {
    transaction: (body, isolation = "read committed") =>
      db
        .transaction()
        .setIsolationLevel(isolation)
        .execute((trx) => body(wrap(trx))),
    wrong: { "the db": db, "a connection's builder": db.connection() },
    adapt: (given) => fromKysely(given as Transaction<unknown>),
    close: () => db.destroy(),
  }
}

// Kysely nests controlled transactions only.
function wrap(trx: Transaction<unknown>): LibraryTransaction {
  return {
    adapted: fromKysely(trx),
    run: async (text) => {
      await sql.raw(text).execute(trx)
    },
  }
}

interface Tables {
  account: { id: number }
}

/** Never run: what the compiler must say. */
export function typed(
  db: Kysely<Tables>,
  trx: Transaction<Tables>,
  controlled: ControlledTransaction<Tables, ["mark"]>,
): void {
  fromKysely(trx)
  fromKysely(controlled)
  // @ts-expect-error -- the db is no transaction
  fromKysely(db)
}
