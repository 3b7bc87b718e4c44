import { DroverError, Shutdown } from "../errors/index.ts"
import type { Events } from "../events/index.ts"

/** Where a service is. `starting` and `stopping` are passed through; nothing runs in `stopped`. */
export type ServiceState = "stopped" | "starting" | "running" | "stopping"

/** What can be started and stopped. */
export interface Startable {
  readonly name: string
  /** Resolves when it runs; see `Service.start`. */
  start(): Promise<void>
  /** Resolves when nothing of it runs any more; see `Service.stop`. */
  stop(reason?: DroverError): Promise<void>
  /** Calls back when it stopped by itself because a part of it failed. Returns the end of the subscription. */
  onFailed(listener: (error: unknown) => void): () => void
}

/** What the body of a service is given at each start, and what ends with the matching stop. */
export interface ServiceScope {
  /** Aborts when the stop begins; its `reason` is the stop's reason, never a generic abort. */
  readonly signal: AbortSignal
  /**
   * Registers how to give back what was just acquired. Called after the signal aborted and all tasks ended,
   * the last acquired first, also when the start fails half-way. Every one is called, also when others throw.
   */
  defer(cleanup: (reason: DroverError) => void | Promise<void>): void
  /**
   * Runs a task beside the body for as long as the service runs; the stop waits for it. A task that fails
   * before the stop began stops the service: `service.failed`, `Startable.onFailed`.
   */
  spawn(task: (signal: AbortSignal) => Promise<void>): void
  /** Stops the service because a part of it failed. */
  fail(error: unknown): void
}

/** What a service is made of. */
export interface ServiceOptions {
  /** What events call it. */
  readonly name: string
  readonly events: Events
  /** Acquires and starts everything; the service runs when it returns. */
  readonly start: (scope: ServiceScope) => void | Promise<void>
  /** Called when nothing of a period runs any more and whoever waits for its stop is being told; must not throw. */
  readonly onStopped?: () => void
}

// What is remembered has a bound; a failure beyond it is told each time.
const MOST_TOLD = 100

// One period from a start to the matching stop.
interface Run {
  readonly abort: AbortController
  readonly cleanups: ((reason: DroverError) => void | Promise<void>)[]
  readonly tasks: Set<Promise<void>>
  /** Resolves when the service runs; rejects when it could not start or was stopped before. */
  readonly started: PromiseWithResolvers<void>
  /** Resolves when nothing runs any more; rejects with what a cleanup threw. */
  readonly ended: PromiseWithResolvers<void>
  /** What made it stop by itself. */
  failure?: { readonly error: unknown }
  /** Messages of failures that were reported: one that repeats itself until the stop is over is told once. */
  readonly told: Set<string>
}

/**
 * The start and stop contract, written once for everything that runs:
 * - `start` and `stop` may be called any number of times, concurrently, in any order; the last call decides.
 * - `stop` waits for everything: the body, the tasks, the cleanups. A stop during the start aborts the start.
 * - A start that fails leaves nothing running, and may be tried again. So does a stop.
 * - A start during a stop waits for it and then starts anew; every period has its own scope, so nothing of an
 *   old period can reach into a new one.
 * - What runs sees why it is stopped, as `signal.reason`.
 *
 * A task must not wait for its own service's `stop`, which waits for the task; it throws or calls `scope.fail`.
 */
export class Service implements Startable, AsyncDisposable {
  readonly name: string
  readonly #events: Events
  readonly #body: (scope: ServiceScope) => void | Promise<void>
  readonly #onStopped: (() => void) | undefined
  readonly #failedListeners: Set<(error: unknown) => void> = new Set()
  #state: ServiceState = "stopped"
  #run: Run | undefined
  // A start that waits for the current stop; a later stop takes it back.
  #restart: PromiseWithResolvers<void> | undefined

  constructor(options: ServiceOptions) {
    this.name = options.name
    this.#events = options.events
    this.#body = options.start
    this.#onStopped = options.onStopped
  }

  get state(): ServiceState {
    return this.#state
  }

  /** Why the current period is being stopped, or `undefined`. */
  get stopReason(): DroverError | undefined {
    return this.#run?.abort.signal.reason as DroverError | undefined
  }

  onFailed(listener: (error: unknown) => void): () => void {
    const own = (error: unknown): void => listener(error)
    this.#failedListeners.add(own)
    return () => this.#failedListeners.delete(own)
  }

  /**
   * Starts, or joins the start in progress. Resolves at once when it runs already.
   * @throws what the body threw, after everything it had acquired was given back; the stop's reason, when
   * it was stopped before it ran.
   */
  start(): Promise<void> {
    if (this.#state === "stopping") {
      this.#restart ??= quietly(Promise.withResolvers<void>())
      return this.#restart.promise
    }
    this.#run ??= this.#begin()
    return this.#run.started.promise
  }

