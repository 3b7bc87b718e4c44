import { isDroverError } from "../../errors/index.ts"
import { describeError } from "../../store/index.ts"
import type { EndedAttempt } from "./attemptHost.ts"

// Bounds the time that one transaction blocks the event loop.
const MAX_BATCH = 500
// How often the same settlement may be refused before it is taken for the cause.
const MAX_REFUSALS = 3

/**
 * Settlements on their way to the store, in order. What is taken comes back when it could not be written.
 *
 * A database that is away says nothing about what it was sent. One that refuses a statement may refuse it for what
 * one settlement contains; that one must not hold up the others for ever. So after a few refusals they go one by
 * one, and one that is refused alone, again and again, is replaced by the plain news that it could not be stored.
 */
export class SettlementQueue {
  #waiting: EndedAttempt[] = []
  #refusals = 0

  get length(): number {
    return this.#waiting.length
  }

  /** Whether settlements go one by one; nothing else should go with them. */
  get cautious(): boolean {
    return this.#refusals >= MAX_REFUSALS
  }

  add(ended: EndedAttempt): void {
    this.#waiting.push(ended)
  }

  take(): readonly EndedAttempt[] {
    const waiting = this.#waiting
    const most = this.cautious ? 1 : MAX_BATCH
    this.#waiting = waiting.length <= most ? [] : waiting.splice(most)
    return waiting
  }

  /** What was taken is written. Caution ends with the queue: the one that was refused is still in it. */
  written(): void {
    if (this.#waiting.length === 0) this.#refusals = 0
    else this.#refusals = Math.min(this.#refusals, MAX_REFUSALS)
  }

  /** They were not written, or nobody knows whether they were. */
  putBack(taken: readonly EndedAttempt[], error: unknown): void {
    if (taken.length > 0 && isRefusal(error)) this.#refusals++
    const replace = taken.length === 1 && this.#refusals >= 2 * MAX_REFUSALS
    const again = replace ? taken.map((ended) => unstorable(ended, error)) : taken
    if (replace) this.#refusals = MAX_REFUSALS
    this.#waiting = [...again, ...this.#waiting]
  }
}

// Busy, full, unreachable, closed: these pass, or end the worker. A refused statement does neither.
function isRefusal(error: unknown): boolean {
  return (
    !isDroverError(error) ||
    error.code === "DROVER_STORE_QUERY" ||
    error.code === "DROVER_ASSERTION"
  )
}

function unstorable(ended: EndedAttempt, error: unknown): EndedAttempt {
  const reason = "its outcome could not be stored"
  return {
    ...ended,
    settlement: { to: "discarded", reason, failed: true, error: describeError(error) },
  }
}
