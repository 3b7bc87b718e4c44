import { DroverError } from "../errors/index.ts"
import { retry, RetryError } from "../retry/index.ts"
import type { MigrationStatus } from "../store/index.ts"
import type { Clock, Rng } from "../time/index.ts"
import type { Connection } from "./connection.ts"
import { migrations as ownMigrations } from "./generated/migrations.ts"
import { isConflict, isLost, isNotNow } from "./postgresErrors.ts"

/** One migration, as `npm run sqlgen` makes it of its file. */
export interface Migration {
  readonly number: number
  readonly name: string
  readonly sql: string
  /** Workers that know fewer migrations than this cannot use the schema any more. @default 1 */
  readonly minWorker?: number
}

/** The migrations of this version. */
export const knownMigrations: readonly Migration[] = ownMigrations

/** What a migrator is handed. */
export interface Migrating {
  readonly label: string
  readonly schema: string
  readonly clock: Clock
  readonly rng: Rng
  /** @default the migrations of this version */
  readonly migrations?: readonly Migration[]
  /** Runs the body with a connection of its own, whose queries may take this long. */
  use<T>(deadlineMs: number, body: (connection: Connection) => Promise<T>): Promise<T>
}

interface Applied {
  readonly number: number
  readonly appliedAt: number
  readonly minWorker: number
}

// Building an index of a large table takes as long as it takes.
const MIGRATION_MS = 60 * 60_000
// So long others may hold a table, or migrate, before this one gives up.
const PATIENCE_MS = 120_000

// Only where it is not there: to say "if not exists" needs the right to create it all the same.
const SCHEMA = `do $$
begin
  if to_regnamespace('{schema}') is null then
    create schema {schema};
  end if;
end
$$`

const LEDGER = `create table if not exists {schema}.migration (
  number integer primary key,
  name text not null,
  applied_at bigint not null,
  min_worker integer not null
)`

// A migration waits for nobody who holds a table for longer than a blink, because all who come after it wait with it.
const LIMITS = `set local lock_timeout = '2s';
set local statement_timeout = 0;
set local idle_in_transaction_session_timeout = 0`

/** Every migration this version knows, and when it was applied. */
export function migrationStatus(migrating: Migrating): Promise<MigrationStatus[]> {
  const known = migrating.migrations ?? knownMigrations
  return migrating.use(MIGRATION_MS, async (connection) => {
    const applied = await readLedger(connection)
    return known.map(({ number, name }) => {
      const appliedAt = applied.find((row) => row.number === number)?.appliedAt ?? null
      return { number, name, appliedAt }
    })
  })
}

/**
 * Applies what is pending, each migration in a transaction of its own, except those that build indexes concurrently.
 * Two that migrate at once do it one after the other, and the second finds nothing to do; one that was killed is gone
 * on with by the next. @returns what was applied, or, with `dryRun`, what would be.
 */
export async function migrate(
  migrating: Migrating,
  { dryRun }: { readonly dryRun: boolean },
): Promise<MigrationStatus[]> {
  const isPending = ({ appliedAt }: MigrationStatus): boolean => appliedAt === null
  const pending = (await migrationStatus(migrating)).filter(isPending)
  if (dryRun || pending.length === 0) return pending
  const numbers = new Set(pending.map(({ number }) => number))
  for (const migration of migrating.migrations ?? knownMigrations) {
    if (numbers.has(migration.number)) await patiently(migrating, () => apply(migrating, migration))
  }
  const done = await patiently(migrating, () => migrationStatus(migrating))
  return done.filter(({ number }) => numbers.has(number))
}

