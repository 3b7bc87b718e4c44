/** Counts how often each of the interesting things happened. A run of many seeds must have met them all. */
export class Sometimes {
  readonly #counts: Map<string, number> = new Map()

  hit(name: string, times = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + times)
  }

  count(name: string): number {
    return this.#counts.get(name) ?? 0
  }

  add(other: Sometimes): void {
    for (const [name, count] of other.#counts) this.hit(name, count)
  }

  entries(): readonly (readonly [string, number])[] {
    return [...this.#counts].toSorted(([a], [b]) => (a < b ? -1 : 1))
  }
}
