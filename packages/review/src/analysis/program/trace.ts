/**
 * What was looked up in a program while something was computed. A result hangs on the answers to its look-ups and on
 * nothing else, so that it stands in another program that gives the same answers.
 */

/** What can be looked up: a question and what it is about, as one text. */
export type Lookup = string

/** Look-ups of one computation, and the computations whose results it used. */
export class Trace {
  /** Made when there is something to hold: many computations look nothing up, and each has a trace. */
  #own: Set<number> | readonly number[] | null = null
  #used: Set<Trace> | readonly Trace[] | null = null
  /** Still being computed: what it will have noted at its end counts. */
  #isOpen = true

  note(lookup: number): void {
    this.#own ??= new Set()
    if (this.#own instanceof Set) this.#own.add(lookup)
  }

  use(other: Trace): void {
    if (!other.#own && !other.#used && !other.#isOpen) return
    this.#used ??= new Set()
    if (this.#used instanceof Set) this.#used.add(other)
  }

  /**
   * Ends it: nothing is noted any more. There are as many as known values, so that they hold lists from here on, which
   * take a third of the memory of sets.
   * @returns what tells the same: itself, the only one that it used, or the one that all share that looked up one thing
   */
  close(): Trace {
    if (this.#isOpen) {
      this.#isOpen = false
      this.#own &&= [...this.#own]
      this.#used &&= [...this.#used]
    }
    if (!this.#used) {
      const [only, another] = this.#own ?? []
      return only === undefined || another !== undefined ? this : Trace.#ofOne(only)
    }
    const [used, more] = this.#used
    return !this.#own && used && !more ? used : this
  }

  /** Many computations look up one name and no more. */
  static readonly #ones: Trace[] = []

  static #ofOne(lookup: number): Trace {
    const known = Trace.#ones[lookup]
    if (known) return known
    const one = new Trace()
    one.#own = [lookup]
    one.#isOpen = false
    return (Trace.#ones[lookup] = one)
  }

  /** The numbers of all look-ups, those of what was used too, sorted. */
  all(): number[] {
    const seen = new Set<Trace>([this])
    const found = new Set<number>()
    for (const trace of seen) {
      for (const lookup of trace.#own ?? []) found.add(lookup)
      for (const used of trace.#used ?? []) seen.add(used)
    }
    return [...found].sort((a, b) => a - b)
  }
}
