/**
 * The form of the cache's one file: a head with a checksum, a table of entries, and the bytes that the entries point
 * to. Anything that is not exactly this is no cache.
 */
import { closeSync, openSync, writeSync } from "node:fs"
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

/**
 * Writes a pack to a new file: magic, CRC of the rest, length of the head, head as JSON, table, bytes. It is written piece
 * by piece: a large repository's is as large as its text, and is never held as a whole.
 * @param maxBytes - what would be larger is not written
 * @returns whether it was written
 * @throws what the file system says; a file that was begun is left there
 */
export function writePack(file: string, pack: Pack, maxBytes: number): boolean {
  const rows = [...pack.entries].map(([key, entry]) => rowOf(key, entry))
  const head = headOf(pack)
  const table = Buffer.concat(rows)
  if (head.length + table.length + bytesOf(pack) > maxBytes) return false
  const out = openSync(file, "wx", 0o600)
  try {
    writeSync(out, Buffer.from(`${MAGIC}\0\0\0\0`, "latin1"))
    let sum = 0
    const gathered = new Gathered((piece) => {
      sum = crc32(piece, sum)
      for (let at = 0; at < piece.length;) at += writeSync(out, piece, at)
    })
    gathered.add(head)
    gathered.add(table)
    for (const { record, asked } of pack.entries.values()) {
      gathered.add(bitsOf(record.matches, asked))
      gathered.add(Buffer.from(record.summary ?? "", "utf8"))
      gathered.add(record.unit ?? NOTHING)
    }
    for (const result of pack.results.values()) gathered.add(result)
    gathered.end()
    const sumBytes = Buffer.alloc(4)
    sumBytes.writeUInt32LE(sum)
    writeSync(out, sumBytes, 0, 4, MAGIC.length)
  } finally {
    closeSync(out)
  }
  return true
}

const NOTHING = new Uint8Array()
const PIECE_BYTES = 1 << 20

/** Puts small pieces together before they are written. */
class Gathered {
  readonly #piece = Buffer.allocUnsafe(PIECE_BYTES)
  readonly #write: (piece: Uint8Array) => void
  #length = 0

  constructor(write: (piece: Uint8Array) => void) {
    this.#write = write
  }

  add(bytes: Uint8Array): void {
    if (this.#length + bytes.length > PIECE_BYTES) this.end()
    if (bytes.length > PIECE_BYTES) this.#write(bytes)
    else {
      this.#piece.set(bytes, this.#length)
      this.#length += bytes.length
    }
  }

  end(): void {
    if (this.#length > 0) this.#write(this.#piece.subarray(0, this.#length))
    this.#length = 0
  }
}

/** The head behind its length. */
function headOf({ version, patterns, entries, results }: Pack): Buffer {
  const head: Head = {
    version,
    patterns,
    count: entries.size,
    results: Array.from(results, ([key, bytes]) => [key, bytes.length]),
  }
  const bytes = Buffer.from(JSON.stringify(head), "utf8")
  const length = Buffer.alloc(4)
  length.writeUInt32LE(bytes.length)
  return Buffer.concat([length, bytes])
}

function rowOf(key: string, { record, asked, age }: CacheEntry): Buffer {
  const row = Buffer.alloc(ROW_BYTES)
  row.write(key, 0, KEY_BYTES, "hex")
  row.writeUInt16LE(asked, KEY_BYTES)
  row.writeUInt16LE(Math.min(age, 65_535), KEY_BYTES + 2)
  row.writeUInt32LE(bitBytesOf(asked), KEY_BYTES + 4)
  row.writeUInt32LE(Buffer.byteLength(record.summary ?? "", "utf8"), KEY_BYTES + 8)
  row.writeUInt32LE(record.unit?.length ?? 0, KEY_BYTES + 12)
  return row
}

/** About how much the entries and results take. */
function bytesOf({ entries, results }: Pack): number {
  let sum = 0
  for (const { record } of entries.values())
    sum += (record.unit?.length ?? 0) + (record.summary?.length ?? 0)
  for (const bytes of results.values()) sum += bytes.length
  return sum
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

function bitBytesOf(asked: number): number {
  return Math.ceil(asked / 8)
}

function bitsOf(numbers: readonly number[], asked: number): Uint8Array {
  const bits = new Uint8Array(bitBytesOf(asked))
  for (const number of numbers) bits[number >> 3]! |= 1 << (number & 7)
  return bits
}

function numbersOf(bits: Uint8Array): number[] {
  const numbers: number[] = []
  for (let i = 0; i < bits.length * 8; i++) if ((bits[i >> 3]! >> (i & 7)) & 1) numbers.push(i)
  return numbers
}
