import { DroverError, TermEnded } from "../errors/index.ts"
import type { Events } from "../events/index.ts"
import { aborted, answered } from "../leadership/index.ts"
import type { Term } from "../leadership/index.ts"
import { retry } from "../retry/index.ts"
import type { Clock, Rng } from "../time/index.ts"

/** What a user's service is handed when this client begins to lead. */
export interface SingletonStart {
  /** Store it with every write, and refuse a write with a lower one: the fence for what is outside of Drover's store. */
  readonly term: number
  /** Random; tells a term from another with the same number, as after a restored backup. */
  readonly token: number
  /** Aborts with `TermEnded` or `Shutdown` when the service must end. */
  readonly signal: AbortSignal
}

/** A service of a user that runs on one client at a time. */
export interface SingletonService {
  /** Resolves when it runs. It is called anew for each term, and after it failed. */
  start(start: SingletonStart): void | Promise<void>
  /** Resolves when nothing of it runs any more. Called once for each start that succeeded, however late. */
  stop?(reason: DroverError): void | Promise<void>
}

/** What running users' services needs. */
export interface SingletonsOptions {
  readonly clock: Clock
  readonly rng: Rng
  readonly events: Events
  readonly startTimeoutMs: number
}

const RETRY = { base: 1_000, factor: 2, cap: 60_000, jitter: "equal", maxAttempts: false } as const

/**
 * The users' services under this client's terms. Each runs by itself: one that cannot start is tried again with a
 * growing wait for as long as the term lasts, and keeps neither the others nor the maintenance from running.
 */
export class Singletons {
  readonly #options: SingletonsOptions
  readonly #all: Map<string, Singleton> = new Map()
  #term: Term | undefined

  constructor(options: SingletonsOptions) {
    this.#options = options
  }

  /** @returns ends it; resolves when it has stopped. @throws DroverError `DROVER_CONFIG` for a name that is taken. */
  add(name: string, service: SingletonService): () => Promise<void> {
    if (this.#all.has(name)) {
      throw new DroverError("DROVER_CONFIG", `onlyOnLeader: "${name}" is registered already`)
    }
    const singleton = new Singleton(name, service, this.#options)
    this.#all.set(name, singleton)
    if (this.#term !== undefined) singleton.begin(this.#term)
    return async () => {
      if (this.#all.get(name) === singleton) this.#all.delete(name)
      await singleton.remove()
    }
  }

  /** This client leads. */
  begin(term: Term): void {
    this.#term = term
    for (const singleton of this.#all.values()) singleton.begin(term)
  }

  /** Resolves when nothing of terms that have ended runs any more. */
  async gone(): Promise<void> {
    await Promise.all(Array.from(this.#all.values(), (singleton) => singleton.gone))
  }
}

class Singleton {
  readonly #name: string
  readonly #service: SingletonService
  readonly #options: SingletonsOptions
  readonly #removed: AbortController = new AbortController()
  /** Resolves when all periods so far have ended. Never rejects. */
  #gone: Promise<void> = Promise.resolve()

  constructor(name: string, service: SingletonService, options: SingletonsOptions) {
    this.#name = name
    this.#service = service
    this.#options = options
  }

  get gone(): Promise<void> {
    return this.#gone
  }

  begin(term: Term): void {
    // Never two periods at once, however slowly the old one ends.
    const before = this.#gone
    this.#gone = this.#live(term, before)
  }

  async remove(): Promise<void> {
    this.#removed.abort(new DroverError("DROVER_CLOSED", `${this.#name} was removed`))
    await this.#gone
  }

  async #live(term: Term, before: Promise<void>): Promise<void> {
    await before
    const signal = AbortSignal.any([term.signal, this.#removed.signal])
    if (signal.aborted) return
    const start = new Start(() => {
      // After a stall, what is due comes in any order: this may come before the term's own end.
      if (!term.trusted) throw new TermEnded(`Term ${term.ref.term} is over`)
      return this.#service.start({ ...term.ref, signal })
    })
    try {
      await this.#start(term, signal, start)
      this.#options.events.emit("singleton.started", { name: this.#name, term: term.ref.term })
    } catch {
      // The term ended before it ran.
    }
    await aborted(signal)
    // A start that comes back late is stopped all the same.
    if (await start.settled()) await this.#stop(term, signal.reason as DroverError)
  }

  #start(term: Term, signal: AbortSignal, start: Start): Promise<void> {
    const { clock, rng, events, startTimeoutMs: ms } = this.#options
    const what = `the start of ${this.#name}`
    return retry(({ signal: own }) => answered(clock, start.ensure(), { ms, what, signal: own }), {
      ...{ clock, rng, signal, ...RETRY },
      onRetry: ({ attempt, outcome, delayMs: retryInMs }) => {
        if (outcome.ok) return
        const { error } = outcome
        const identity = { name: this.#name, term: term.ref.term }
        events.emit("singleton.start_failed", { ...identity, attempt, error, retryInMs })
      },
    })
  }

  async #stop(term: Term, reason: DroverError): Promise<void> {
    const told = { name: this.#name, term: term.ref.term, reason }
    try {
      await this.#service.stop?.(reason)
      this.#options.events.emit("singleton.stopped", told)
    } catch (error) {
      this.#options.events.emit("singleton.stopped", { ...told, error })
    }
  }
}

/** The start of one period: called again only after the last call has ended, however long that takes. */
class Start {
  readonly #call: () => void | Promise<void>
  #pending: Promise<void> | undefined
  #succeeded = false

  constructor(call: () => void | Promise<void>) {
    this.#call = call
  }

  ensure(): Promise<void> {
    if (this.#succeeded) return Promise.resolve()
    this.#pending ??= this.#run().finally(() => {
      this.#pending = undefined
    })
    return this.#pending
  }

  /** Whether it succeeded, once nothing is under way. */
  async settled(): Promise<boolean> {
    await this.#pending?.catch(() => {})
    return this.#succeeded
  }

  async #run(): Promise<void> {
    await this.#call()
    this.#succeeded = true
  }
}
