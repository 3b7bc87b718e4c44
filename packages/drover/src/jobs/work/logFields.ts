import { inspect } from "node:util"
import { describeError, encodePayload } from "../../store/index.ts"
import type { StoredError } from "../../store/index.ts"

// Of one line of a log, as JSON in UTF-8.
const MAX_BYTES = 16_384
// Of one field that has to be written otherwise than it was given.
const MAX_TEXT = 1_000
const MAX_STACK = 4_000

/**
 * Writes the fields of a line as JSON. What people log is what went wrong, and that is seldom JSON: an error is written
 * as its name, message, code, stack and causes, everything else that is not JSON as a text, so that one such field does
 * not cost the others. Never throws.
 * @returns `null` for no fields, or more than 16 KiB of them.
 */
export function encodeFields(fields: unknown): string | null {
  if (fields === undefined) return null
  try {
    return encodePayload(fields, "fields", MAX_BYTES)
  } catch {
    return encodeLoosely(fields)
  }
}

function encodeLoosely(fields: unknown): string | null {
  try {
    return encodePayload(loosely(fields), "fields", MAX_BYTES)
  } catch {
    return null
  }
}

function loosely(fields: unknown): unknown {
  if (fields instanceof Error) return { err: errorField(fields) }
  if (typeof fields !== "object" || fields === null) return textField(fields)
  const entries = Object.keys(fields)
    .filter((name) => name !== "__proto__")
    .map((name) => [wellFormed(name), field(fields, name)] as const)
  return Object.fromEntries(entries)
}

function field(fields: object, name: string): unknown {
  let value: unknown = "reading it threw an error"
  try {
    value = (fields as Record<string, unknown>)[name]
    if (value === undefined) return undefined
    encodePayload(value, name, MAX_BYTES)
    return value
  } catch {
    return value instanceof Error ? errorField(value) : textField(value)
  }
}

function errorField(error: Error): StoredError {
  const described = describeError(error)
  if (JSON.stringify(described).length <= MAX_BYTES / 2) return described
  const { name, message, code, stack } = described
  return {
    name,
    message: message.slice(0, MAX_TEXT).toWellFormed(),
    ...(code !== undefined && { code }),
    ...(stack !== undefined && { stack: stack.slice(0, MAX_STACK).toWellFormed() }),
  }
}

function textField(value: unknown): string {
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString()
  if (typeof value === "bigint") return String(value)
  const text =
    typeof value === "string"
      ? value.slice(0, MAX_TEXT)
      : inspect(value, {
          customInspect: false,
          getters: false,
          depth: 2,
          maxStringLength: MAX_TEXT,
        })
  return wellFormed(text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text)
}

// NUL and lone surrogates are what stores refuse.
function wellFormed(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\uFFFD")
}
