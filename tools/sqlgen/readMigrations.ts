import { SqlgenError } from "./readQueries.ts"
import { compactSql } from "./scanSql.ts"

export interface Migration {
  readonly number: number
  readonly name: string
  readonly sql: string
  /** From a line `-- min-worker: 3`: who knows fewer migrations cannot use the schema any more. */
  readonly minWorker?: number
}

export interface SqlFile {
  readonly file: string
  readonly text: string
}

const MIN_WORKER = /^--\s*min-worker:\s*(\S*)\s*$/m
const FILE = /^(\d{4})_([a-z][a-z0-9_]*)(?:\.([a-z][a-z0-9_]*))?\.sql$/

/**
 * Reads migrations from files such as `0001_jobs.sql`. They are numbered from 1 without a gap, so that two
 * branches that add the same number meet in a merge conflict or here, and never in a database.
 * @throws SqlgenError for a bad file name, a gap, a doubled number or an empty migration.
 */
export function readMigrations(files: readonly SqlFile[]): Migration[] {
  const migrations = joinParts(files).map(({ file, text }) => {
    const [, digits, name] = FILE.exec(file) ?? []
    if (digits === undefined || name === undefined) {
      throw new SqlgenError(`${file}: a migration is named like 0001_jobs.sql.`)
    }
    const sql = compactSql(text)
    if (sql === "") throw new SqlgenError(`${file}: the migration is empty.`)
    const number = Number(digits)
    const minWorker = minWorkerOf(file, text, number)
    return { number, name, sql, ...(minWorker === undefined ? {} : { minWorker }) }
  })
  migrations.sort((a, b) => a.number - b.number)
  for (const [index, { number, name }] of migrations.entries()) {
    if (number !== index + 1) {
      throw new SqlgenError(
        `migration ${number} (${name}) stands where ${index + 1} should; numbers go up by one from 1.`,
      )
    }
  }
  return migrations
}

/** A large migration stands in several files: `0001_jobs.sql`, then its parts such as `0001_jobs.operators.sql` by name. */
function joinParts(files: readonly SqlFile[]): SqlFile[] {
  const parts = files.filter(({ file }) => FILE.exec(file)?.[3] !== undefined)
  const mainOf = ({ file }: SqlFile): string => file.replace(/\.[a-z0-9_]+\.sql$/, ".sql")
  const orphan = parts.find((part) => !files.some(({ file }) => file === mainOf(part)))
  if (orphan !== undefined) {
    throw new SqlgenError(`${orphan.file}: a part of ${mainOf(orphan)}, which is not there.`)
  }
  return files
    .filter((file) => !parts.includes(file))
    .map(({ file, text }) => {
      const own = parts.filter((part) => mainOf(part) === file)
      if (own.length > 0 && !text.trimEnd().endsWith(";")) {
        throw new SqlgenError(`${file}: ends without a semicolon, and a part follows.`)
      }
      return { file, text: [text, ...own.map((part) => part.text)].join("\n") }
    })
}

function minWorkerOf(file: string, text: string, number: number): number | undefined {
  const said = MIN_WORKER.exec(text)?.[1]
  if (said === undefined) return undefined
  const minWorker = Number(said)
  if (/^\d+$/.test(said) && minWorker >= 1 && minWorker <= number) return minWorker
  throw new SqlgenError(`${file}: "min-worker: ${said}" is no migration from 1 to ${number}.`)
}
