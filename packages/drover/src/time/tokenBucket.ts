/**
 * How often something may happen: `burst` times at once, then once every `everyMs`; what was not used comes back as
 * slowly, up to `burst`. For what costs others and yet should not wait when it is rare. Pure: the owner hands in
 * readings of its monotonic clock, and arms the timer.
 */
export class TokenBucket {
  readonly #burst: number
  readonly #everyMs: number
  /** When the bucket is full again. */
  #fullMono = Number.NEGATIVE_INFINITY

  constructor(options: { readonly burst: number; readonly everyMs: number }) {
    this.#burst = options.burst
    this.#everyMs = options.everyMs
  }

  /** The earliest time at which there is a token; in the past when there is one. */
  get dueMono(): number {
    return this.#fullMono - (this.#burst - 1) * this.#everyMs
  }

  /** Takes a token, also one that is not there yet: then the next comes later. */
  take(nowMono: number): void {
    this.#fullMono = Math.max(this.#fullMono, nowMono) + this.#everyMs
  }
}
