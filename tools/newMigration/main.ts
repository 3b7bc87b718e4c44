/** `npm run new:migration NAME`: the next numbered migration, for every store at once. */
import { join, relative } from "node:path"
import { createMigration, MigrationRefused } from "./createMigration.ts"

const ROOT = join(import.meta.dirname, "../..")
const [name, ...rest] = process.argv.slice(2)

try {
  if (name === undefined || rest.length > 0) {
    throw new MigrationRefused("usage: npm run new:migration NAME, e.g. add_job_tags.")
  }
  for (const path of createMigration(join(ROOT, "packages/drover/src"), name)) {
    console.log(`wrote ${relative(ROOT, path)}`)
  }
  // An empty migration is refused by sqlgen, so that a forgotten one cannot be released.
  console.log("Write its statements, then: npm run sqlgen")
} catch (error) {
  if (!(error instanceof MigrationRefused)) throw error
  console.error(error.message)
  process.exitCode = 1
}
