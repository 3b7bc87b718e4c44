import { checkOptions, DroverError, isDroverError } from "../../errors/index.ts"
import type { Events, Unsubscribe } from "../../events/index.ts"
import { retryDelayMs, resolveRetryPolicy } from "../../retry/index.ts"
import { decodePayload, reviveError } from "../../store/index.ts"
import type { FinishedJob, Store, StoredError } from "../../store/index.ts"
import { parseDuration } from "../../time/index.ts"
import type { Clock, Duration, Rng, Timer } from "../../time/index.ts"

/** How long to wait for a result. */
export interface ResultOptions {
  /** Reject with `DROVER_RESULT_TIMEOUT` after this; the job goes on. @default until the job ends */
  readonly timeout?: Duration
  /** Ends the wait: it rejects with `signal.reason`; the job goes on. */
  readonly signal?: AbortSignal
}

/** What a waiter needs. */
export interface ResultWaiterParts {
  readonly clock: Clock
  readonly rng: Rng
  readonly events: Events
  /** The open store. */
  store(): Promise<Pick<Store, "finished" | "get" | "count" | "watch">>
}

interface Wait {
  resolve(result: unknown): void
  reject(error: Error): void
}

// Of the last error, in the message of its end.
const MAX_SHOWN = 200
// Asked in one statement; the contract of a selection allows 1000.
const CHUNK = 500
// Without any hint (another machine, a lost notification) a result is seen this late, jittered.
const POLL_MS = 1_000
// A hint that says "something changed" comes with every commit of a busy database: look at most this often.
const MIN_GAP_MS = 10
// Looking takes at most a tenth of the time: after each look, nine times as long without one.
const DUTY = 9
const MAX_FAILURES = 10
const failureBackoff = resolveRetryPolicy({ base: 100, cap: "5s" })

/**
 * Waits for the ends of jobs, wherever they run: one waiter for everything that a client awaits. Settles
 * of this process are heard at once, those of others through the store's hint, and a slow jittered poll
 * makes both of them mere hints. Idle, it does nothing.
 */
export class ResultWaiter {
  readonly #parts: ResultWaiterParts
  readonly #waits: Map<string, Set<Wait>> = new Map()
  readonly #heard: Set<string> = new Set()
  // Filled while somebody waits; a new one each time, so that a late subscription finds its owner gone.
  #ends: Unsubscribe[] | null = null
  #timer: Timer | null = null
  #timerMono = 0
  #deferred = false
  #lookAll = false
  #looking = false
  #nextLookMono = 0
  #nextPollMono = 0
  #failures = 0
  #closed = false

  constructor(parts: ResultWaiterParts) {
    this.#parts = parts
  }

