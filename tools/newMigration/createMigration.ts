import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { basename, join } from "node:path"

/** The migration cannot be made; the message says why and what to do. */
export class MigrationRefused extends Error {
  override readonly name = "MigrationRefused"
}

const NAME = /^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/
const FILE = /^(\d{4})_([a-z0-9_]+)\.sql$/

/**
 * Writes the next migration of each store that exists below `sourcesDir`, with one number for all of them.
 * @returns the paths written.  @throws MigrationRefused for a bad or taken name, or stores out of step.
 */
export function createMigration(sourcesDir: string, name: string): string[] {
  if (!NAME.test(name)) {
    throw new MigrationRefused(`"${name}" is no name for a migration; use lower_snake_case.`)
  }
  const storeDirs = ["sqlite", "postgres"]
    .map((store) => join(sourcesDir, store))
    .filter((dir) => existsSync(dir))
  if (storeDirs.length === 0) throw new MigrationRefused(`there is no store in ${sourcesDir}.`)
  const lists = storeDirs.map((dir) => migrationNames(join(dir, "migrations")))
  const [first = [], ...others] = lists
  if (others.some((list) => list.join() !== first.join())) {
    throw new MigrationRefused(
      "the stores are not at the same migration; bring them in step first.",
    )
  }
  if (first.some((taken) => taken.endsWith(`_${name}`) && taken.slice(5) === name)) {
    throw new MigrationRefused(
      `there is a migration ${name} already; name this one for its change.`,
    )
  }
  const number = String(first.length + 1).padStart(4, "0")
  return storeDirs.map((dir) => {
    const path = join(dir, "migrations", `${number}_${name}.sql`)
    mkdirSync(join(dir, "migrations"), { recursive: true })
    writeFileSync(path, header(number, name, basename(dir)), { flag: "wx" })
    return path
  })
}

/** `0001_jobs`, … in order, without a gap. */
function migrationNames(dir: string): string[] {
  if (!existsSync(dir)) return []
  const names = readdirSync(dir)
    .filter((file) => FILE.test(file))
    .map((file) => file.replace(/\.sql$/, ""))
    .toSorted()
  for (const [index, name] of names.entries()) {
    if (Number(name.slice(0, 4)) !== index + 1) {
      throw new MigrationRefused(`${name} stands where number ${index + 1} should.`)
    }
  }
  return names
}

function header(number: string, name: string, store: string): string {
  return `-- ${number} ${name} (${store}): why the schema changes.
--
-- Append-only: once released, this file never changes. The code before it and the code after it both run on
-- the schema it leaves, and no statement holds the fleet up for more than a second.
`
}
