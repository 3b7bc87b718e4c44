import { DroverError } from "../errors/index.ts"
import type { Clock } from "../time/index.ts"
import type { Held, PoolUnderTest } from "./invariants.fixture.ts"

// How long a caller of acquire waits before it looks again.
const POLL_MS = 1_000

/**
 * The pool as it is often written, kept to show that the invariants' tests can fail: it looks at the count in
 * one step and changes it in a later one, releases without remembering that it did, frees the slot of a job
 * that only timed out, and finds out by polling what nobody tells it.
 * Source: golang-queue #154 ("11 busy of 10") and the defects found beside it.
 */
export class CheckThenActPool implements PoolUnderTest {
  readonly #clock: Clock
  readonly #maxWaiting: number
  readonly #listeners: Set<() => void> = new Set()
  #limit: number
  #busy = 0
  #waiting = 0

  constructor(options: {
    readonly limit: number
    readonly maxWaiting: number
    readonly clock: Clock
  }) {
    this.#limit = options.limit
    this.#maxWaiting = options.maxWaiting
    this.#clock = options.clock
  }

  get limit(): number {
    return this.#limit
  }

  get reserved(): number {
    return this.#busy
  }

  get waiting(): number {
    return this.#waiting
  }

  get stats(): { readonly stuck: number } {
    return { stuck: 0 }
  }

  async tryReserve(weight = 1): Promise<Held | undefined> {
    if (this.#busy + weight > this.#limit) return undefined
    // The job is fetched here; meanwhile somebody else looks at the same count.
    await Promise.resolve()
    return this.#hold(weight)
  }

  async reserveUpTo(most: number): Promise<Held> {
    const free = Math.max(0, this.#limit - this.#busy)
    await Promise.resolve()
    return this.#hold(Math.min(most, free))
  }

  async acquire(options: { readonly weight?: number } = {}): Promise<Held> {
    const { weight = 1 } = options
    if (this.#waiting >= this.#maxWaiting) {
      throw new DroverError("DROVER_SLOTS_FULL", "too many callers wait")
    }
    await Promise.resolve()
    this.#waiting++
    while (this.#busy + weight > this.#limit) await this.#clock.sleep(POLL_MS)
    this.#waiting--
    return this.#hold(weight)
  }

  resize(limit: number): void {
    this.#limit = limit
  }

  onFree(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #hold(weight: number): Held {
    this.#busy += weight
    return new CheckThenActHeld(weight, (count) => {
      // Whether there is room for somebody is judged before the room is made.
      const roomNow = this.#busy < this.#limit
      this.#busy -= count
      if (roomNow) for (const listener of this.#listeners) listener()
    })
  }
}

class CheckThenActHeld implements Held {
  readonly #give: (count: number) => void
  weight: number

  constructor(weight: number, give: (count: number) => void) {
    this.weight = weight
    this.#give = give
  }

  take(weight = 1): Held {
    this.weight -= weight
    return new CheckThenActHeld(weight, this.#give)
  }

  giveBack(): void {
    const { weight } = this
    this.weight = 0
    if (weight > 0) this.#give(weight)
  }

  // It does not remember that it did.
  release(): void {
    this.#give(this.weight)
  }

  // A job that timed out counts as over, although it still runs.
  markStuck(): void {
    this.release()
  }
}
