import knex from "knex"
import type { Knex } from "knex"
import { libraryRules } from "../fixtures/libraryRules.ts"
import { testServerUrl } from "../fixtures/testServer.ts"
import type { LibraryTransaction, UserLibrary } from "../fixtures/userLibrary.ts"
import { fromKnex } from "./index.ts"

libraryRules("Knex", () => open({}))
libraryRules("Knex that renames columns", () =>
  open({
    wrapIdentifier: (value, wrap) => wrap(value.toUpperCase()),
    postProcessResponse: (result: unknown) => renamed(result),
  }),
)

async function open(config: Knex.Config): Promise<UserLibrary> {
  const db = knex({ client: "pg", connection: await testServerUrl(), pool: { max: 4 }, ...config })
  const ended = await db.transaction()
  await ended.commit()
  return {
    transaction: (body, isolationLevel = "read committed") =>
      db.transaction((trx) => body(wrap(trx)), { isolationLevel }),
    wrong: { "the knex": db, "a query": db.raw("select 1"), "an ended one": ended },
    adapt: (given) => fromKnex(given as Knex.Transaction),
    close: () => db.destroy(),
  }
}

function wrap(trx: Knex.Transaction): LibraryTransaction {
  return {
    adapted: fromKnex(trx),
    run: async (text) => {
      await trx.raw(text)
    },
    nested: (body) => trx.transaction((inner) => body(wrap(inner))),
  }
}

// As objection's knexSnakeCaseMappers does.
function renamed(result: unknown): unknown {
  const { rows } = result as { readonly rows?: readonly Record<string, unknown>[] }
  if (rows === undefined) return result
  const rename = (name: string): string =>
    name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
  return Object.assign(result as object, {
    rows: rows.map((row) =>
      Object.fromEntries(Object.entries(row).map(([name, value]) => [rename(name), value])),
    ),
  })
}

/** Never run: what the compiler must say. */
export function typed(db: Knex, trx: Knex.Transaction): void {
  fromKnex(trx)
  // @ts-expect-error -- the knex is no transaction
  fromKnex(db)
}
