import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { readMigrations, type SqlFile } from "./readMigrations.ts"
import { readQueries, refuseDoubledNames } from "./readQueries.ts"
import { renderMigrations, renderQueries } from "./render.ts"

/**
 * Makes the TypeScript of one store's `.sql` files: `sql/*.sql` become `generated/queries.ts`, and
 * `migrations/*.sql` become `generated/migrations.ts`, so that nothing is read from disk at run time.
 * @returns file name in `generated/` → its text.  @throws SqlgenError when a `.sql` file is not in order.
 */
function generateStore(storeDir: string): Map<string, string> {
  const queries = readSqlFiles(join(storeDir, "sql")).flatMap(({ file, text }) =>
    readQueries(file, text),
  )
  refuseDoubledNames(queries)
  const migrations = readMigrations(readSqlFiles(join(storeDir, "migrations")))
  return new Map([
    ["queries.ts", renderQueries(queries)],
    ["migrations.ts", renderMigrations(migrations)],
  ])
}

/** Writes what `generateStore` made. @returns the names of the files that changed. */
export function writeGenerated(storeDir: string): string[] {
  const stale = staleFiles(storeDir)
  const dir = join(storeDir, "generated")
  mkdirSync(dir, { recursive: true })
  for (const { file, text } of stale) writeFileSync(join(dir, file), text)
  return stale.map(({ file }) => file)
}

/** The generated files that differ from what the `.sql` files say, with the text they should have. */
export function staleFiles(storeDir: string): SqlFile[] {
  const dir = join(storeDir, "generated")
  return [...generateStore(storeDir)]
    .filter(([file, text]) => {
      const path = join(dir, file)
      return !existsSync(path) || readFileSync(path, "utf8") !== text
    })
    .map(([file, text]) => ({ file, text }))
}

function readSqlFiles(dir: string): SqlFile[] {
  if (!existsSync(dir)) return []
  return readdirSync(dir)
    .filter((file) => file.endsWith(".sql"))
    .toSorted()
    .map((file) => ({ file, text: readFileSync(join(dir, file), "utf8") }))
}