  /**
   * Stops, or joins the stop in progress. Resolves at once when nothing runs.
   * @param reason what everything that runs finds as `signal.reason`; the first stop's reason stays.
   * @default Shutdown
   * @throws what a cleanup threw (an AggregateError if several did), after all of them were called. It is
   * stopped nevertheless.
   */
  stop(reason?: DroverError): Promise<void> {
    const why = reason ?? new Shutdown(`${this.name} is stopping`)
    this.#restart?.reject(why)
    this.#restart = undefined
    const run = this.#run
    if (run === undefined) return Promise.resolve()
    this.#interrupt(run, why)
    return run.ended.promise
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  #begin(): Run {
    const run: Run = {
      abort: new AbortController(),
      cleanups: [],
      tasks: new Set(),
      told: new Set(),
      started: quietly(Promise.withResolvers<void>()),
      ended: quietly(Promise.withResolvers<void>()),
    }
    this.#state = "starting"
    void this.#live(run)
    return run
  }

  // The whole life of one period. Never rejects: its ends are the two promises of the run.
  async #live(run: Run): Promise<void> {
    const { signal } = run.abort
    try {
      // The body runs after this.#run is set, so that it may already fail or be stopped synchronously.
      await Promise.resolve()
      signal.throwIfAborted()
      await this.#body(this.#scope(run))
      signal.throwIfAborted()
      this.#state = "running"
      run.started.resolve()
      this.#events.emit("service.started", { service: this.name })
      await aborted(signal)
    } catch (error) {
      if (!isStop(error, signal)) this.#report("start", error)
      if (!signal.aborted) run.failure = { error }
      this.#interrupt(run, asReason(error, this.name))
    }
    const errors = await this.#tearDown(run)
    this.#state = "stopped"
    this.#run = undefined
    this.#events.emit("service.stopped", {
      service: this.name,
      reason: signal.reason as DroverError,
    })
    // Rejecting after it was resolved does nothing, so this only reaches those whose start did not succeed.
    run.started.reject(run.failure === undefined ? signal.reason : run.failure.error)
    if (errors.length === 0) run.ended.resolve()
    else run.ended.reject(asOne(errors, this.name))
    this.#onStopped?.()
    this.#startAgain()
  }

  #startAgain(): void {
    const restart = this.#restart
    this.#restart = undefined
    if (restart !== undefined) restart.resolve(this.start())
  }

  #scope(run: Run): ServiceScope {
    return {
      signal: run.abort.signal,
      defer: (cleanup) => {
        run.cleanups.push(cleanup)
      },
      spawn: (task) => this.#spawn(run, task),
      fail: (error) => this.#fail(run, error),
    }
  }

  #spawn(run: Run, task: (signal: AbortSignal) => Promise<void>): void {
    const promise: Promise<void> = (async () => task(run.abort.signal))()
      .catch((error: unknown) => this.#fail(run, error))
      .finally(() => run.tasks.delete(promise))
    run.tasks.add(promise)
  }

  #fail(run: Run, error: unknown): void {
    if (run.abort.signal.aborted) {
      if (!isStop(error, run.abort.signal) && isNew(run, error)) this.#report("stop", error)
      return
    }
    isNew(run, error)
    const ran = this.#state === "running"
    run.failure = { error }
    this.#report("run", error)
    this.#interrupt(run, asReason(error, this.name))
    // Before it ran, its failure is what start() rejects with.
    if (ran) for (const listener of this.#failedListeners) this.#tell(listener, error)
  }

  #tell(listener: (error: unknown) => void, error: unknown): void {
    try {
      listener(error)
    } catch (listenerError) {
      this.#report("stop", listenerError)
    }
  }

  #interrupt(run: Run, reason: DroverError): void {
    if (run.abort.signal.aborted) return
    this.#state = "stopping"
    run.abort.abort(reason)
  }

  async #tearDown(run: Run): Promise<unknown[]> {
    const errors: unknown[] = []
    const reason = run.abort.signal.reason as DroverError
    // A task may spawn another one, and so may a cleanup.
    while (run.tasks.size > 0 || run.cleanups.length > 0) {
      if (run.tasks.size > 0) {
        await Promise.all(run.tasks)
        continue
      }
      try {
        await run.cleanups.pop()?.(reason)
      } catch (error) {
        errors.push(error)
        this.#report("stop", error)
      }
    }
    return errors
  }

  #report(phase: "start" | "run" | "stop", error: unknown): void {
    this.#events.emit("service.failed", { service: this.name, phase, error })
  }
}

// A database that is gone says so to every part of a worker, again and again.
function isNew({ told }: Run, error: unknown): boolean {
  if (!(error instanceof Error)) return true
  const { size } = told
  return size >= MOST_TOLD || told.add(error.message).size > size
}

// The outcome also goes to events, and not everybody who starts or stops waits for it.
function quietly<T>(deferred: PromiseWithResolvers<T>): PromiseWithResolvers<T> {
  deferred.promise.catch(() => {})
  return deferred
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true })
  })
}

// What ends because of the stop throws the stop's reason, or the AbortError that Node makes of it.
function isStop(error: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false
  return error === signal.reason || (error instanceof Error && error.name === "AbortError")
}

function asOne(errors: readonly unknown[], name: string): unknown {
  if (errors.length === 1) return errors[0]
  return new AggregateError(errors, `${name} did not stop cleanly`)
}

// A reason is always one of ours, so that what runs can tell a stop from its own failures.
function asReason(error: unknown, name: string): DroverError {
  if (error instanceof DroverError) return error
  return new Shutdown(`${name} is stopping because a part of it failed`, { cause: error })
}
