/**
 * Hands values to listeners: to each in order, the next one only after it is done with the last, none dropped.
 * Handing over never waits for a listener, however slow it is.
 */
export class Relay<T> {
  readonly #tails: Map<(value: T) => void | Promise<void>, Promise<void>> = new Map()
  readonly #onError: (error: unknown) => void

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError
  }

  /** @returns ends the subscription; what was handed over before still comes. */
  add(listener: (value: T) => void | Promise<void>): () => void {
    const own = (value: T): void | Promise<void> => listener(value)
    this.#tails.set(own, Promise.resolve())
    return () => this.#tails.delete(own)
  }

  push(value: T): void {
    for (const [listener, tail] of this.#tails) {
      const next = tail.then(() => listener(value)).catch(this.#onError)
      this.#tails.set(listener, next)
    }
  }
}
