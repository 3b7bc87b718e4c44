/**
 * Leadership: at any time at most one client of a database does what only one may do.
 *
 * ```
 *                 bid won                                  resigned: the client stops, or its
 *   follower ───────────────────▶ leader of term n ──────▶ maintenance cannot run here ─────────┐
 *      ▲  ▲                           │                                                         │
 *      │  │                           │ lost: the store says "ended", or trust is over          │
 *      │  └───────────────────────────┘                                                         │
 *      │                                                                                        │
 *      └──── standing back: bids no more for a while, so that a healthy client wins ◀── failed ─┤
 *      └───────────────────────────────────────────────────────────────────── stopped: no bids ◀┘
 * ```
 *
 * **Terms.** The store issues terms: a number that only grows, and a random token that the bidder made, so that a bid
 * whose reply was lost is sent again and is the same term. A term lives until it is resigned, its time is over by the
 * store's clock, or its holder is proved dead. Every write that only the leader may make names its term, and the
 * store checks it in the same transaction. That fence is what makes two leaders harmless; all else here only makes
 * them rare and short.
 *
 * **Trust.** A leader believes in its term from the instant it sent the bid or the renewal, for the time to live less
 * a margin, by its own monotonic clock. So it stops before the store lets another one win. A request may take as long
 * as trust is left and no longer; a late answer stretches nothing.
 *
 * **Everything of a term hangs on its object.** `Term` has the reference, the trust and a signal that aborts with
 * `Shutdown` or `TermEnded`. What is started in a term keeps that object, never "the current term", so a start that
 * returns after the end of its term reaches nothing of the next. There is no epoch to compare and to forget.
 *
 * **Who is told.** Transitions go through a relay: in order, none dropped, and a slow listener never delays a bid,
 * a renewal or a step-down.
 *
 * **Handing over.** Resigning names the term, so a resignation that arrives late ends nobody else's. A client whose
 * maintenance failed stands back for longer than any other needs to bid by polling alone, each time twice as long,
 * until it succeeds. Hints (`Store.watch`) make a takeover fast; polling alone makes it certain.
 */
export { aborted, answered } from "./answered.ts"
export { Elector } from "./elector.ts"
export type { Transition } from "./elector.ts"
export { checkLeadership, leadershipDefaults } from "./leadershipOptions.ts"
export type { LeadershipTimes } from "./leadershipOptions.ts"
export { Term } from "./term.ts"
