import { statSync } from "node:fs"
import type { DatabaseSync } from "node:sqlite"
import type { HealthCheck } from "../store/index.ts"
import type { StoreContext } from "./context.ts"
import { migrationStatus } from "./migrate.ts"
import type { ReadTx } from "./writeTx.ts"

const MIB = 1_048_576
const LOCK_PATIENCE_MS = 2_000
const FULL = 2
// A checkpoint of more pages would hold up the event loop; then it is only asked how far it could go.
const CHECKPOINT_PAGES = 2_000
const PINNED_PAGES = 4_000
const LOG_WARN_BYTES = 128 * MIB
const INTEGRITY_LIMIT_BYTES = 32 * MIB
const CLOCK_WARN_MS = 60_000

/** Whether the write lock can be had, and how safe a commit is then. */
export async function checkLock(context: StoreContext): Promise<HealthCheck> {
  const check = "write_lock"
  const patience = new AbortController()
  const locked = context.write("doctor", ({ db }) => Number(pragma(db, "synchronous")))
  const waited = context.clock
    .sleep(LOCK_PATIENCE_MS, { signal: patience.signal, ref: false })
    .catch(() => undefined)
  const level = await Promise.race([locked, waited])
  patience.abort()
  if (level === undefined) {
    // It is only left waiting; its end says nothing more.
    locked.catch(() => undefined)
    const message = `The write lock could not be had within ${LOCK_PATIENCE_MS} ms: another process or transaction holds it. Look for a long or forgotten transaction on this database.`
    return { check, status: "fail", message, value: LOCK_PATIENCE_MS }
  }
  if (context.file === null) return { check, status: "ok", message: "The database is in memory." }
  const message =
    level >= FULL
      ? "The write lock is free; every commit is synced to disk."
      : "The write lock is free; commits are not synced one by one, as configured: a power failure may undo the last ones."
  return { check, status: "ok", message, value: level >= FULL ? "full" : "normal" }
}

/** Whether the schema is what this version knows. */
export function checkSchema({ db }: ReadTx): HealthCheck {
  const check = "schema"
  const status = migrationStatus(db)
  const pending = status.filter(({ appliedAt }) => appliedAt === null)
  const value = status.length - pending.length
  if (pending.length === 0) {
    const sqlite = process.versions["sqlite"] ?? "unknown"
    return { check, status: "ok", message: `Up to date; SQLite ${sqlite}.`, value }
  }
  const names = pending.map(({ number, name }) => `${number} ${name}`).join(", ")
  return { check, status: "fail", message: `Pending: ${names}. Run "drover migrate up".`, value }
}

/** Whether the write-ahead log is on, of a sane size, and not held back by a long reader. */
export function checkLog({ db }: ReadTx, { file }: StoreContext): HealthCheck {
  const check = "wal"
  if (file === null) return { check, status: "ok", message: "In memory; there is no log." }
  const mode = String(pragma(db, "journal_mode"))
  if (mode !== "wal") {
    const message = `The journal mode is "${mode}", but Drover needs "wal": some program changed it. Stop it, and restart this one.`
    return { check, status: "fail", message, value: mode }
  }
  const bytes = statSync(`${file.realPath}-wal`, { throwIfNoEntry: false })?.size ?? 0
  const size = `${(bytes / MIB).toFixed(1)} MiB`
  const left = pagesHeldBack(db)
  if (left > PINNED_PAGES) {
    const message = `The log (${size}) cannot be emptied: ${left} pages are still needed by somebody who reads since long ago. Find the program with an open read transaction or an unfinished iterate() on ${file.path}, and end it.`
    return { check, status: "warn", message, value: bytes }
  }
  if (bytes > LOG_WARN_BYTES) {
    const message = `The log has ${size}, because it once could not be emptied for long. It is reused; to shrink it, run "pragma wal_checkpoint(truncate)" while nothing else uses ${file.path}.`
    return { check, status: "warn", message, value: bytes }
  }
  return {
    check,
    status: "ok",
    message: `The log has ${size} and is emptied as it should be.`,
    value: bytes,
  }
}

/** Whether the file is intact, where looking takes no longer than a moment. */
export function checkIntegrity({ db }: ReadTx, { label }: StoreContext): HealthCheck {
  const check = "integrity"
  const bytes = Number(pragma(db, "page_count")) * Number(pragma(db, "page_size"))
  const value = bytes
  if (bytes > INTEGRITY_LIMIT_BYTES) {
    const message = `Not checked, because ${Math.floor(bytes / MIB)} MiB take a while. Run: sqlite3 ${label} "pragma quick_check"`
    return { check, status: "ok", message, value }
  }
  const found = String(pragma(db, "quick_check(1)"))
  if (found === "ok") return { check, status: "ok", message: "No damage was found.", value }
  const message = `The database is damaged: ${found}. Stop all its users and restore a backup, or save what can be read with: sqlite3 ${label} .recover`
  return { check, status: "fail", message, value }
}

/** Whether the store's time and this machine's agree. */
export function checkClock(tx: ReadTx, { clock }: StoreContext): HealthCheck {
  const check = "clock"
  const aheadMs = tx.now - clock.now()
  if (aheadMs <= CLOCK_WARN_MS) {
    return { check, status: "ok", message: "The store's time is this machine's.", value: aheadMs }
  }
  const message = `The store's time is ${Math.round(aheadMs / 1000)} s ahead of this machine's clock, because a clock was ahead once. It never goes back, so jobs with a fixed time run that much early until the clock catches up.`
  return { check, status: "warn", message, value: aheadMs }
}

// `noop` tells how many pages the log has and how many of them are in the database already.
function pagesHeldBack(db: DatabaseSync): number {
  const seen = checkpoint(db, "noop")
  if (seen.left === 0 || seen.left > CHECKPOINT_PAGES) return seen.left
  return checkpoint(db, "passive").left
}

function checkpoint(db: DatabaseSync, mode: "noop" | "passive"): { readonly left: number } {
  const row = db.prepare(`pragma wal_checkpoint(${mode})`).get() as {
    readonly log: number
    readonly checkpointed: number
  }
  // Both are -1 without a log.
  return { left: Math.max(0, row.log - row.checkpointed) }
}

function pragma(db: DatabaseSync, name: string): unknown {
  return Object.values(db.prepare(`pragma ${name}`).get() ?? {})[0]
}
