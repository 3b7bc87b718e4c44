/**
 * Texts and bytes in memory that all threads see. A message would give each thread a copy of all of them, and most are
 * never looked at: here one is made into a string when somebody asks for it.
 */

const ABSENT = 0
const BYTES = 1
const LATIN = 2
const WIDE = 3

/** Items one behind the other, as plain data for a message. */
export interface Shared {
  readonly memory: SharedArrayBuffer
  /** Where each ends; it begins where the one before ends. */
  readonly ends: Uint32Array
  readonly kinds: Uint8Array
}

export function share(items: readonly (string | Uint8Array | null)[]): Shared {
  const kinds = Uint8Array.from(items, kindOf)
  const ends = new Uint32Array(items.length)
  let size = 0
  for (const [at, item] of items.entries()) {
    // What has two bytes for each unit begins at an even place.
    if (kinds[at] === WIDE) size += size % 2
    ends[at] = size += (item?.length ?? 0) * (kinds[at] === WIDE ? 2 : 1)
  }
  const memory = new SharedArrayBuffer(size)
  const whole = Buffer.from(memory)
  for (const [at, item] of items.entries()) {
    if (typeof item === "string") {
      const isWide = kinds[at] === WIDE
      const start = ends[at]! - item.length * (isWide ? 2 : 1)
      whole.write(item, start, isWide ? "utf16le" : "latin1")
    } else if (item) whole.set(item, ends[at]! - item.length)
  }
  return { memory, ends, kinds }
}

/** What was shared, seen from any thread. */
export class SharedItems {
  readonly #whole: Buffer
  readonly #shared: Shared

  constructor(shared: Shared) {
    this.#shared = shared
    this.#whole = Buffer.from(shared.memory)
  }

  /** Null for what is not there. */
  textOf(at: number): string | null {
    const kind = this.#shared.kinds[at]
    if (kind === ABSENT) return null
    return this.#bytes(at).toString(kind === WIDE ? "utf16le" : "latin1")
  }

  bytesOf(at: number): Uint8Array | null {
    return this.#shared.kinds[at] === ABSENT ? null : this.#bytes(at)
  }

  /**
   * The numbers of the first texts that have a part in them, in order. All of the memory that they take is looked over
   * at once.
   * @param count - how many of the items are asked; all of them are texts
   */
  including(part: string, count: number): number[] {
    const { ends, kinds } = this.#shared
    const found = new Set<number>()
    for (let at = 0; at < count; at++)
      if (kinds[at] === WIDE && this.textOf(at)!.includes(part)) found.add(at)
    if (!isLatin(part)) return [...found]
    const size = count === 0 ? 0 : ends[count - 1]!
    const memory = this.#whole.subarray(0, size)
    let at = 0
    for (let place = memory.indexOf(part, 0, "latin1"); place >= 0;) {
      while (ends[at]! <= place) at++
      // Bytes that begin in one text and end in the next, or lie in one of another kind, are no word.
      const isWhole = kinds[at] === LATIN && place + part.length <= ends[at]!
      if (isWhole) found.add(at)
      place = memory.indexOf(part, isWhole ? ends[at]! : place + 1, "latin1")
    }
    return [...found].sort((a, b) => a - b)
  }

  #bytes(at: number): Buffer {
    const { ends, kinds } = this.#shared
    const before = at === 0 ? 0 : ends[at - 1]!
    return this.#whole.subarray(before + (kinds[at] === WIDE ? before % 2 : 0), ends[at])
  }
}

function kindOf(item: string | Uint8Array | null): number {
  if (item === null) return ABSENT
  if (typeof item !== "string") return BYTES
  return isLatin(item) ? LATIN : WIDE
}

/** Each unit of it is a byte. */
function isLatin(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- All of them up to the last that a byte holds.
  return !/[^\x00-\xff]/.test(text)
}
