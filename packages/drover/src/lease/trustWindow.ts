import { trustedUntilMono } from "./lease.ts"
import type { Lease } from "./lease.ts"

/**
 * How long a holder may still act on what the store granted it, by its own monotonic clock. Pure
 * arithmetic: the owner hands in the readings. It only says when to stop; that a superseded holder's
 * write changes nothing is the store's fence.
 */
export class TrustWindow {
  readonly #lease: Lease
  #untilMono = Number.NEGATIVE_INFINITY
  // Requests sent up to here were answered by a "no" or belong to an ended term.
  #revokedMono = Number.NEGATIVE_INFINITY

  constructor(lease: Lease) {
    this.#lease = lease
  }

  /** The instant at which trust ends; `-Infinity` before the first grant and after a revocation. */
  get untilMono(): number {
    return this.#untilMono
  }

  /**
   * The store granted or renewed the right; `sentAtMono` is when that request was sent.
   * A reply that comes late or out of order never stretches the window and never revives a revoked one.
   */
  granted(sentAtMono: number): void {
    if (sentAtMono <= this.#revokedMono) return
    this.#untilMono = Math.max(this.#untilMono, trustedUntilMono(sentAtMono, this.#lease))
  }

  /** The store said no, or the holder gave the right back: trust ends now, whatever replies are still on their way. */
  revoked(nowMono: number): void {
    this.#revokedMono = Math.max(this.#revokedMono, nowMono)
    this.#untilMono = Number.NEGATIVE_INFINITY
  }

  /** Whether the holder may act at this instant. */
  isTrusted(nowMono: number): boolean {
    return nowMono < this.#untilMono
  }

  /** Milliseconds of trust left; 0 when there is none. */
  leftMs(nowMono: number): number {
    return Math.max(0, this.#untilMono - nowMono)
  }
}
