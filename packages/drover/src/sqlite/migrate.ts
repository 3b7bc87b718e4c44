import type { DatabaseSync } from "node:sqlite"
import { DroverError } from "../errors/index.ts"
import type { MigrationStatus } from "../store/index.ts"
import { migrations } from "./generated/migrations.ts"

/** Every migration this version knows, and when it was applied to this database. */
export function migrationStatus(db: DatabaseSync): MigrationStatus[] {
  const applied = appliedAt(db)
  return noMigrations().map((migration) => ({
    ...migration,
    appliedAt: applied.get(migration.number) ?? null,
  }))
}

/** The same of a database that is not there. */
export function noMigrations(): MigrationStatus[] {
  return migrations.map(({ number, name }) => ({ number, name, appliedAt: null }))
}

/**
 * Applies what is pending, each migration in a transaction of its own. Two processes that migrate at once do
 * it one after the other, and the second finds nothing to do.
 * @throws an error of SQLite, which may be busy; then nothing of the current migration was done.
 */
export function applyMigrations(db: DatabaseSync, nowMs: number): void {
  for (const { number, name, sql } of migrations) {
    db.exec("begin immediate")
    try {
      if (!appliedAt(db).has(number)) {
        db.exec(sql)
        db.prepare("insert into drover_migration (number, name, applied_at) values (?, ?, ?)").run(
          number,
          name,
          nowMs,
        )
      }
      db.exec("commit")
    } catch (error) {
      if (db.isTransaction) db.exec("rollback")
      throw error
    }
  }
}

/** @throws DroverError `DROVER_STORE_MIGRATION` when a newer version of Drover has changed the schema. */
export function refuseNewer(db: DatabaseSync, label: string): void {
  const newest = Math.max(0, ...appliedAt(db).keys())
  if (newest <= migrations.length) return
  throw new DroverError(
    "DROVER_STORE_MIGRATION",
    `The schema of ${label} is at migration ${newest}, but this version of Drover knows ${migrations.length}; install the newer Drover here.`,
    { details: { store: label, found: newest, known: migrations.length } },
  )
}

/** @throws DroverError `DROVER_STORE_MIGRATION` when migrations are pending. */
export function refuseOlder(db: DatabaseSync, label: string): void {
  const pending = migrationStatus(db).filter((migration) => migration.appliedAt === null)
  if (pending.length === 0) return
  throw new DroverError(
    "DROVER_STORE_MIGRATION",
    `${label} lacks ${pending.length} migration(s), first ${pending[0]?.number} (${pending[0]?.name}); run "drover migrate up", or give the client migrate: true.`,
    { details: { store: label, pending: pending.map(({ number }) => number) } },
  )
}

function appliedAt(db: DatabaseSync): Map<number, number> {
  const table = db
    .prepare("select 1 from sqlite_schema where type = 'table' and name = 'drover_migration'")
    .get()
  if (table === undefined) return new Map()
  const rows = db.prepare("select number, applied_at from drover_migration").all() as {
    number: number
    applied_at: number
  }[]
  return new Map(rows.map((row) => [row.number, row.applied_at]))
}
