import { DataSource } from "typeorm"
import type { EntityManager, QueryRunner } from "typeorm"
import { describe, expect, test } from "vitest"
import { libraryRules } from "../fixtures/libraryRules.ts"
import { testServerUrl } from "../fixtures/testServer.ts"
import type { Isolation, LibraryTransaction, UserLibrary } from "../fixtures/userLibrary.ts"
import { proveOpen } from "../userTransaction.ts"
import { fromTypeOrm } from "./index.ts"

libraryRules("TypeORM", open)

describe("a query runner of TypeORM", () => {
  test("is taken while its transaction is open, and not before", async () => {
    const source = await connect()
    const runner = source.createQueryRunner()
    expect(() => fromTypeOrm(runner)).toThrow(/has no transaction/)
    await runner.startTransaction()
    await proveOpen(fromTypeOrm(runner), "the test")
    await proveOpen(fromTypeOrm(runner.manager), "the test")
    const updated = await fromTypeOrm(runner)
      .query(
        "with n as (select 1) update pg_temp.none set x = 1 where false returning 'x' as reply",
        [],
      )
      .catch((error: unknown) => error)
    expect(updated).toBeInstanceOf(Error)
    await runner.rollbackTransaction()
    expect(() => fromTypeOrm(runner)).toThrow(/has no transaction/)
    await runner.release()
    await source.destroy()
  })
})

async function connect(): Promise<DataSource> {
  const source = new DataSource({ type: "postgres", url: await testServerUrl(), poolSize: 4 })
  return source.initialize()
}

async function open(): Promise<UserLibrary> {
  const source = await connect()
  return {
    transaction: (body, isolation = "read committed") =>
      source.transaction(isolation.toUpperCase() as Uppercase<Isolation>, (manager) =>
        body(wrap(manager)),
      ),
    wrong: { "the data source": source, "its manager": source.manager },
    adapt: (given) => fromTypeOrm(given as EntityManager),
    close: () => source.destroy(),
  }
}

function wrap(manager: EntityManager): LibraryTransaction {
  return {
    adapted: fromTypeOrm(manager),
    run: async (text) => {
      await manager.query(text)
    },
    nested: (body) => manager.transaction((inner) => body(wrap(inner))),
  }
}

/** Never run: what the compiler must say. */
export function typed(source: DataSource, manager: EntityManager, runner: QueryRunner): void {
  fromTypeOrm(manager)
  fromTypeOrm(runner)
  // @ts-expect-error -- a data source is no transaction
  fromTypeOrm(source)
}