  /** How many results are awaited. */
  get pending(): number {
    let count = 0
    for (const waits of this.#waits.values()) count += waits.size
    return count
  }

  /**
   * Waits until the job has ended.
   * @returns its result, `undefined` when the handler returned nothing.
   * @throws DroverError `DROVER_DISCARDED`, `DROVER_CANCELLED` or `DROVER_EXPIRED` with the job's last
   * error as cause; `DROVER_RESULT_TIMEOUT`; `DROVER_JOB_NOT_FOUND` when the job was deleted;
   * `DROVER_CLOSED`; `DROVER_CONFIG` for an option that does not exist or cannot work; or the signal's reason.
   */
  wait(id: string, options: ResultOptions = {}): Promise<unknown> {
    const signal = options?.signal
    if (signal?.aborted) return Promise.reject(signal.reason as Error)
    if (this.#closed) return Promise.reject(closedError())
    let timeoutMs: number | null
    try {
      timeoutMs = readTimeout(options)
    } catch (error) {
      return Promise.reject(error as Error)
    }
    return new Promise((resolve, reject) => {
      const end = (): void => {
        timer?.cancel()
        signal?.removeEventListener("abort", onAbort)
        this.#remove(id, wait)
      }
      const fail = (error: Error): void => {
        end()
        reject(error)
      }
      const onAbort = (): void => fail(signal?.reason as Error)
      const wait: Wait = {
        resolve: (result) => {
          end()
          resolve(result)
        },
        reject: fail,
      }
      const timer =
        timeoutMs === null
          ? null
          : this.#parts.clock.setTimer(timeoutMs, () => fail(timeoutError(id, timeoutMs)))
      signal?.addEventListener("abort", onAbort, { once: true })
      this.#add(id, wait)
    })
  }

  /** Something of this process changed this job: it may have ended. Cheap for jobs that nobody awaits. */
  changed(id: string): void {
    if (this.#waits.has(id)) this.#hear(id)
  }

  /** Ends every wait with `DROVER_CLOSED`. */
  close(): void {
    this.#closed = true
    this.#rejectAll(closedError())
  }

  #add(id: string, wait: Wait): void {
    const waits = this.#waits.get(id)
    if (waits === undefined) this.#waits.set(id, new Set([wait]))
    else waits.add(wait)
    if (this.#ends === null) this.#listen()
    // The job may have ended before anybody listened.
    this.#hear(id)
  }

  #remove(id: string, wait: Wait): void {
    const waits = this.#waits.get(id)
    waits?.delete(wait)
    if (waits?.size === 0) this.#waits.delete(id)
    if (this.#waits.size === 0) this.#rest()
  }

  #listen(): void {
    const { clock } = this.#parts
    // A wait for a job that was deleted before it began should not last a whole poll.
    this.#nextPollMono = clock.monotonic() + POLL_MS / 10
    const hear = ({ jobId }: { readonly jobId: string }): void => this.changed(jobId)
    const ends = (["job.completed", "job.discarded", "job.cancelled", "job.expired"] as const).map(
      (name) => this.#parts.events.on(name, hear),
    )
    this.#ends = ends
    void this.#watch(ends)
  }

  async #watch(ends: Unsubscribe[]): Promise<void> {
    try {
      const store = await this.#parts.store()
      // The last wait may have ended while the store opened.
      if (this.#ends === ends) ends.push(store.watch(() => this.#hint()))
    } catch {
      // The look that is scheduled meets the same failure and reports it.
    }
  }

  #rest(): void {
    for (const end of this.#ends ?? []) end()
    this.#ends = null
    this.#timer?.cancel()
    this.#timer = null
    this.#heard.clear()
    this.#lookAll = false
    this.#failures = 0
  }

  // Somebody says that this very job ended: look in this turn of the event loop, together with all that follow.
  #hear(id: string): void {
    this.#heard.add(id)
    if (this.#deferred || this.#looking || this.#failures > 0) return
    this.#deferred = true
    this.#parts.clock.defer(() => {
      this.#deferred = false
      void this.#look()
    })
  }

  // Somebody says that something changed somewhere.
  #hint(): void {
    this.#lookAll = true
    if (this.#looking || this.#failures > 0) return
    this.#arm(Math.max(MIN_GAP_MS, this.#nextLookMono - this.#parts.clock.monotonic()))
  }

