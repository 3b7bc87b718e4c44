import { DroverError } from "../errors/index.ts"
import type { Events } from "../events/index.ts"
import { aborted, answered } from "../leadership/index.ts"
import type { Term } from "../leadership/index.ts"
import { retry } from "../retry/index.ts"
import type { Startable } from "../service/index.ts"
import { serviceGroup } from "../service/index.ts"
import type { TermRef } from "../store/index.ts"
import type { Clock, Rng } from "../time/index.ts"

/** What a hook that runs before the maintenance of a term is handed. */
export interface MaintenanceStart {
  readonly term: TermRef
  /** Aborts when the term ends or the attempt has taken too long. */
  readonly signal: AbortSignal
}

/** What one term of maintenance is made of. */
export interface TermMaintenanceOptions {
  readonly term: Term
  readonly clock: Clock
  readonly rng: Rng
  readonly events: Events
  /** Makes the services anew for one attempt. */
  makeServices(): readonly Startable[]
  /** The user's, before the services start. It may fail or hang. */
  readonly onMaintenanceStart: ((start: MaintenanceStart) => unknown) | undefined
  /** Longest time for an attempt in all, and within it for the hook. */
  readonly startTimeoutMs: number
  /** Resolves when nothing of the terms before runs any more. */
  readonly predecessors: Promise<void>
  /** All services run. */
  onStarted(): void
  /** They cannot run here: the term is to be given back. */
  onGivenUp(cause: unknown): void
}

/** Services that run. In an object, because a promise that is returned would be waited for. */
interface Running {
  /** Resolves with the error when one of them fails, and with why the term ended if that comes first. */
  readonly failed: Promise<unknown>
}

const ATTEMPTS = 3
const FIRST_DELAY_MS = 1_000
// Maintenance that fails sooner than this after its start did not really start.
const STABLE_MS = 60_000

/**
 * The maintenance of one term, from its first start to the end of the last service. All state of the term is in
 * here, and everything hangs on the term's own signal: a start that returns late finds it aborted and touches nothing,
 * whatever leads by then.
 */
export class TermMaintenance {
  /** Resolves when the term has ended and nothing of its services runs any more. Never rejects. */
  readonly gone: Promise<void>
  readonly #options: TermMaintenanceOptions
  /** The services of each attempt until they have stopped; at most one attempt runs any. */
  #services: Promise<void> = Promise.resolve()

  constructor(options: TermMaintenanceOptions) {
    this.#options = options
    this.gone = this.#live()
  }

  async #live(): Promise<void> {
    const { term, events, onGivenUp } = this.#options
    try {
      await this.#keepRunning()
    } catch (error) {
      if (term.end === undefined) onGivenUp(error)
    }
    await aborted(term.signal)
    await this.#services
    const reason = term.signal.reason as DroverError
    events.emit("maintenance.stopped", { term: term.ref.term, reason })
  }

  /** @throws when the services cannot run here; what the term's signal aborted with. */
  async #keepRunning(): Promise<void> {
    const { clock, term, onStarted } = this.#options
    for (;;) {
      const { failed } = await this.#start()
      term.signal.throwIfAborted()
      onStarted()
      const startedMono = clock.monotonic()
      const error = await failed
      if (term.signal.aborted) return
      if (clock.monotonic() - startedMono < STABLE_MS) throw error
    }
  }

  /** Up to three attempts. */
  async #start(): Promise<Running> {
    const { term, clock, rng, startTimeoutMs } = this.#options
    let attempts = 0
    try {
      return await retry(
        ({ attempt, signal }) => {
          attempts = attempt
          return this.#attempt(attempt, signal)
        },
        {
          ...{ clock, rng, signal: term.signal, timeout: startTimeoutMs },
          ...{ maxAttempts: ATTEMPTS, base: FIRST_DELAY_MS, factor: 2, cap: 4_000, jitter: 0.1 },
          onRetry: ({ attempt, outcome, delayMs }) => {
            if (!outcome.ok) this.#tellFailed(attempt, outcome.error, delayMs)
          },
        },
      )
    } catch (error) {
      if (term.end === undefined) this.#tellFailed(attempts, causeOf(error), false)
      throw error
    }
  }

  async #attempt(attempt: number, signal: AbortSignal): Promise<Running> {
    const { clock, events, term, startTimeoutMs, onMaintenanceStart, predecessors } = this.#options
    // At most one maintainer in a process: whatever ran before, of older terms or of the attempt before, is gone first.
    await answered(clock, Promise.all([predecessors, this.#services]), {
      ...{ ms: startTimeoutMs, what: "the end of earlier maintenance", signal },
    })
    if (onMaintenanceStart !== undefined) {
      const call = (async () => onMaintenanceStart({ term: term.ref, signal }))()
      await answered(clock, call, { ms: startTimeoutMs, what: "onMaintenanceStart", signal })
    }
    signal.throwIfAborted()
    const running = await this.#startServices(signal)
    events.emit("maintenance.started", { term: term.ref.term, attempt })
    return running
  }

  async #startServices(signal: AbortSignal): Promise<Running> {
    const { term, events, makeServices } = this.#options
    const group = serviceGroup({ name: "maintenance", events, services: makeServices() })
    const failed = Promise.withResolvers<unknown>()
    const gone = Promise.withResolvers<void>()
    this.#services = gone.promise
    const stop = (reason?: DroverError): void =>
      void group.stop(reason).then(gone.resolve, () => gone.resolve())
    group.onFailed((error) => {
      failed.resolve(error)
      stop()
    })
    // The term's end stops them whenever it comes, and says why; the attempt's end only while they start.
    const onTermOver = (): void => {
      stop(term.signal.reason as DroverError)
      failed.resolve(term.signal.reason)
    }
    term.signal.addEventListener("abort", onTermOver, { once: true })
    // A term may last for months, and see many services come and go.
    void gone.promise.then(() => term.signal.removeEventListener("abort", onTermOver))
    const onAttemptOver = (): void => stop(signal.reason as DroverError)
    signal.addEventListener("abort", onAttemptOver, { once: true })
    try {
      const started = group.start()
      if (term.signal.aborted) onTermOver()
      await started
      return { failed: failed.promise }
    } catch (error) {
      // It has stopped what had started.
      gone.resolve()
      throw error
    } finally {
      signal.removeEventListener("abort", onAttemptOver)
    }
  }

  #tellFailed(attempt: number, error: unknown, retryInMs: number | false): void {
    const { events, term } = this.#options
    events.emit("maintenance.start_failed", { term: term.ref.term, attempt, error, retryInMs })
  }
}

function causeOf(error: unknown): unknown {
  return error instanceof DroverError && error.cause !== undefined ? error.cause : error
}
