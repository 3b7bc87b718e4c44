import postgres from "postgres"
import type { Sql, TransactionSql } from "postgres"
import { describe, expect, test } from "vitest"
import { failure } from "../fixtures/failure.ts"
import { libraryRules } from "../fixtures/libraryRules.ts"
import { testServerUrl } from "../fixtures/testServer.ts"
import type { LibraryTransaction, UserLibrary } from "../fixtures/userLibrary.ts"
import { proveOpen } from "../userTransaction.ts"
import { fromPostgresJs } from "./index.ts"

type Options = NonNullable<Parameters<typeof postgres>[1]>

libraryRules("postgres.js", () => open({}))
libraryRules("postgres.js without prepared statements", () => open({ prepare: false }))
libraryRules("postgres.js that renames columns and changes values", () =>
  open({ transform: { ...postgres.camel, undefined: null } }),
)

describe("a reserved connection of postgres.js", () => {
  test("is in a transaction after its own begin, and not before", async () => {
    const sql = postgres(await testServerUrl(), { max: 2 })
    const reserved = await sql.reserve()
    const adapted = fromPostgresJs(reserved)
    expect(await failure(proveOpen(adapted, "the test"))).toMatchObject({
      code: "DROVER_TRANSACTION",
    })
    await reserved`begin`
    await proveOpen(adapted, "the test")
    await reserved`commit`
    expect(await failure(proveOpen(adapted, "the test"))).toMatchObject({
      code: "DROVER_TRANSACTION",
    })
    reserved.release()
    await sql.end()
  })
})

async function open(options: Options): Promise<UserLibrary> {
  const sql = postgres(await testServerUrl(), { max: 4, onnotice: () => {}, ...options })
  return {
    transaction: (body, isolation = "read committed") =>
      sql.begin(`isolation level ${isolation}`, (tx) => body(wrap(tx))) as never,
    wrong: { "the sql of a pool": sql, "a query": sql`select 1` },
    adapt: (wrong) => fromPostgresJs(wrong as TransactionSql),
    close: () => sql.end(),
  }
}

function wrap(tx: TransactionSql): LibraryTransaction {
  return {
    adapted: fromPostgresJs(tx),
    run: async (text) => {
      await tx.unsafe(text)
    },
    nested: (body) => tx.savepoint((inner) => body(wrap(inner))) as never,
  }
}

/** Never run: what the compiler must say. */
export function typed(sql: Sql, tx: TransactionSql): void {
  fromPostgresJs(tx)
  // @ts-expect-error -- the sql of a pool is no transaction
  fromPostgresJs(sql)
}
