/**
 * The form of the cache's one file: a head with a checksum, a table of entries, and the bytes that the entries point
 * to. Anything that is not exactly this is no cache.
 */
import { crc32 } from "node:zlib"
import type { PatternSource } from "./patterns.ts"
import type { FileRecord } from "./record.ts"

const MAGIC = "drover-review 2\n"
const KEY_BYTES = 20

export interface CacheEntry {
  readonly record: FileRecord
  /** How many of the pack's patterns its record was asked. */
  readonly asked: number
  /** Runs since somebody needed it. */
  readonly age: number
}

export interface Pack {
  /** Of the code that made the records. */
  readonly version: string
  readonly patterns: readonly PatternSource[]
  /** By the key of the text, in hexadecimal. */
  readonly entries: ReadonlyMap<string, CacheEntry>
  /** What checks of whole trees found, as JSON by a key of everything that they hang on; the latest last. */
  readonly results: ReadonlyMap<string, Uint8Array>
}

interface Head {
  readonly version: string
  readonly patterns: readonly PatternSource[]
  readonly count: number
  readonly results: readonly (readonly [key: string, length: number])[]
}

/** magic, CRC of the rest, length of the head, head as JSON, table, bytes. */
export function encodePack(pack: Pack): Buffer {
  const results = [...pack.results]
  const head: Head = {
    version: pack.version,
    patterns: pack.patterns,
    count: pack.entries.size,
    results: results.map(([key, bytes]) => [key, bytes.length]),
  }
  const headBytes = Buffer.from(JSON.stringify(head), "utf8")
  const table: Buffer[] = []
  const bytes: Uint8Array[] = []
  for (const [key, { record, asked, age }] of pack.entries) {
    const matches = Uint8Array.from(bitsOf(record.matches, asked))
    const summary = Buffer.from(record.summary ?? "", "utf8")
    const row = Buffer.alloc(ROW_BYTES)
    row.write(key, 0, KEY_BYTES, "hex")
    row.writeUInt16LE(asked, KEY_BYTES)
    row.writeUInt16LE(Math.min(age, 65_535), KEY_BYTES + 2)
    row.writeUInt32LE(matches.length, KEY_BYTES + 4)
    row.writeUInt32LE(summary.length, KEY_BYTES + 8)
    row.writeUInt32LE(record.unit?.length ?? 0, KEY_BYTES + 12)
    table.push(row)
    bytes.push(matches, summary, record.unit ?? new Uint8Array())
  }
  for (const [, result] of results) bytes.push(result)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(headBytes.length)
  const body = Buffer.concat([length, headBytes, ...table, ...bytes])
  const sum = Buffer.alloc(4)
  sum.writeUInt32LE(crc32(body))
  return Buffer.concat([Buffer.from(MAGIC, "latin1"), sum, body])
}

const ROW_BYTES = KEY_BYTES + 16

/** The pack of a file's bytes; null when they are anything else. */
export function decodePack(file: Buffer): Pack | null {
  const start = MAGIC.length + 8
  if (file.length < start || file.toString("latin1", 0, MAGIC.length) !== MAGIC) return null
  if (file.readUInt32LE(MAGIC.length) !== crc32(file.subarray(MAGIC.length + 4))) return null
  const headEnd = start + file.readUInt32LE(MAGIC.length + 4)
  if (headEnd > file.length) return null
  const head = JSON.parse(file.toString("utf8", start, headEnd)) as Head
  const entries = new Map<string, CacheEntry>()
  let at = headEnd + head.count * ROW_BYTES
  for (let i = 0; i < head.count; i++) {
    const row = headEnd + i * ROW_BYTES
    const take = (field: number): Buffer => {
      const bytes = file.subarray(at, at + file.readUInt32LE(row + KEY_BYTES + field))
      at += bytes.length
      return bytes
    }
    const matches = take(4)
    const summary = take(8)
    const unit = take(12)
    entries.set(file.toString("hex", row, row + KEY_BYTES), {
      record: {
        matches: numbersOf(matches),
        summary: summary.length === 0 ? null : summary.toString("utf8"),
        unit: unit.length === 0 ? null : unit,
      },
      asked: file.readUInt16LE(row + KEY_BYTES),
      age: file.readUInt16LE(row + KEY_BYTES + 2),
    })
  }
  const results = new Map<string, Uint8Array>()
  for (const [key, length] of head.results) {
    results.set(key, file.subarray(at, at + length))
    at += length
  }
  const { version, patterns } = head
  return at === file.length ? { version, patterns, entries, results } : null
}

function bitsOf(numbers: readonly number[], asked: number): Uint8Array {
  const bits = new Uint8Array(Math.ceil(asked / 8))
  for (const number of numbers) bits[number >> 3]! |= 1 << (number & 7)
  return bits
}

function numbersOf(bits: Uint8Array): number[] {
  const numbers: number[] = []
  for (let i = 0; i < bits.length * 8; i++) if ((bits[i >> 3]! >> (i & 7)) & 1) numbers.push(i)
  return numbers
}
