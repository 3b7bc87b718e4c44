/**
 * Finds many words in a text in one pass over it, whatever their case (Aho and Corasick 1975: "Efficient string
 * matching"). For each state the next one of every letter is written out, so that a letter costs two look-ups.
 */

/** Letters of ASCII have numbers of their own; everything else is 0 and in no word. */
const LETTERS = 128

export class WordFinder {
  readonly #classes = new Uint8Array(LETTERS)
  readonly #width: number
  readonly #next: Uint16Array | Uint32Array
  /** Groups that have a word at whose end a state stands. */
  readonly #found: readonly (readonly number[] | undefined)[]
  readonly #groups: number

  /** @param groups - of words in lower-case ASCII, none of them empty */
  constructor(groups: readonly (readonly string[])[]) {
    const letters = [...new Set(groups.flat().join(""))].sort()
    this.#groups = groups.length
    this.#width = letters.length + 1
    for (const [at, letter] of letters.entries()) {
      this.#classes[letter.charCodeAt(0)] = at + 1
      this.#classes[letter.toUpperCase().charCodeAt(0)] = at + 1
    }
    const { next, found } = this.#automaton(groups)
    this.#next = next
    this.#found = found
  }

  /** Tells the groups of which a word stands in the text: 1 at each one's number. */
  find(text: string): Uint8Array {
    const told = new Uint8Array(this.#groups)
    const [classes, width, next, found] = [this.#classes, this.#width, this.#next, this.#found]
    let left = this.#groups
    let state = 0
    for (let i = 0; i < text.length && left > 0; i++) {
      const code = text.charCodeAt(i)
      state = next[state * width + (code < LETTERS ? classes[code]! : 0)]!
      const groups = found[state]
      if (groups === undefined) continue
      for (const group of groups) {
        if (told[group] === 1) continue
        told[group] = 1
        left--
      }
    }
    return told
  }

  #automaton(groups: readonly (readonly string[])[]): {
    next: Uint16Array | Uint32Array
    found: (readonly number[] | undefined)[]
  } {
    const width = this.#width
    const size = 1 + groups.flat().reduce((sum, word) => sum + word.length, 0)
    const next = size < 65_536 ? new Uint16Array(size * width) : new Uint32Array(size * width)
    const found: Set<number>[] = [new Set()]
    for (const [group, words] of groups.entries()) {
      for (const word of words) {
        let state = 0
        for (let i = 0; i < word.length; i++) {
          const edge = state * width + this.#classes[word.charCodeAt(i)]!
          if (next[edge] === 0) next[edge] = found.push(new Set()) - 1
          state = next[edge]!
        }
        found[state]!.add(group)
      }
    }
    this.#fall(next, found)
    return {
      next: next.slice(0, found.length * width),
      found: found.map((set) => (set.size === 0 ? undefined : [...set])),
    }
  }

  /** Where a word does not go on, what was read may be the beginning of another. */
  #fall(next: Uint16Array | Uint32Array, found: readonly Set<number>[]): void {
    const width = this.#width
    const falls = new Uint32Array(found.length)
    const waiting: number[] = [0]
    for (const state of waiting) {
      for (const group of found[falls[state]!]!) found[state]!.add(group)
      for (let letter = 1; letter < width; letter++) {
        const edge = state * width + letter
        const child = next[edge]!
        const other = state === 0 ? 0 : next[falls[state]! * width + letter]!
        if (child === 0) next[edge] = other
        else {
          falls[child] = other
          waiting.push(child)
        }
      }
    }
  }
}
