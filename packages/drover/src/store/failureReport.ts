import { isDroverError } from "../errors/index.ts"
import type { DroverErrorCode } from "../errors/index.ts"
import type { Events } from "../events/index.ts"
import type { Clock } from "../time/index.ts"

// With these a database may answer every question, and still change nothing.
const takesNoWrites: readonly DroverErrorCode[] = ["DROVER_STORE_READONLY", "DROVER_STORE_FULL"]
// On a full disk small writes find room in pages that are there, and others do not. Who still meets it tries again within
// 5 s, so a calm of this long means that it has passed.
const CALM_MS = 10_000

// By the error itself: whoever gets it from the store need not tell of it again.
const reported: WeakSet<Error> = new WeakSet()

/** Whether a store has told of this error with an event of its own. */
export function wasReported(error: unknown): boolean {
  return error instanceof Error && reported.has(error)
}

/**
 * Emits `store.failed` when the database begins to fail, once for each kind of failure however many calls meet it,
 * and `store.recovered` at the first success after it. After a full disk that is when all that it refused has been
 * written since, or when it has refused nothing for 10 s.
 */
export class FailureReport {
  readonly #events: Events
  readonly #clock: Clock
  readonly #told: Set<string> = new Set()
  /** What a full disk has refused and not taken since. */
  readonly #refused: Set<string> = new Set()
  #refusedMono = 0
  #failing: { readonly operation: string; readonly sinceMono: number } | undefined

  constructor(events: Events, clock: Clock) {
    this.#events = events
    this.#clock = clock
  }

  /** An operation is about to be rejected with this error. Only errors of the database count. */
  failed(operation: string, error: unknown): void {
    if (!isDroverError(error) || !error.code.startsWith("DROVER_STORE_")) return
    reported.add(error)
    this.#failing ??= { operation, sinceMono: this.#clock.monotonic() }
    if (error.code === "DROVER_STORE_FULL") {
      this.#refused.add(operation)
      this.#refusedMono = this.#clock.monotonic()
    }
    if (this.#told.has(error.code)) return
    this.#told.add(error.code)
    this.#events.emit("store.failed", { operation, code: error.code, message: error.message })
  }

  /**
   * The database did what it was asked to. Costs one comparison while nothing fails.
   * @param done the operation.
   * @param what a read says nothing about a database that takes no writes.
   */
  succeeded(done: string, what: "read" | "write" = "write"): void {
    if (this.#failing === undefined) return
    if (what === "read" && takesNoWrites.some((code) => this.#told.has(code))) return
    if (this.#isStillFull(done)) return
    const { operation, sinceMono } = this.#failing
    this.#failing = undefined
    this.#told.clear()
    this.#refused.clear()
    this.#events.emit("store.recovered", {
      operation,
      afterMs: this.#clock.monotonic() - sinceMono,
    })
  }

  // That one write found room tells nothing of the others.
  #isStillFull(done: string): boolean {
    this.#refused.delete(done)
    if (this.#refused.size === 0) return false
    return this.#clock.monotonic() - this.#refusedMono < CALM_MS
  }
}
