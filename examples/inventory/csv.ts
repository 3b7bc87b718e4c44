import type { Measure } from "./measure.ts"

/** A line of the inventory. */
export interface InventoryRow extends Pick<Measure, "bytes" | "sha256" | "lines" | "gzipBytes"> {
  readonly path: string
}

const HEADER = "path,bytes,sha256,lines,gzip_bytes"

/**
 * Writes the inventory as CSV (RFC 4180, but with plain newlines between records), sorted by the bytes of
 * the path, so that the same files give the same text on every machine and in every locale.
 */
export function inventoryCsv(rows: readonly InventoryRow[]): string {
  const sorted = rows
    .map((row) => ({ row, key: Buffer.from(row.path) }))
    .sort((a, b) => Buffer.compare(a.key, b.key))
  const lines = sorted.map(
    ({ row }) => `${quoted(row.path)},${row.bytes},${row.sha256},${row.lines},${row.gzipBytes}`,
  )
  return `${[HEADER, ...lines].join("\n")}\n`
}

function quoted(field: string): string {
  return /[",\n\r]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field
}
