import { DroverError } from "../errors/index.ts"
import type { DroverErrorCode } from "../errors/index.ts"
import { SHUT } from "./moveGuard.ts"

// Primary result codes of SQLite. Source: sqlite.org/rescode.html.
const BUSY = 5
const LOCKED = 6
// SQLITE_BUSY_SNAPSHOT: a transaction that has read cannot write any more, because another wrote meanwhile. Ours never
// do that, so it is a user's own.
const BUSY_SNAPSHOT = 517
const beginImmediate =
  'the transaction read before another one wrote, and must be repeated; begin it with "begin immediate"'

// Extended codes that say more than their primary code does.
const byExtendedCode: Readonly<Record<number, DroverErrorCode>> = {
  // SQLITE_READONLY_DBMOVED: the file was renamed or removed under the connection.
  1032: "DROVER_STORE_REPLACED",
  // SQLITE_IOERR_CORRUPTFS: the file system itself is damaged.
  8458: "DROVER_STORE_CORRUPT",
  // SQLITE_IOERR_VNODE: the file was removed or replaced (macOS).
  6922: "DROVER_STORE_REPLACED",
}

const byPrimaryCode: Readonly<Record<number, DroverErrorCode>> = {
  [BUSY]: "DROVER_STORE_BUSY",
  [LOCKED]: "DROVER_STORE_BUSY",
  8: "DROVER_STORE_READONLY",
  10: "DROVER_STORE_IO",
  11: "DROVER_STORE_CORRUPT",
  13: "DROVER_STORE_FULL",
  14: "DROVER_STORE_IO",
  26: "DROVER_STORE_CORRUPT",
}

const advice: Partial<Record<DroverErrorCode, string>> = {
  DROVER_STORE_BUSY:
    "another process holds the write lock; look for a long transaction on this file",
  DROVER_STORE_FULL: "free disk space; nothing was written, and the store goes on by itself",
  DROVER_STORE_READONLY: "make the file and its folder writable for this process",
  DROVER_STORE_IO: "check the disk and the folder's permissions",
  DROVER_STORE_CORRUPT: "restore the file from a backup",
  DROVER_STORE_REPLACED:
    "restart this process, and replace database files only while nothing uses them",
}

/** The result code of SQLite in an error of node:sqlite, extended; `undefined` for any other error. */
export function sqliteCode(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null) return undefined
  const { code, errcode } = error as { code?: unknown; errcode?: unknown }
  return code === "ERR_SQLITE_ERROR" && typeof errcode === "number" ? errcode : undefined
}

/** Tells whether the same statement may succeed in a moment: somebody else holds a lock. */
export function isBusy(error: unknown): boolean {
  const primary = (sqliteCode(error) ?? 0) & 0xff
  return primary === BUSY || primary === LOCKED
}

/**
 * The error that users of the store see. Errors that are not the database's (ours, or a caller's own from
 * inside a transaction) stay what they are.
 */
export function toStoreError(error: unknown, operation: string, label: string): unknown {
  const code = sqliteCode(error)
  if (code === undefined) return isClosed(error) ? closedError(operation, label) : error
  if ((error as Error).message.startsWith(SHUT)) return movedError(error as Error, operation, label)
  const droverCode = byExtendedCode[code] ?? byPrimaryCode[code & 0xff] ?? "DROVER_STORE_QUERY"
  const { message } = error as Error
  const hint = code === BUSY_SNAPSHOT ? beginImmediate : advice[droverCode]
  return new DroverError(
    droverCode,
    `${operation} on ${label} failed: ${message} (SQLite ${code})${hint === undefined ? "" : `; ${hint}`}`,
    { details: { operation, store: label, sqliteCode: code }, cause: error },
  )
}

// A guard of moveGuard.ts has spoken.
function movedError(error: Error, operation: string, label: string): DroverError {
  const why = error.message.slice(SHUT.length)
  return new DroverError("DROVER_STORE_MOVED", `${operation} on ${label} is refused: ${why}.`, {
    details: { operation, store: label },
    cause: error,
  })
}

/** The error of every operation before `open` and after `close`. */
export function closedError(operation: string, label: string): DroverError {
  return new DroverError("DROVER_CLOSED", `${operation}: the store ${label} is not open`, {
    details: { operation, store: label },
  })
}

/** Tells whether a statement met a connection that is closed. */
export function isClosed(error: unknown): boolean {
  return (
    error instanceof Error &&
    (error as { code?: unknown }).code === "ERR_INVALID_STATE" &&
    error.message === "database is not open"
  )
}
