import type { Clock } from "./clock.ts"
import type { Rng } from "./rng.ts"

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, "0"),
)
const PATTERN = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/**
 * Makes UUIDs of version 7 (RFC 9562 §5.7): 48 bits of wall time, then a counter of 12 bits that starts
 * random and grows within one millisecond, then 62 random bits. Ids of one maker sort in the order in
 * which they were made, which keeps index inserts at the end of the index.
 */
export class UuidMaker {
  readonly #clock: Pick<Clock, "now">
  readonly #rng: Rng
  readonly #bytes: Uint8Array = new Uint8Array(10)
  #lastMs = -1
  #counter = 0

  constructor(clock: Pick<Clock, "now">, rng: Rng) {
    this.#clock = clock
    this.#rng = rng
  }

  /** A new id, greater than every earlier one of this maker, also when the wall clock goes back. */
  next(): string {
    const b = this.#bytes
    this.#rng.fill(b)
    this.#tick(((b[0]! << 8) | b[1]!) & 0x3ff)
    const ms = this.#lastMs
    const high = Math.floor(ms / 65_536)
    return (
      HEX[(high >>> 24) & 255]! +
      HEX[(high >>> 16) & 255]! +
      HEX[(high >>> 8) & 255]! +
      HEX[high & 255]! +
      "-" +
      HEX[(ms >>> 8) & 255]! +
      HEX[ms & 255]! +
      "-" +
      HEX[0x70 | (this.#counter >>> 8)]! +
      HEX[this.#counter & 255]! +
      "-" +
      HEX[0x80 | (b[2]! & 0x3f)]! +
      HEX[b[3]!]! +
      "-" +
      HEX[b[4]!]! +
      HEX[b[5]!]! +
      HEX[b[6]!]! +
      HEX[b[7]!]! +
      HEX[b[8]!]! +
      HEX[b[9]!]!
    )
  }

  #tick(random10: number): void {
    const nowMs = Math.floor(this.#clock.now())
    if (nowMs > this.#lastMs) {
      this.#lastMs = nowMs
      // Starting low leaves at least 3072 steps before a millisecond must be borrowed from the future.
      this.#counter = random10
    } else if (++this.#counter > 0xfff) {
      this.#lastMs++
      this.#counter = random10
    }
  }
}

/** Tells whether a text is a UUID of version 7 in its usual lower-case form. */
export function isUuidV7(text: string): boolean {
  return PATTERN.test(text)
}
