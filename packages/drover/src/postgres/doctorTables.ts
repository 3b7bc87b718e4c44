import type { HealthCheck } from "../store/index.ts"
import { formatDuration } from "../time/index.ts"
import type { Connection } from "./connection.ts"
import type { PostgresDatabase } from "./database.ts"
import type { DoctorLimits } from "./doctorLimits.ts"

// A page of an index, less its header, filled to nine tenths; and what each entry takes beside its key.
const PAGE_BYTES = 8_192 * 0.9
const ENTRY_BYTES = 20
// After many deletes an index is twice or three times as large as a fresh one; more than that is bloat.
const BLOATED = 4

/** Whether the schema is the one that this version knows. */
export async function checkSchema(database: PostgresDatabase): Promise<HealthCheck> {
  const check = "schema"
  const migrations = await database.migrations()
  const pending = migrations.filter(({ appliedAt }) => appliedAt === null)
  if (pending.length === 0) {
    const message = `The schema is at migration ${migrations.length}.`
    return { check, status: "ok", message, value: migrations.length }
  }
  const message = `${pending.length} migrations are pending: run "drover migrate up".`
  return { check, status: "fail", message, value: pending.length }
}

/** Whether tables are full of dead rows. */
export async function checkDeadRows(
  connection: Connection,
  limits: DoctorLimits,
): Promise<HealthCheck> {
  const check = "dead_rows"
  const [worst] = await connection.ask("dead_rows", [limits.deadRows])
  if (worst === undefined) {
    return { check, status: "ok", message: "No table of Drover is full of dead rows.", value: 0 }
  }
  const [table, dead, live, vacuumed] = worst as readonly [string, number, number, string | null]
  const last = vacuumed === null ? "It was never vacuumed" : `It was last vacuumed at ${vacuumed}`
  const message = `Table ${table} has ${dead} dead rows beside ${live} live ones. ${last}: see oldest_transaction and xmin_age for what holds vacuum back, then vacuum it.`
  return { check, status: "warn", message, value: dead }
}

/** Whether indexes are much larger than their rows need. An estimate. */
export async function checkIndexBloat(
  connection: Connection,
  limits: DoctorLimits,
): Promise<HealthCheck> {
  const check = "index_bloat"
  const [worst] = await bloatedIndexes(connection, limits.indexPages)
  if (worst === undefined) {
    return {
      check,
      status: "ok",
      message: "No index of Drover is much larger than it needs.",
      value: 0,
    }
  }
  const message = `Index ${worst.name} is about ${Math.round(worst.factor)} times as large as its rows need: reindex index concurrently ${worst.name}, after what held vacuum back has ended.`
  return { check, status: "warn", message, value: worst.name }
}

/** Indexes of more than so many pages that are much larger than their rows need, the worst first. */
export async function bloatedIndexes(
  connection: Connection,
  pages: number,
): Promise<readonly { readonly name: string; readonly factor: number }[]> {
  const rows = await connection.ask("index_sizes", [pages])
  const bloated = rows.flatMap(([name, size, tuples, width]) => {
    // A number of -1 is of an index that nobody has looked at yet.
    const needed = Math.max(
      1,
      (Math.max(0, Number(tuples)) * (Number(width) + ENTRY_BYTES)) / PAGE_BYTES,
    )
    const factor = Number(size) / needed
    return Number(tuples) >= 0 && factor > BLOATED ? [{ name: String(name), factor }] : []
  })
  return bloated.toSorted((a, b) => b.factor - a.factor)
}

/** Whether a build of an index was cut short. */
export async function checkBrokenIndexes(connection: Connection): Promise<HealthCheck> {
  const check = "invalid_indexes"
  const names = (await connection.ask("broken_indexes")).map(([name]) => String(name))
  if (names.length === 0) {
    return { check, status: "ok", message: "Every index of Drover is valid.", value: 0 }
  }
  const message = `Building these indexes was cut short, so they cost writes and serve nobody: ${names.join(", ")}. Run "drover migrate up", or drop them.`
  return { check, status: "warn", message, value: names.length }
}

/** Whether this role may do what a worker does. */
export async function checkGrants(connection: Connection): Promise<HealthCheck> {
  const check = "grants"
  const missing = (await connection.ask("missing_grants")).map(([what, privilege]) => {
    return `${String(privilege)} on ${String(what)}`
  })
  if (missing.length === 0) {
    return { check, status: "ok", message: "This role may do all that a worker does.", value: 0 }
  }
  const shown = missing.slice(0, 3).join(", ")
  const more = missing.length > 3 ? ` and ${missing.length - 3} more` : ""
  const message = `This role lacks ${shown}${more}: a worker cannot run as it. The guide to Postgres has the grants of each role.`
  return { check, status: "warn", message, value: missing.length }
}

/** Whether somebody clears away dead rows at all. */
export async function checkAutovacuum(
  connection: Connection,
  server: { readonly autovacuum: string; readonly trackCounts: string },
): Promise<HealthCheck> {
  const check = "autovacuum"
  if (server.autovacuum !== "on" || server.trackCounts !== "on") {
    const message =
      "autovacuum or track_counts is off for the server: dead rows are never cleared away. Switch both on."
    return { check, status: "fail", message, value: "off" }
  }
  const tables = (await connection.ask("tables_without_vacuum")).map(([name]) => String(name))
  if (tables.length === 0) {
    return { check, status: "ok", message: "Autovacuum cleans every table of Drover.", value: "on" }
  }
  const message = `Autovacuum is off for ${tables.join(", ")}: alter table … reset (autovacuum_enabled).`
  return { check, status: "fail", message, value: tables.length }
}

/** Whether somebody waits for a lock on a table of ours. */
export async function checkLocks(
  connection: Connection,
  limits: DoctorLimits,
): Promise<HealthCheck> {
  const check = "long_locks"
  const [longest] = await connection.ask("long_lock_waits", [limits.lockMs])
  if (longest === undefined) {
    return {
      check,
      status: "ok",
      message: "Nobody waits for long for a table of Drover.",
      value: 0,
    }
  }
  const [pid, application, mode, table, blockers, waitedMs] = longest as readonly [
    ...[number, string, string, string, readonly number[], number],
  ]
  const who = blockers.length === 0 ? "somebody who has ended" : `process ${blockers.join(", ")}`
  const message = `Process ${pid} (${application || "no application_name"}) has waited for ${formatDuration(waitedMs)} for ${mode} on ${table}, behind ${who}; everybody who comes later waits with it.`
  return { check, status: "warn", message, value: pid }
}
