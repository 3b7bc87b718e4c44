import type { BidReply, Candidate, Store } from "../store/index.ts"
import { randomToken } from "../time/index.ts"
import type { Clock, Rng } from "../time/index.ts"
import { answered } from "./answered.ts"
import { leaseOf } from "./leadershipOptions.ts"
import type { LeadershipTimes } from "./leadershipOptions.ts"
import { Term } from "./term.ts"

/** What a bidder needs. */
export interface BidderOptions {
  readonly clock: Clock
  readonly rng: Rng
  readonly store: Pick<Store, "bid" | "resignTerm">
  readonly candidate: Candidate
  readonly times: LeadershipTimes
}

/**
 * Sends bids. One whose fate is unknown is sent again under its own token: if the lost reply was a yes, the answer
 * is the same term, so no term is ever won without its winner knowing.
 */
export class Bidder {
  readonly #options: BidderOptions
  /** Of the bid whose fate is unknown, or of the next one. */
  #token: number
  /** Under way, though nobody waits for it any more. */
  #pending: Promise<BidReply> | undefined

  constructor(options: BidderOptions) {
    this.#options = options
    this.#token = randomToken(options.rng)
  }

  /** @returns the term, or how long the term of another still lasts. @throws what the store throws, Timeout, `signal.reason`. */
  async bid(signal: AbortSignal): Promise<Term | { readonly leftMs: number }> {
    const { clock, rng, times } = this.#options
    const token = this.#token
    const sentMono = clock.monotonic()
    const reply = await this.#send(token, signal)
    // Whatever comes next is another bid.
    this.#token = randomToken(rng)
    return reply.won
      ? new Term({ term: reply.term, token }, leaseOf(times), clock, sentMono)
      : { leftMs: reply.leftMs }
  }

  /**
   * Gives back what a bid may have won that nobody waited for: a client that stops must not hold a term that it never
   * led. Resolves in bounded time.
   */
  async giveBack(): Promise<void> {
    const { clock, store, times } = this.#options
    const pending = this.#pending
    if (pending === undefined) return
    const bound = { ms: times.handOverMs, what: "a bid", ref: true }
    try {
      const reply = await answered(clock, pending, bound)
      if (!reply.won) return
      const term = { term: reply.term, token: this.#token }
      await answered(clock, store.resignTerm(term), bound)
    } catch {
      // Its time ends it.
    }
  }

  async #send(token: number, signal: AbortSignal): Promise<BidReply> {
    const { clock, store, candidate, times } = this.#options
    const sent = store.bid({ candidate, token, ttlMs: times.ttlMs })
    this.#pending = sent
    const reply = await answered(clock, sent, { ms: times.requestMs, what: "a bid", signal })
    this.#pending = undefined
    return reply
  }
}
