/** The only source of randomness. Every room is handed one; `systemRng` is real, `SeededRng` repeats. */
export interface Rng {
  /** A number in [0, 1) with 53 random bits. */
  next(): number
  /** Fills an array with random bytes. */
  fill(bytes: Uint8Array): void
}

/** A random whole number in [0, below). @param below at most 2^53. */
export function randomBelow(rng: Rng, below: number): number {
  return Math.floor(rng.next() * below)
}

/**
 * A token of a claim, a lease or a term: 53 random bits, so that a number that was issued twice (after a
 * restored backup) still tells two holders apart. A number, not a bigint, because both stores and JSON carry it as it is.
 */
export function randomToken(rng: Rng): number {
  return randomBelow(rng, Number.MAX_SAFE_INTEGER) + 1
}
