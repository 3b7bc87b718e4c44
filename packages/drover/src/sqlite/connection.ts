import { DatabaseSync } from "node:sqlite"
import { DroverError } from "../errors/index.ts"

/** How safe a commit is when the power fails. A killed process loses nothing either way. */
export type Durability =
  /** Every acknowledged write survives. */
  | "full"
  /** The last moments before a power failure may be lost; single commits cost a fifth. */
  | "normal"

/** What the two kinds of connections share. Source: reliability facts §5, measured on node:sqlite. */
const COMMON = [
  "pragma temp_store = memory",
  // 16 MiB.
  "pragma cache_size = -16384",
  // A schema from elsewhere must not call functions with side effects.
  "pragma trusted_schema = off",
  // Mapped pages amplified a corruption bug in the wild.
  "pragma mmap_size = 0",
]

/**
 * Opens the one connection of this process that writes.
 * @throws an error of SQLite, which may be busy: switching to the write-ahead log needs the file alone.
 */
export function openWriter(path: string, durability: Durability): DatabaseSync {
  const db = open(path)
  try {
    for (const pragma of COMMON) db.exec(pragma)
    db.exec(`pragma synchronous = ${durability}`)
    if (path === ":memory:") return db
    requireWal(db, path)
    // See logKeeper.ts.
    db.exec("pragma wal_autocheckpoint = 0")
    db.exec("pragma journal_size_limit = 67108864")
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** Opens a connection that only reads, apart from the writer, so that a question never waits for a write. */
export function openReader(path: string): DatabaseSync {
  const db = open(path)
  try {
    for (const pragma of COMMON) db.exec(pragma)
    db.exec("pragma query_only = on")
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

function open(path: string): DatabaseSync {
  return new DatabaseSync(path, {
    // SQLite would sleep inside our event loop; we wait outside of it.
    timeout: 0,
    enableForeignKeyConstraints: true,
    allowExtension: false,
  })
}

function requireWal(db: DatabaseSync, path: string): void {
  const row = db.prepare("pragma journal_mode = wal").get() as { journal_mode: string }
  if (row.journal_mode === "wal") return
  throw new DroverError(
    "DROVER_STORE_UNSAFE",
    `${path} cannot use a write-ahead log (journal mode is "${row.journal_mode}"); Drover needs one.`,
    { details: { path, journalMode: row.journal_mode } },
  )
}
