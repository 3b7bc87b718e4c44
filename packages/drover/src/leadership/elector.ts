import { hostname } from "node:os"
import { DroverError, isDroverError, Shutdown } from "../errors/index.ts"
import type { Events } from "../events/index.ts"
import { retry, retryDelayMs } from "../retry/index.ts"
import type { RetryPolicy } from "../retry/index.ts"
import { Service } from "../service/index.ts"
import type { ServiceScope, Startable } from "../service/index.ts"
import type { Candidate, Store } from "../store/index.ts"
import type { Clock, Rng } from "../time/index.ts"
import { answered } from "./answered.ts"
import { Bidder } from "./bidder.ts"
import type { LeadershipTimes } from "./leadershipOptions.ts"
import { Pause } from "./pause.ts"
import { Relay } from "./relay.ts"
import { StandBack } from "./standBack.ts"
import { Term } from "./term.ts"

/** What listeners are told, in order. */
export type Transition =
  | { readonly to: "leader"; readonly term: Term }
  | { readonly to: "follower"; readonly term: Term }

/** What an elector needs. */
export interface ElectorOptions {
  readonly clock: Clock
  readonly rng: Rng
  readonly events: Events
  readonly store: Pick<Store, "bid" | "renewTerm" | "resignTerm" | "watch">
  /** Another one for each client and each of its starts. */
  readonly candidateId: string
  /** JSON text shown to operators. */
  readonly info: string
  readonly times: LeadershipTimes
  /** Whether hints of the store are listened to. Polling alone is always correct. @default true */
  readonly hints?: boolean
  /** Whether this client could do all of a leader's work at once. When a term ends, those that could bid first. @default true */
  isReady?(): boolean
  /** Resolves when nothing of a term that was given back runs any more; a resignation waits for it, for a while. */
  released(term: Term): Promise<void>
}

// Bids and renewals that fail: soon again, never in step, never so often that a sick database suffers.
const TROUBLE: RetryPolicy = {
  backoff: "exponential",
  baseMs: 250,
  factor: 2,
  capMs: 4_000,
  jitter: "equal",
  maxAttempts: false,
}
// A hint wakes all followers at once: each waits a random part of this.
const HINT_MS = 50
// When a term ends by itself, everybody knows when: the same.
const EXPIRY_SPREAD_MS = 300
const RESIGN_ATTEMPTS = 3

/** Bids for terms, keeps what it won, and gives it back. See the room's essay. */
export class Elector implements Startable {
  readonly name = "elector"
  readonly #options: ElectorOptions
  readonly #service: Service
  readonly #relay: Relay<Transition>
  readonly #standBack: StandBack
  readonly #pause: Pause
  #term: Term | undefined

