import type { PgTypes } from "./driver.ts"

/** A value of a row, as `rowTypes` reads it. */
export type RowValue =
  | string
  | number
  | boolean
  | null
  | Uint8Array
  | readonly (string | number | boolean | null)[]

/** A row as an array, in the order of its columns: it costs a third of what an object does. */
export type Row = readonly RowValue[]

/** A value that is bound to `$n`. Arrays are Postgres arrays. */
export type BoundValue =
  | string
  | number
  | boolean
  | null
  | Uint8Array
  | readonly (string | number | boolean | null | Uint8Array)[]

// Object ids of built-in types. Source: pg_type.dat.
const INT8 = 20
const INT8_ARRAY = 1016
const JSON_TEXT = 114
const JSONB = 3802
const NUMERIC = 1700

/**
 * Reads 64-bit integers as numbers where that is exact, and JSON as the text it is. Everything else is as `pg` reads it.
 */
export function rowTypes(standard: PgTypes): PgTypes {
  const own = new Map<number, (value: string) => unknown>([
    [INT8, wholeNumber],
    [NUMERIC, wholeNumber],
    [INT8_ARRAY, wholeNumbers],
    [JSON_TEXT, asText],
    [JSONB, asText],
  ])
  return {
    getTypeParser: (oid, format) =>
      (format === "binary" ? undefined : own.get(oid)) ?? standard.getTypeParser(oid, format),
  }
}

/** A number where it is exact; a larger one, or one with a fraction, stays the text it is. */
function wholeNumber(value: string): number | string {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

function wholeNumbers(value: string): readonly (number | string | null)[] {
  const inside = value.slice(1, -1)
  if (inside === "") return []
  return inside.split(",").map((item) => (item === "NULL" ? null : wholeNumber(item)))
}

function asText(value: string): string {
  return value
}
