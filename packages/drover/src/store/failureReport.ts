import { isDroverError } from "../errors/index.ts"
import type { DroverErrorCode } from "../errors/index.ts"
import type { Events } from "../events/index.ts"
import type { Clock } from "../time/index.ts"

// With these a database may answer every question, and still change nothing.
const takesNoWrites: readonly DroverErrorCode[] = ["DROVER_STORE_READONLY", "DROVER_STORE_FULL"]

/**
 * Emits `store.failed` when the database begins to fail, once for each kind of failure however many calls meet it,
 * and `store.recovered` at the first success after it.
 */
export class FailureReport {
  readonly #events: Events
  readonly #clock: Clock
  readonly #told: Set<string> = new Set()
  #failing: { readonly operation: string; readonly sinceMono: number } | undefined

  constructor(events: Events, clock: Clock) {
    this.#events = events
    this.#clock = clock
  }

  /** An operation is about to be rejected with this error. Only errors of the database count. */
  failed(operation: string, error: unknown): void {
    if (!isDroverError(error) || !error.code.startsWith("DROVER_STORE_")) return
    this.#failing ??= { operation, sinceMono: this.#clock.monotonic() }
    if (this.#told.has(error.code)) return
    this.#told.add(error.code)
    this.#events.emit("store.failed", { operation, code: error.code, message: error.message })
  }

  /**
   * The database did what it was asked to. Costs one comparison while nothing fails.
   * @param what a read says nothing about a database that takes no writes.
   */
  succeeded(what: "read" | "write" = "write"): void {
    if (this.#failing === undefined) return
    if (what === "read" && takesNoWrites.some((code) => this.#told.has(code))) return
    const { operation, sinceMono } = this.#failing
    this.#failing = undefined
    this.#told.clear()
    this.#events.emit("store.recovered", {
      operation,
      afterMs: this.#clock.monotonic() - sinceMono,
    })
  }
}
