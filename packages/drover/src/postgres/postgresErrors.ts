import { DroverError, isDroverError } from "../errors/index.ts"
import type { DroverErrorCode } from "../errors/index.ts"

/** How far a statement came before its connection was lost. */
export type Reach =
  /** It was never sent. */
  | "unsent"
  /** It was sent and its reply is unknown. */
  | "sent"

/** The connection broke, could not be made, or did not answer in time: nothing that the server said. */
export class ConnectionFailure extends Error {
  override readonly name = "ConnectionFailure"
  readonly reach: Reach
  readonly isDeadline: boolean

  constructor(
    message: string,
    reach: Reach,
    options: { cause?: unknown; isDeadline?: boolean } = {},
  ) {
    super(message, { cause: options.cause })
    this.reach = reach
    this.isDeadline = options.isDeadline ?? false
  }
}

// Source: postgresql.org/docs/18/errcodes-appendix.html.
const byState: Readonly<Record<string, DroverErrorCode>> = {
  "40001": "DROVER_STORE_BUSY",
  "40P01": "DROVER_STORE_BUSY",
  "55P03": "DROVER_STORE_BUSY",
  "57014": "DROVER_STORE_TIMEOUT",
  "25P03": "DROVER_STORE_TIMEOUT",
  "25P04": "DROVER_STORE_TIMEOUT",
  "25006": "DROVER_STORE_READONLY",
  "42501": "DROVER_STORE_DENIED",
  "42P01": "DROVER_STORE_MIGRATION",
  "42703": "DROVER_STORE_MIGRATION",
  "42883": "DROVER_STORE_MIGRATION",
  "3F000": "DROVER_STORE_MIGRATION",
  "3D000": "DROVER_STORE_UNREACHABLE",
  // Raised by the guards of moveGuard.ts.
  DRV01: "DROVER_STORE_MOVED",
}

// By the first two characters: the class of the state.
const byClass: Readonly<Record<string, DroverErrorCode>> = {
  "08": "DROVER_STORE_UNREACHABLE",
  "28": "DROVER_STORE_DENIED",
  "53": "DROVER_STORE_FULL",
  "57": "DROVER_STORE_UNREACHABLE",
  "58": "DROVER_STORE_IO",
  XX: "DROVER_STORE_CORRUPT",
}

const READ_ONLY = "25006"
const TOO_MANY_CONNECTIONS = "53300"
const NO_DATABASE = "3D000"

const advice: Partial<Record<DroverErrorCode, string>> = {
  DROVER_STORE_BUSY: 'another transaction holds what this one needs; "drover doctor" names it',
  DROVER_STORE_TIMEOUT: 'the server is overloaded or something holds a lock; see "drover doctor"',
  DROVER_STORE_READONLY: "this is a standby or a read-only role; connect to the primary",
  DROVER_STORE_DENIED:
    "check the user, its password and its grants; the guide names what each role needs",
  DROVER_STORE_MIGRATION: 'a table or function of Drover is missing; run "drover migrate up"',
  DROVER_STORE_UNREACHABLE:
    "see whether the server runs and can be reached; the store goes on by itself",
  DROVER_STORE_FULL: "free disk space or memory of the server; the store goes on by itself",
}

/** What `pg` says when no connection could be had. Nothing was sent then. */
export function connectFailure(error: unknown): unknown {
  if (error instanceof ConnectionFailure || isDroverError(error)) return error
  if (isRefused(error) || isNotNow(error)) return error
  const { message, errors } = error as { message?: string; errors?: readonly Error[] }
  // Node tries each address of a name, and says nothing itself when all fail.
  const what = message || errors?.map((each) => each.message).join(", ")
  return new ConnectionFailure(`cannot connect: ${what ?? "unknown"}`, "unsent", { cause: error })
}

/** The SQLSTATE of an error of the server; `undefined` for any other error. */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const { code, severity } = error as { code?: unknown; severity?: unknown }
  return typeof code === "string" && code.length === 5 && typeof severity === "string"
    ? code
    : undefined
}

