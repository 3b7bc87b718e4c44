import { TermEnded } from "../errors/index.ts"
import type { DroverError } from "../errors/index.ts"
import { TrustWindow } from "../lease/index.ts"
import type { Lease } from "../lease/index.ts"
import type { TermRef } from "../store/index.ts"
import type { Clock, Timer } from "../time/index.ts"

/** How a term ended: given back, or taken away. */
export type TermEnd = "resigned" | "lost"

/**
 * One term of this client, from the bid that won it to its end. Everything that belongs to a term hangs on its
 * object and its signal, so nothing of an old term can reach into a new one, and no counter has to be compared.
 */
export class Term {
  readonly ref: TermRef
  /** Aborts when the term ends, with `Shutdown` or `TermEnded`. */
  readonly signal: AbortSignal
  readonly #abort: AbortController = new AbortController()
  readonly #clock: Clock
  readonly #trust: TrustWindow
  #timer: Timer | undefined
  #end: TermEnd | undefined

  /** @param sentMono when the bid was sent: trust counts from there. */
  constructor(ref: TermRef, lease: Lease, clock: Clock, sentMono: number) {
    this.ref = ref
    this.signal = this.#abort.signal
    this.#clock = clock
    this.#trust = new TrustWindow(lease)
    this.granted(sentMono)
  }

  /** How it ended; `undefined` while it lasts. */
  get end(): TermEnd | undefined {
    return this.#end
  }

  /** Whether its holder may act on it now, by the monotonic clock. */
  get trusted(): boolean {
    return this.#end === undefined && this.#trust.isTrusted(this.#clock.monotonic())
  }

  /** How long it may be trusted without a renewal. */
  get leftMs(): number {
    return this.#trust.leftMs(this.#clock.monotonic())
  }

  /** The store granted or renewed it; `sentMono` is when that request was sent. A late answer stretches nothing. */
  granted(sentMono: number): void {
    if (this.#end !== undefined) return
    this.#trust.granted(sentMono)
    this.#timer?.cancel()
    const over = (): void => this.#over()
    this.#timer = this.#clock.setTimer(this.leftMs, over, { ref: false })
  }

  /** It is given back: what runs under it stops, then the store is told. */
  resign(reason: DroverError): void {
    this.#finish("resigned", reason)
  }

  /** It was taken away, or nobody can say that it was not. */
  lose(why: string): void {
    const details = { term: this.ref.term }
    this.#finish("lost", new TermEnded(`Term ${this.ref.term} ended: ${why}`, { details }))
  }

  #over(): void {
    if (this.trusted) return
    this.lose("it could not be renewed in time")
  }

  #finish(end: TermEnd, reason: DroverError): void {
    if (this.#end !== undefined) return
    this.#end = end
    this.#timer?.cancel()
    this.#trust.revoked(this.#clock.monotonic())
    this.#abort.abort(reason)
  }
}
