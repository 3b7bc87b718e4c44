import type { Clock, Timer } from "../time/index.ts"

/** Where changes are seen. */
export interface ChangeSource {
  readonly clock: Clock
  /** Differs from the last reading when anybody may have committed since; `undefined` while nothing is open. */
  changeMark(): number | undefined
}

/** How often an open database is looked at while somebody watches: one read of shared memory, no query. */
const LOOK_MS = 10

const signals: WeakMap<ChangeSource, ChangeSignal> = new WeakMap()

/**
 * Calls the listener soon after any process committed to the database. All watches of a store share one
 * timer, which never keeps the process alive and stops with the last of them.
 * @returns ends the watch; safe to call twice.
 */
export function watch(source: ChangeSource, listener: () => void): () => void {
  let signal = signals.get(source)
  if (signal === undefined) {
    signal = new ChangeSignal(source)
    signals.set(source, signal)
  }
  return signal.add(listener)
}

class ChangeSignal {
  readonly #source: ChangeSource
  readonly #listeners: Set<() => void> = new Set()
  #timer: Timer | undefined
  #mark: number | undefined

  constructor(source: ChangeSource) {
    this.#source = source
  }

  add(listener: () => void): () => void {
    // Wrapped, so that one function that watches twice is two watches.
    const own = (): void => listener()
    this.#listeners.add(own)
    if (this.#timer === undefined) {
      this.#mark = this.#read()
      this.#arm()
    }
    return () => {
      this.#listeners.delete(own)
      if (this.#listeners.size > 0) return
      this.#timer?.cancel()
      this.#timer = undefined
    }
  }

  #arm(): void {
    this.#timer = this.#source.clock.setTimer(LOOK_MS, () => this.#look(), { ref: false })
  }

  #look(): void {
    const before = this.#mark
    this.#mark = this.#read()
    // A listener may end the last watch, and what one throws must not silence the others.
    this.#arm()
    if (this.#mark === undefined || this.#mark === before) return
    for (const listener of this.#listeners) listener()
  }

  /** `undefined` when the database cannot be read: whoever uses it next learns why. */
  #read(): number | undefined {
    try {
      return this.#source.changeMark()
    } catch {
      return undefined
    }
  }
}
