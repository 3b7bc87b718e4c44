import { inspect } from "node:util"
import type { StoredError } from "./jobRow.ts"

// All parts of one error together, as JSON in UTF-8.
const MAX_BYTES = 65_536
const MAX_TEXT_BYTES = 16_384
const MAX_NAME_BYTES = 256
const MAX_CAUSES = 5
// Everything below space but tab and line feed, and the C1 range: they move cursors and end texts.
// oxlint-disable-next-line no-control-regex -- removing control characters is what this does
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g

interface Budget {
  bytes: number
  readonly seen: Set<unknown>
}

/**
 * Describes whatever was thrown in a form that every store takes. Recording a failure must never fail
 * because of what failed: this never throws, and its result is bounded (64 KiB as JSON, five causes) and
 * free of control characters and broken surrogate pairs.
 */
export function describeError(thrown: unknown): StoredError {
  try {
    return describe(thrown, { bytes: MAX_BYTES, seen: new Set() }, 0)
  } catch {
    return { name: "Error", message: "an error that cannot be described" }
  }
}

/**
 * Makes an `Error` of a stored one, with its name, code, stack and causes, to be the `cause` of what a
 * caller is told.
 */
export function reviveError(stored: StoredError): Error {
  const cause = stored.cause === undefined ? undefined : reviveError(stored.cause)
  const error = new Error(stored.message, cause === undefined ? undefined : { cause })
  define(error, "name", stored.name)
  if (stored.code !== undefined) define(error, "code", stored.code)
  define(error, "stack", stored.stack ?? `${stored.name}: ${stored.message}`)
  return error
}

function define(error: Error, key: string, value: string): void {
  Object.defineProperty(error, key, {
    value,
    writable: true,
    configurable: true,
    enumerable: key === "code",
  })
}

function describe(thrown: unknown, budget: Budget, depth: number): StoredError {
  const message = messageOf(thrown)
  if (message === undefined) {
    return {
      name: "DroverError",
      code: "DROVER_HANDLER",
      message: bounded(
        `something that is not an Error was thrown: ${preview(thrown)}`,
        MAX_TEXT_BYTES,
        budget,
      ),
    }
  }
  budget.seen.add(thrown)
  const code = codeOf(thrown)
  const stack = stackOf(thrown, message)
  const described: Writable<StoredError> = {
    name: bounded(textOf(thrown, "name") || "Error", MAX_NAME_BYTES, budget),
    message: bounded(message, MAX_TEXT_BYTES, budget),
  }
  if (code !== undefined) described.code = bounded(code, MAX_NAME_BYTES, budget)
  if (stack !== undefined) described.stack = bounded(stack, MAX_TEXT_BYTES, budget)
  const cause = causeOf(thrown)
  if (cause !== undefined && depth < MAX_CAUSES && !budget.seen.has(cause)) {
    described.cause = describe(cause, budget, depth + 1)
  }
  return described
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

// Whatever has a message is described as an error: errors of other realms, DOMException, error-like objects.
function messageOf(thrown: unknown): string | undefined {
  const message = read(thrown, "message")
  if (typeof message === "string") return message
  return isNativeError(thrown) ? "an error whose message cannot be read" : undefined
}

function isNativeError(value: unknown): boolean {
  try {
    return value instanceof Error
  } catch {
    return false
  }
}

function codeOf(thrown: unknown): string | undefined {
  const code = read(thrown, "code")
  return typeof code === "string" || typeof code === "number" ? String(code) : undefined
}

function stackOf(thrown: unknown, message: string): string | undefined {
  const stack = read(thrown, "stack")
  if (typeof stack !== "string" || stack === "") return undefined
  if (stack.length <= MAX_TEXT_BYTES) return stack
  // The stack repeats the message; of a long one only the frames are worth keeping.
  const frames = stack.indexOf("\n    at ", message.length)
  return frames === -1 ? stack : stack.slice(frames + 1)
}

function causeOf(thrown: unknown): unknown {
  const cause = read(thrown, "cause")
  if (cause !== undefined && cause !== null) return cause
  // Of an AggregateError the first of its errors says most.
  const errors = read(thrown, "errors")
  return Array.isArray(errors) ? read(errors, 0) : undefined
}

function textOf(thrown: unknown, key: string): string {
  const value = read(thrown, key)
  return typeof value === "string" ? value : ""
}

// Getters and proxy traps run code of strangers.
function read(target: unknown, key: PropertyKey): unknown {
  if ((typeof target !== "object" || target === null) && typeof target !== "function")
    return undefined
  try {
    return (target as Record<PropertyKey, unknown>)[key]
  } catch {
    return undefined
  }
}

function preview(value: unknown): string {
  try {
    return inspect(value, {
      customInspect: false,
      getters: false,
      depth: 2,
      maxArrayLength: 10,
      maxStringLength: 1_000,
      breakLength: Number.POSITIVE_INFINITY,
    })
  } catch {
    return `a value of type ${typeof value} that cannot be shown`
  }
}

// Cuts before it cleans, so that a message of 100 MB costs no more than one of 16 KiB.
function bounded(text: string, maxBytes: number, budget: Budget): string {
  const room = Math.max(0, Math.min(maxBytes, budget.bytes))
  let cut = clean(text.slice(0, room))
  let bytes = jsonBytes(cut)
  const wasCut = cut.length < text.length && text.length > room
  while (bytes > room && cut.length > 0) {
    cut = cut.slice(0, Math.floor((cut.length * room) / bytes) - 1).toWellFormed()
    bytes = jsonBytes(cut)
  }
  budget.bytes -= bytes
  return wasCut && cut.length > 0 ? `${cut.slice(0, -1).toWellFormed()}…` : cut
}

function clean(text: string): string {
  return text.replaceAll("\r\n", "\n").replace(CONTROL, "").toWellFormed()
}

function jsonBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text))
}
