import type { Lease } from "./lease.ts"

/**
 * Whether this process has seen the store, without interruption, for a full lease. Only then may it take
 * the silence of others for their death: after an outage, a clock jump, a long pause or a start,
 * everybody first gets the time to beat again, so an outage is never followed by a rescue storm.
 * Pure arithmetic on monotonic readings.
 */
export class Reachability {
  readonly #leaseMs: number
  readonly #gapMs: number
  #sinceMono: number | undefined
  #lastMono = Number.NEGATIVE_INFINITY

  constructor(lease: Lease) {
    this.#leaseMs = lease.ttlMs
    // A process that has not asked for two beats does not know; it may have been paused together with all others.
    this.#gapMs = 2 * lease.beatMs
  }

  /** The store answered at this instant. */
  reached(repliedAtMono: number): void {
    if (repliedAtMono - this.#lastMono > this.#gapMs) this.#sinceMono = undefined
    this.#sinceMono ??= repliedAtMono
    this.#lastMono = Math.max(this.#lastMono, repliedAtMono)
  }

  /** A request failed because the store could not be reached, or time jumped: start counting again at the next reply. */
  interrupted(): void {
    this.#sinceMono = undefined
  }

  /** For how long the store has been reachable without interruption, up to `nowMono`; 0 when it is not. */
  reachableForMs(nowMono: number): number {
    if (this.#sinceMono === undefined || nowMono - this.#lastMono > this.#gapMs) return 0
    return Math.max(0, nowMono - this.#sinceMono)
  }

  /** How long until leases of others that look expired may be taken for dead, if nothing comes between; 0 when they may. */
  blindMs(nowMono: number): number {
    return Math.max(0, this.#leaseMs - this.reachableForMs(nowMono))
  }
}
