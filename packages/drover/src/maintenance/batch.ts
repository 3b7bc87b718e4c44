import { assert, isDroverError } from "../errors/index.ts"

/** The bounds of a batch. */
export interface BatchLimits {
  readonly most: number
  readonly least: number
}

// So many good batches in a row, and a larger one is tried.
const GOOD_BEFORE_GROWING = 5

/**
 * How many rows one statement of a service takes. One that takes too long is tried again with half, and after a few
 * that did not, with twice as many: a table that grew, or a slow disk, makes a service slower and never stops it.
 */
export class Batch {
  readonly #limits: BatchLimits
  #size: number
  #good = 0

  constructor(limits: BatchLimits) {
    assert(limits.least >= 1 && limits.most >= limits.least, "a batch has at least one row")
    this.#limits = limits
    this.#size = limits.most
  }

  get size(): number {
    return this.#size
  }

  /** The statement was carried out in time. */
  succeeded(): void {
    if (this.#size === this.#limits.most) return
    this.#good++
    if (this.#good < GOOD_BEFORE_GROWING) return
    this.#good = 0
    this.#size = Math.min(this.#limits.most, this.#size * 2)
  }

  /** The statement failed. Only one that took too long, or waited too long, says anything about the size. */
  failed(error: unknown): void {
    this.#good = 0
    if (!tookTooLong(error)) return
    this.#size = Math.max(this.#limits.least, Math.floor(this.#size / 2))
  }
}

function tookTooLong(error: unknown): boolean {
  return (
    isDroverError(error, "DROVER_TIMEOUT") ||
    isDroverError(error, "DROVER_STORE_BUSY") ||
    isDroverError(error, "DROVER_STORE_TIMEOUT")
  )
}