/** @throws DroverError `DROVER_STORE_MIGRATION` when migrations are pending, or newer ones shut this version out. */
export async function refuseUnfit(
  connection: Connection,
  label: string,
  known: readonly Migration[] = knownMigrations,
): Promise<void> {
  const applied = await readLedger(connection)
  const numbers = new Set(applied.map(({ number }) => number))
  const [first, ...others] = known.filter(({ number }) => !numbers.has(number))
  if (first !== undefined) {
    const pending = [first, ...others].map(({ number }) => number)
    const message = `${label} lacks ${pending.length} migration(s), first ${first.number} (${first.name}); run "drover migrate up", or give the client migrate: true.`
    throw new DroverError("DROVER_STORE_MIGRATION", message, { details: { store: label, pending } })
  }
  const needed = Math.max(0, ...applied.map(({ minWorker }) => minWorker))
  if (needed <= known.length) return
  const found = Math.max(...numbers)
  const message = `The schema of ${label} is at migration ${found} and serves only versions of Drover that know migration ${needed}; this one knows ${known.length}. Install the newer Drover here.`
  throw new DroverError("DROVER_STORE_MIGRATION", message, {
    details: { store: label, found, needed, known: known.length },
  })
}

async function readLedger(connection: Connection): Promise<Applied[]> {
  const [exists] = await connection.ask("ledger_exists")
  if (exists?.[0] !== true) return []
  const rows = await connection.ask("read_ledger")
  return rows.map(([number, , appliedAt, minWorker]) => {
    return { number, appliedAt, minWorker } as Applied
  })
}

function patiently<T>(migrating: Migrating, step: () => Promise<T>): Promise<T> {
  return retry(step, {
    backoff: "exponential",
    base: 100,
    cap: 3_000,
    jitter: "full",
    maxAttempts: false,
    deadline: PATIENCE_MS + MIGRATION_MS,
    // A step begins by finding out whether it has been done, so it may be repeated after anything.
    retryIf: withinPatience(migrating.clock, (error) => {
      return isConflict(error) || isNotNow(error) || isLost(error)
    }),
    clock: migrating.clock,
    rng: migrating.rng,
  }).catch((error: unknown) => {
    throw error instanceof RetryError ? error.cause : error
  })
}

function withinPatience(
  clock: Clock,
  isTransient: (error: unknown) => boolean,
): (error: unknown) => boolean {
  const untilMono = clock.monotonic() + PATIENCE_MS
  return (error) => isTransient(error) && clock.monotonic() < untilMono
}

function apply(migrating: Migrating, migration: Migration): Promise<void> {
  return migrating.use(MIGRATION_MS, async (connection) => {
    await connection.execute(`begin isolation level read committed; ${LIMITS}`)
    try {
      await noTransactionTimeout(connection)
      await connection.ask("lock_migrations")
      await connection.execute(`${SCHEMA}; ${LEDGER}`)
      const applied = await readLedger(connection)
      if (!applied.some(({ number }) => number === migration.number)) {
        if (isConcurrent(migration)) await buildIndexes(migrating, migration)
        else await connection.execute(migration.sql)
        const { number, name, minWorker = 1 } = migration
        await connection.ask("add_to_ledger", [number, name, minWorker])
      }
      await connection.execute("commit")
    } catch (error) {
      await connection.execute("rollback").catch(() => undefined)
      throw error
    }
  })
}

async function noTransactionTimeout(connection: Connection): Promise<void> {
  await connection.text(
    "select set_config('transaction_timeout', '0', true) where current_setting('transaction_timeout', true) is not null",
  )
}

const CONCURRENT_INDEX =
  /\bcreate\s+(?:unique\s+)?index\s+concurrently\s+(?:if\s+not\s+exists\s+)?(\w+)/gi

function isConcurrent({ sql }: Migration): boolean {
  return /\bindex\s+concurrently\b/i.test(sql)
}

/**
 * Builds indexes beside the work that goes on, on a connection of its own, while the other holds the lock of
 * migrations. Half-built ones of a killed migrator are dropped first.
 */
function buildIndexes(migrating: Migrating, { sql }: Migration): Promise<void> {
  const names = [...sql.matchAll(CONCURRENT_INDEX)].map(([, name]) => name as string)
  return migrating.use(MIGRATION_MS, async (connection) => {
    await connection.execute("set lock_timeout = '30s'; set statement_timeout = 0")
    try {
      for (const [name] of await connection.ask("invalid_indexes", [names])) {
        await connection.execute(`drop index concurrently if exists {schema}."${String(name)}"`)
      }
      for (const statement of sql.split(";")) await connection.execute(statement)
    } finally {
      connection.giveUp(new Error("its session has been set for migrations"))
    }
  })
}