/** Tells whether the connection that met this error is gone. */
export function isLost(error: unknown): boolean {
  if (error instanceof ConnectionFailure) return true
  const state = sqlState(error)
  if (state === undefined) return false
  const { severity } = error as unknown as { severity: string }
  return severity === "FATAL" || severity === "PANIC" || state.startsWith("08")
}

/** Tells whether the server, or the session, takes no writes. */
export function isReadOnly(error: unknown): boolean {
  return sqlState(error) === READ_ONLY
}

/** Tells whether the server undid what it was doing because of others, so that the same again may succeed. */
export function isConflict(error: unknown): boolean {
  const state = sqlState(error)
  return state !== undefined && (isConflictState(state) || state === "55P03")
}

/** Tells whether this SQLSTATE says that a transaction was undone because of others: serialization, deadlock. */
export function isConflictState(state: string): boolean {
  return state === "40001" || state === "40P01"
}

/** Tells whether the server had no room for another connection, or was starting or stopping. */
export function isNotNow(error: unknown): boolean {
  const state = sqlState(error)
  return state === TOO_MANY_CONNECTIONS || state === "57P03"
}

/** Tells whether the server refused a login, a database or a statement: the same again would be refused again. */
export function isRefused(error: unknown): boolean {
  const state = sqlState(error)
  return state !== undefined && /^(?:28|3D|42|22|23)/.test(state) && !isStatementAstray(error)
}

/** Tells whether a prepared statement is not on the connection it was prepared on: a pooler swapped the connection. */
export function isStatementAstray(error: unknown): boolean {
  const state = sqlState(error)
  return state === "26000" || state === "42P05"
}

/**
 * The error that users of the store see. Errors that are not the database's (ours, or a caller's own from inside a
 * transaction) stay what they are.
 */
export function toStoreError(error: unknown, operation: string, label: string): unknown {
  if (isDroverError(error)) return error
  if (error instanceof ConnectionFailure) {
    const code = error.isDeadline ? "DROVER_STORE_TIMEOUT" : "DROVER_STORE_UNREACHABLE"
    const unknown = error.reach === "sent" ? "; whether it took effect is not known" : ""
    return storeError(code, { operation, label, what: `${error.message}${unknown}`, cause: error })
  }
  const state = sqlState(error)
  if (state === undefined) return error
  const { message } = error as Error
  return refusedStatement({ state, message }, { operation, label, cause: error })
}

/** The error that users see for what the server answered to a statement of ours. */
export function refusedStatement(
  { state, message }: { readonly state: string; readonly message: string },
  at: { readonly operation: string; readonly label: string; readonly cause: unknown },
): DroverError {
  return storeError(codeOf(state), { ...at, what: `${message} (Postgres ${state})`, state })
}

function codeOf(state: string): DroverErrorCode {
  if (state === TOO_MANY_CONNECTIONS) return "DROVER_STORE_UNREACHABLE"
  return byState[state] ?? byClass[state.slice(0, 2)] ?? "DROVER_STORE_QUERY"
}

function storeError(
  code: DroverErrorCode,
  at: {
    readonly operation: string
    readonly label: string
    readonly what: string
    readonly cause: unknown
    readonly state?: string
  },
): DroverError {
  const { operation, label, what, state } = at
  // The server runs and was reached.
  const hint =
    state === NO_DATABASE ? "create it, or correct its name in the address" : advice[code]
  return new DroverError(
    code,
    `${operation} on ${label} failed: ${what}${hint === undefined ? "" : `; ${hint}`}`,
    {
      details: { operation, store: label, ...(state === undefined ? {} : { sqlState: state }) },
      cause: at.cause,
    },
  )
}

/** The error of every operation before `open` and after `close`. */
export function closedError(operation: string, label: string): DroverError {
  return new DroverError("DROVER_CLOSED", `${operation}: the store ${label} is not open`, {
    details: { operation, store: label },
  })
}
