import { createHash } from "node:crypto"
import type { Hash } from "node:crypto"

// One update of the hash for many lines: a call for each costs more than the event that it describes.
const CHUNK_CHARS = 1 << 16
const TAIL_LINES = 4_000

/**
 * Everything that happened in a run, in order. Only its SHA-256 is kept, and the last lines for whoever
 * looks into a failure: two runs of one seed must give the same hash, or chance leaked in from outside.
 */
export class History {
  readonly #hash: Hash = createHash("sha256")
  readonly #tail: string[] = []
  readonly #keepTail: boolean
  #chunk = ""
  #lines = 0

  constructor(options: { readonly keepTail: boolean }) {
    this.#keepTail = options.keepTail
  }

  get lines(): number {
    return this.#lines
  }

  /** The last lines, oldest first. Empty unless `keepTail`. */
  get tail(): readonly string[] {
    return this.#tail.slice(-TAIL_LINES)
  }

  add(atMs: number, who: string, what: string): void {
    this.#lines++
    const line = `${atMs.toFixed(3)} ${who} ${what}\n`
    this.#chunk += line
    if (this.#chunk.length > CHUNK_CHARS) this.#flush()
    if (!this.#keepTail) return
    this.#tail.push(line)
    if (this.#tail.length > 2 * TAIL_LINES) this.#tail.splice(0, TAIL_LINES)
  }

  /** Hex SHA-256 of all lines. Call it once, at the end. */
  digest(): string {
    this.#flush()
    return this.#hash.digest("hex")
  }

  #flush(): void {
    this.#hash.update(this.#chunk)
    this.#chunk = ""
  }
}
