import type { Fenced, IndexWork, TermRef } from "../store/index.ts"
import type { Connection } from "./connection.ts"
import type { StoreContext } from "./context.ts"
import { doctorLimits } from "./doctorLimits.ts"
import { bloatedIndexes } from "./doctorTables.ts"
import { fenced } from "./terms.ts"

// Rebuilding reads a whole table and waits for old transactions.
const REBUILD_MS = 30 * 60_000
// What a rebuild of ours that was cut short leaves behind; Postgres numbers them when there are several.
const LEFTOVER = /_cc(?:new|old)\d*$/

/**
 * Drops what rebuilds that were cut short left behind, and rebuilds the most bloated index, beside all other work. When it
 * is stopped mid-way it ends the rebuild and cleans up after itself. No transaction can hold the term meanwhile, because
 * a concurrent rebuild must not run in one; two at once wait for each other's locks and harm nobody.
 * @param pages indexes with fewer pages are not looked at. @default what doctor looks at
 */
export async function keepIndexes(
  context: Pick<StoreContext, "database">,
  request: { readonly term: TermRef; readonly signal: AbortSignal },
  pages: number = doctorLimits.indexPages,
): Promise<Fenced<IndexWork>> {
  const { term, signal } = request
  const look = async (db: Connection): Promise<IndexWork | "write"> => {
    const isClean = (await leftovers(db)).length === 0
    return isClean && (await bloatedIndexes(db, pages)).length === 0 ? nothing : "write"
  }
  // It is only looked under the fence; what follows is no transaction.
  const seen = await fenced<IndexWork | "due">(context, "keepIndexes", term, {
    look: async (db) => ((await look(db)) === "write" ? "due" : nothing),
    write: () => Promise.resolve("due"),
  })
  if (seen !== "due") return seen
  const options = { role: "long", deadlineMs: REBUILD_MS } as const
  return context.database.plain("keepIndexes", (db) => work(context, db, signal, pages), options)
}

const nothing: IndexWork = { rebuilt: [], dropped: [] }

async function work(
  context: Pick<StoreContext, "database">,
  db: Connection,
  signal: AbortSignal,
  pages: number,
): Promise<IndexWork> {
  const [backend] = await db.ask("own_backend")
  await db.ask("settle_rebuild")
  const cancel = (): void =>
    void context.database
      .read("keepIndexes", (other) => other.ask("cancel_backend", [backend?.[0] as number]), {
        role: "control",
      })
      .catch(() => {})
  signal.addEventListener("abort", cancel, { once: true })
  try {
    signal.throwIfAborted()
    const dropped = await dropLeftovers(db)
    const [worst] = await bloatedIndexes(db, pages)
    if (worst === undefined) return { rebuilt: [], dropped }
    await db.execute(`reindex index concurrently {schema}."${worst.name}"`)
    return { rebuilt: [worst.name], dropped }
  } catch (error) {
    // Its own half of an index costs every write and serves nobody.
    if (signal.aborted && db.broken === undefined) await dropLeftovers(db).catch(() => [])
    throw error
  } finally {
    signal.removeEventListener("abort", cancel)
  }
}

async function dropLeftovers(db: Connection): Promise<string[]> {
  const names = await leftovers(db)
  for (const name of names) {
    await db.execute(`drop index concurrently if exists {schema}."${name}"`)
  }
  return names
}

async function leftovers(db: Connection): Promise<string[]> {
  const names = (await db.ask("broken_indexes")).map(([name]) => String(name))
  return names.filter((name) => LEFTOVER.test(name))
}
