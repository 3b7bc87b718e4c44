/** Chance that can be replayed: the same seed and number give the same case on every machine. */
export class Chance {
  #state: number

  /** @param seed - any whole number; @param index - which case of that seed */
  constructor(seed: number, index: number) {
    this.#state = (Math.imul(seed | 0, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b)) | 0
    this.#next()
    this.#next()
  }

  /** A whole number from 0 up to, and without, `below`. */
  below(below: number): number {
    return Math.floor((this.#next() / 0x1_0000_0000) * below)
  }

  /** True once in so many times. */
  once(times: number): boolean {
    return this.below(times) === 0
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)]!
  }

  /** Small numbers more often than large ones, from 1 to `most`. */
  size(most: number): number {
    return Math.max(1, Math.floor(most ** (this.#next() / 0x1_0000_0000)))
  }

  // Mulberry32: 32 bits of state are enough to choose test cases.
  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
}
