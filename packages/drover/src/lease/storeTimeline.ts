import { assert } from "../errors/index.ts"

// Below it a step is rounding and slewing, which the next entry takes in.
const LEAST_STEP_MS = 10
// More steps than that within a lease, and the oldest are forgotten.
const MOST_STEPS = 1_000

interface Stretch {
  /** From this instant of the monotonic clock on … */
  readonly fromMono: number
  /** … the store's time was ahead of it by so much. */
  readonly aheadMs: number
}

/**
 * Which instant of this process's monotonic clock an instant of the store's clock was. The store's time may leap, by
 * a step of the wall clock or by what another process wrote, and a lease that was given before the leap
 * has not become older by it. Pure arithmetic on what was observed.
 */
export class StoreTimeline {
  // Oldest first, each further ahead than the one before: the store's time never goes back.
  readonly #stretches: Stretch[] = []

  /** The store's time was `storeMs` at this instant of the monotonic clock. */
  observed(storeMs: number, mono: number): void {
    const aheadMs = storeMs - mono
    const last = this.#stretches.at(-1)
    if (last !== undefined && aheadMs - last.aheadMs < LEAST_STEP_MS) return
    this.#stretches.push({ fromMono: mono, aheadMs })
    if (this.#stretches.length > MOST_STEPS) this.#stretches.shift()
  }

  /**
   * The latest instant of the monotonic clock at which the store's time can have been `storeAt`: what the store's time
   * leapt over happened before the leap was seen. Before the first observation it is what that one says.
   */
  monoOf(storeAt: number): number {
    assert(this.#stretches.length > 0, "the store's time was observed before it is asked for")
    let endMono = Number.POSITIVE_INFINITY
    for (let i = this.#stretches.length - 1; i > 0; i--) {
      const { fromMono, aheadMs } = this.#stretches[i]!
      if (storeAt - aheadMs >= fromMono) return Math.min(storeAt - aheadMs, endMono)
      endMono = fromMono
    }
    return Math.min(storeAt - this.#stretches[0]!.aheadMs, endMono)
  }
}
