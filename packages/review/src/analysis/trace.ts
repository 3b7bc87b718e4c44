/**
 * What was looked up in a program while something was computed. A result hangs on the answers to its look-ups and on
 * nothing else, so that it stands in another program that gives the same answers.
 */

/** What can be looked up: a question and what it is about, as one text. */
export type Lookup = string

/** Look-ups of one computation, and the computations whose results it used. */
export class Trace {
  readonly #own = new Set<number>()
  readonly #used = new Set<Trace>()

  note(lookup: number): void {
    this.#own.add(lookup)
  }

  use(other: Trace): void {
    if (other.#own.size > 0 || other.#used.size > 0 || other.isOpen) this.#used.add(other)
  }

  /** Still being computed: what it will have noted at its end counts. */
  isOpen = true

  /** The numbers of all look-ups, those of what was used too, sorted. */
  all(): number[] {
    const seen = new Set<Trace>([this])
    const found = new Set<number>()
    for (const trace of seen) {
      for (const lookup of trace.#own) found.add(lookup)
      for (const used of trace.#used) seen.add(used)
    }
    return [...found].sort((a, b) => a - b)
  }
}
