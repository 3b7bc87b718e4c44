import type { DroverErrorCode } from "./codes.ts"

/** What a `DroverError` is made of beside its message. */
export interface DroverErrorOptions {
  /** The values that led here, safe to log: names, ids, limits. Never secrets or whole payloads. */
  readonly details?: Readonly<Record<string, unknown>>
  /** The error that caused this one. */
  readonly cause?: unknown
}

// A symbol from the global registry, so that two copies of the package recognise each other's errors.
const brand = Symbol.for("drover.error")

/**
 * An operating fault: what happened, with which values, and what to do about it.
 * Match on `code`; the message is for people and may change. Expected outcomes are values, never errors,
 * and broken invariants are `assert`.
 */
export class DroverError extends Error {
  override readonly name: string = "DroverError"
  /** The stable name of the fault. */
  readonly code: DroverErrorCode
  /** The values that led here. */
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: DroverErrorCode, message: string, options: DroverErrorOptions = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined)
    this.code = code
    this.details = options.details ?? {}
    // Hidden, so that it appears neither in logs nor in JSON.
    Object.defineProperty(this, brand, { value: true })
  }
}

/** Tells whether a value is a `DroverError`, of this or another copy of the package, and of that code if one is given. */
export function isDroverError(value: unknown, code?: DroverErrorCode): value is DroverError {
  if (typeof value !== "object" || value === null) return false
  try {
    return brand in value && (code === undefined || ("code" in value && value.code === code))
  } catch {
    // Handlers can throw anything, also a proxy whose traps throw; judging it must not fail.
    return false
  }
}