  // The timer stands for the earliest look that anybody needs.
  #arm(delayMs: number): void {
    const { clock } = this.#parts
    const dueMono = clock.monotonic() + delayMs
    if (this.#timer !== null && this.#timerMono <= dueMono) return
    this.#timer?.cancel()
    this.#timerMono = dueMono
    this.#timer = clock.setTimer(delayMs, () => {
      this.#timer = null
      this.#lookAll = true
      void this.#look()
    })
  }

  async #look(): Promise<void> {
    if (this.#looking || this.#waits.size === 0) return
    this.#looking = true
    const { clock, rng } = this.#parts
    const startedMono = clock.monotonic()
    // Somebody's end that was heard here is no occasion to ask for everybody's before their time.
    const all = this.#lookAll && (this.#failures > 0 || startedMono >= this.#nextLookMono)
    const poll = all && startedMono >= this.#nextPollMono
    const ids = all ? [...this.#waits.keys()] : [...this.#heard]
    this.#heard.clear()
    if (all) this.#lookAll = false
    try {
      await this.#collect(ids, poll)
      this.#failures = 0
      if (poll) this.#nextPollMono = startedMono + POLL_MS * (0.75 + rng.next() / 2)
    } catch (error) {
      this.#failures++
      this.#failed(error as Error)
    }
    const endedMono = clock.monotonic()
    if (all) this.#nextLookMono = endedMono + Math.max(MIN_GAP_MS, (endedMono - startedMono) * DUTY)
    this.#looking = false
    this.#next()
  }

  #next(): void {
    if (this.#waits.size === 0) return
    const { clock, rng } = this.#parts
    if (this.#failures > 0) {
      this.#arm(retryDelayMs(this.#failures, failureBackoff, rng))
      return
    }
    const nextMono = Math.max(this.#nextPollMono, this.#nextLookMono)
    this.#arm(Math.max(MIN_GAP_MS, nextMono - clock.monotonic()))
    for (const id of this.#heard) this.#hear(id)
    if (this.#lookAll) this.#hint()
  }

  async #collect(ids: readonly string[], poll: boolean): Promise<void> {
    const store = await this.#parts.store()
    for (let from = 0; from < ids.length; from += CHUNK) {
      const chunk = ids.slice(from, from + CHUNK)
      for (const job of await store.finished(chunk)) this.#settle(job)
      const open = chunk.filter((id) => this.#waits.has(id))
      // Deleted jobs give no hint and no row. Counting is one statement; only a wrong count looks closer.
      if (
        !poll ||
        open.length === 0 ||
        (await store.count({ ids: open }, open.length)) === open.length
      )
        continue
      for (const id of open) {
        if ((await store.get(id)) === null) this.#tell(id, (wait) => wait.reject(notFound(id)))
      }
    }
  }

  #settle(job: FinishedJob): void {
    if (job.state !== "completed") {
      const error = endError(job)
      this.#tell(job.id, (wait) => wait.reject(error))
      return
    }
    // Decoded for each caller, so that none can change what another got.
    this.#tell(job.id, (wait) => {
      try {
        wait.resolve(job.result === null ? undefined : decodePayload(job.result, "result"))
      } catch (error) {
        wait.reject(error as Error)
      }
    })
  }

  #tell(id: string, tell: (wait: Wait) => void): void {
    for (const wait of this.#waits.get(id) ?? []) tell(wait)
  }

  // A store that fails for long fails its callers too: a wait must end.
  #failed(error: Error): void {
    if (this.#failures >= MAX_FAILURES || isDroverError(error, "DROVER_CLOSED"))
      this.#rejectAll(error)
  }

  #rejectAll(error: Error): void {
    for (const waits of this.#waits.values()) for (const wait of waits) wait.reject(error)
  }
}

function readTimeout(options: ResultOptions): number | null {
  checkOptions(options, ["timeout", "signal"], "result")
  return options.timeout === undefined ? null : parseDuration(options.timeout, "result.timeout")
}

function endError(job: FinishedJob): DroverError {
  const cause = job.error === null ? {} : { cause: reviveError(job.error) }
  const details = { jobId: job.id, reason: job.reason }
  const why = job.reason === null ? "" : `: ${job.reason}`
  if (job.state === "cancelled") {
    return new DroverError("DROVER_CANCELLED", `Job ${job.id} was cancelled${why}`, {
      details,
      ...cause,
    })
  }
  if (job.reason === "expired") {
    const text = `Job ${job.id} was not started before its expiry`
    return new DroverError("DROVER_EXPIRED", text, { details, ...cause })
  }
  // Many a log shows the message alone.
  const isTold = job.error === null || why.includes(job.error.message)
  const last = isTold ? "" : `; the last time: ${shortOf(job.error)}`
  return new DroverError("DROVER_DISCARDED", `Job ${job.id} was discarded${why}${last}`, {
    details,
    ...cause,
  })
}

function shortOf({ name, message }: StoredError): string {
  const text = `${name}: ${message}`
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN).toWellFormed()}…`
}

function timeoutError(id: string, timeoutMs: number): DroverError {
  return new DroverError(
    "DROVER_RESULT_TIMEOUT",
    `Job ${id} did not end within ${timeoutMs} ms; it goes on, and its result can be awaited again`,
    { details: { jobId: id, timeoutMs } },
  )
}

function notFound(id: string): DroverError {
  return new DroverError(
    "DROVER_JOB_NOT_FOUND",
    `Job ${id} is not there; it was deleted or never enqueued`,
    {
      details: { jobId: id },
    },
  )
}

function closedError(): DroverError {
  return new DroverError("DROVER_CLOSED", "The client was closed while a result was awaited")
}