  constructor(options: ElectorOptions) {
    const { clock, rng, events, times } = options
    this.#options = options
    this.#standBack = new StandBack(times, rng)
    this.#pause = new Pause(clock)
    this.#relay = new Relay((error) => {
      events.emit("service.failed", { service: this.name, phase: "run", error })
    })
    this.#service = new Service({
      name: this.name,
      events,
      start: (scope) => this.#body(scope),
    })
  }

  /** The term that this client may act on now. */
  get term(): Term | undefined {
    return this.#term?.trusted === true ? this.#term : undefined
  }

  /** Resolves at once: whether it leads is seen later. */
  start(): Promise<void> {
    return this.#service.start()
  }

  /** Gives back what it holds and bids no more. Resolves in bounded time, whatever runs under the term. */
  stop(reason?: DroverError): Promise<void> {
    return this.#service.stop(reason)
  }

  onFailed(listener: (error: unknown) => void): () => void {
    return this.#service.onFailed(listener)
  }

  /** Calls back for every beginning and end of a term, in order; a slow listener holds up nobody but itself. */
  onTransition(listener: (transition: Transition) => void | Promise<void>): () => void {
    return this.#relay.add(listener)
  }

  /** There may be no leader any more. Cheap, any number of times. */
  hint(): void {
    this.#pause.wake()
  }

  /** The maintenance of this term runs. */
  maintained(term: Term): void {
    if (term === this.#term) this.#standBack.succeeded()
  }

  /** The maintenance of this term cannot run here: gives back this term and no other, and lets others go first. */
  giveUp(term: Term, cause: unknown): void {
    // A term that has ended says nothing about the next one.
    if (term !== this.#term || term.end !== undefined) return
    const { clock, events } = this.#options
    const forMs = this.#standBack.failed(clock.monotonic())
    const { failures } = this.#standBack
    events.emit("leader.stood_back", { term: term.ref.term, failures, forMs })
    const text = `Term ${term.ref.term} is given back: its maintenance could not run here`
    term.resign(new DroverError("DROVER_TERM_ENDED", text, { cause }))
  }

  #body(scope: ServiceScope): void {
    const { store, hints = true } = this.#options
    if (hints) {
      scope.defer(
        store.watch((what) => {
          if (what !== "ends") this.#pause.wake()
        }),
      )
    }
    scope.spawn((signal) => this.#live(signal))
  }

  async #live(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const term = await this.#follow(signal)
      if (term !== undefined) await this.#lead(term, signal)
    }
  }

  /** Bids until it wins. @returns `undefined` when it is stopped. */
  async #follow(signal: AbortSignal): Promise<Term | undefined> {
    const { clock, rng, times } = this.#options
    const bidder = this.#bidder()
    let nextInMs = this.#spread(HINT_MS)
    let failures = 0
    while (!signal.aborted) {
      const standMs = this.#standBack.leftMs(clock.monotonic())
      // Hints are for those who may bid; after a failure the wait is what spares the database.
      if (standMs > 0) await this.#pause.deaf(standMs, signal)
      else if (failures > 0) await this.#pause.deaf(nextInMs, signal)
      else await this.#pause.listening(nextInMs, this.#spread(HINT_MS), signal)
      if (signal.aborted) break
      if (this.#standBack.leftMs(clock.monotonic()) > 0) continue
      try {
        const answer = await bidder.bid(signal)
        if (answer instanceof Term) return answer
        failures = 0
        const untilEndMs = answer.leftMs + this.#spread(EXPIRY_SPREAD_MS)
        nextInMs = Math.min(times.bidMs + times.jitterMs * rng.next(), untilEndMs)
      } catch (error) {
        if (signal.aborted) break
        failures++
        nextInMs = this.#trouble("bid", error, failures)
      }
    }
    await bidder.giveBack()
    return undefined
  }

  async #lead(term: Term, signal: AbortSignal): Promise<void> {
    const { events } = this.#options
    const { candidateId: client } = this.#options
    this.#term = term
    events.emit("leader.elected", { term: term.ref.term, client })
    this.#relay.push({ to: "leader", term })
    const onStop = (): void => term.resign(stopReason(signal))
    signal.addEventListener("abort", onStop, { once: true })
    if (signal.aborted) onStop()
    await this.#renew(term)
    signal.removeEventListener("abort", onStop)
    this.#term = undefined
    const reason = term.signal.reason as DroverError
    events.emit(term.end === "resigned" ? "leader.resigned" : "leader.lost", {
      term: term.ref.term,
      client,
      reason,
    })
    this.#relay.push({ to: "follower", term })
    // A term that was taken away is not ours to give back.
    if (term.end === "resigned") await this.#resign(term)
  }

  /** Keeps the term until it ends. */
  async #renew(term: Term): Promise<void> {
    const { clock, rng, times } = this.#options
    while (term.end === undefined) {
      // A little early, never late; and where less trust is left than usual, in time to try more than once.
      const pauseMs = Math.min(times.renewMs, term.leftMs / 2) * (1 - 0.1 * rng.next())
      await clock.sleep(pauseMs, { signal: term.signal, ref: false }).catch(() => {})
      if (term.end !== undefined) return
      const untilMono = clock.monotonic() + term.leftMs
      try {
        if ((await this.#renewal(term)) === "ended") term.lose("the store says that it has ended")
      } catch {
        // The term ends with the trust that there was; unless an attempt that was given up is answered after all.
        const leftMs = Math.max(0, untilMono - clock.monotonic())
        await clock.sleep(leftMs, { signal: term.signal, ref: false }).catch(() => {})
      }
    }
  }

  #renewal(term: Term): Promise<"held" | "ended"> {
    const { clock, rng, store, times } = this.#options
    const { baseMs, factor, capMs } = TROUBLE
    return retry(
      async () => {
        const sentMono = clock.monotonic()
        const answer = await store.renewTerm(term.ref, times.ttlMs)
        // Also when nobody waits any more: it counts from when it was sent, and revives nothing.
        if (answer === "held") term.granted(sentMono)
        return answer
      },
      {
        ...{ clock, rng, signal: term.signal },
        ...{ base: baseMs, factor, cap: capMs, jitter: "equal", maxAttempts: false },
        timeout: times.requestMs,
        // No attempt and no wait outlasts the trust that is left.
        deadline: Math.max(1, term.leftMs),
        onRetry: ({ outcome, attempt, delayMs }) => {
          if (outcome.ok) return
          this.#tell("renewTerm", outcome.error, attempt, delayMs)
        },
      },
    )
  }

  /** Tells the store, a few times, in bounded time. Its ttl ends a term of which the store could not be told. */
  async #resign(term: Term): Promise<void> {
    const { clock, rng, store, times, released } = this.#options
    // What hangs may wait for nothing that keeps the process up; then this wait must, or the term is never given back.
    const bound = { ms: times.handOverMs, what: "the end of what runs under the term", ref: true }
    await answered(clock, released(term), bound).catch(() => {})
    await retry(() => store.resignTerm(term.ref), {
      ...{ clock, rng, base: 100, cap: 1_000, maxAttempts: RESIGN_ATTEMPTS },
      timeout: Math.min(times.requestMs, 2_000),
      deadline: times.requestMs,
    }).catch((error: unknown) => this.#tell("resignTerm", error, RESIGN_ATTEMPTS, 0))
  }

  /** A random part of a wait that all share: of its first half for those that are ready, else of its second. */
  #spread(ms: number): number {
    const { rng, isReady } = this.#options
    const isFirst = isReady?.() ?? true
    return (ms / 2) * (isFirst ? rng.next() : 1 + rng.next())
  }

  #bidder(): Bidder {
    const { clock, rng, store, candidateId: id, info, times } = this.#options
    const candidate: Candidate = { id, host: hostname(), pid: process.pid, info }
    return new Bidder({ clock, rng, store, candidate, times })
  }

  #trouble(operation: string, error: unknown, failures: number): number {
    if (isDroverError(error, "DROVER_ASSERTION")) throw error
    const retryInMs = retryDelayMs(failures, TROUBLE, this.#options.rng)
    this.#tell(operation, error, failures, retryInMs)
    return retryInMs
  }

  #tell(operation: string, error: unknown, failures: number, retryInMs: number): void {
    const service = `${this.name}: ${operation}`
    this.#options.events.emit("service.round_failed", { service, error, failures, retryInMs })
  }
}

function stopReason(signal: AbortSignal): DroverError {
  return isDroverError(signal.reason) ? signal.reason : new Shutdown("the client is stopping")
}
