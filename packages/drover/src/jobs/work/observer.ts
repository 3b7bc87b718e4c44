import type { PeekReply, PeekRequest, Store, WorkerRef } from "../../store/index.ts"
import { TokenBucket } from "../../time/index.ts"
import type { Clock, Rng, Timer } from "../../time/index.ts"
import type { StoreHealth } from "./storeHealth.ts"
import { runUnowned } from "./strayErrors.ts"
import type { WorkerQueue } from "./workerQueue.ts"

/** What the observer of a worker needs. */
export interface ObserverOptions {
  readonly clock: Clock
  readonly rng: Rng
  readonly store: Pick<Store, "peek" | "watch">
  readonly health: StoreHealth
  readonly queues: readonly WorkerQueue[]
  /** Pause between two looks when nothing hints at a change, give or take a quarter. */
  readonly pollMs: number
  worker(): WorkerRef
  /** What was seen, with the worker's row that was asked for. */
  onSeen(reply: PeekReply, worker: WorkerRef): void
  /** A job is due now, or whose turn it is changed. */
  onDue(): void
  /**
   * Another process changed something, and on this store that is worth a claim without a look.
   * @returns whether all queues were served by that; a look is due at once for the others.
   */
  onHint?(): boolean
  /** An invariant broke. */
  fail(error: unknown): void
}

// Hints come in bursts; two looks closer together than this see the same.
const LEAST_GAP_MS = 10
// How many hints lead to a claim of their own before there is a pause between them.
const HINT_BURST = 5
// Beyond this the next poll arms the timer again.
const FAR_MS = 3_600_000

/**
 * Looks at what waits for the worker, and never writes: after a hint that another process changed something, when a
 * claim came back short, and at a slow, jittered pace in case that every hint was lost. The next due time that it
 * sees arms a timer, so a job due in the future wakes the claimer at that instant.
 */
export class Observer {
  readonly #options: ObserverOptions
  #pollTimer: Timer | undefined
  #dueTimer: Timer | undefined
  #lookTimer: Timer | undefined
  #hintTimer: Timer | undefined
  readonly #hints: TokenBucket = new TokenBucket({ burst: HINT_BURST, everyMs: LEAST_GAP_MS })
  #unwatch: (() => void) | undefined
  #looking = false
  #again = false
  #failing = false
  #lastMono = Number.NEGATIVE_INFINITY
  #stopped = false

  constructor(options: ObserverOptions) {
    this.#options = options
  }

  start(): void {
    this.#unwatch = this.#options.store.watch((what) => {
      if (what !== "ends") this.#hinted()
    })
    this.#pollLater(this.#pauseMs())
    this.look()
  }

  stop(): void {
    this.#stopped = true
    this.#unwatch?.()
    this.#pollTimer?.cancel()
    this.#dueTimer?.cancel()
    this.#lookTimer?.cancel()
    this.#hintTimer?.cancel()
  }

  /** Something may have changed. Cheap, at any time, any number of times. */
  look(): void {
    if (this.#stopped || this.#lookTimer !== undefined || this.#failing) return
    if (this.#looking) {
      this.#again = true
      return
    }
    const waitMs = this.#lastMono + LEAST_GAP_MS - this.#options.clock.monotonic()
    if (waitMs <= 0) this.#lookNow()
    else this.#lookIn(waitMs)
  }

  /** Calls `onDue` in `ms`, or earlier if that is armed already. */
  dueIn(ms: number): void {
    this.#dueTimer?.cancel()
    this.#dueTimer = undefined
    if (this.#stopped || ms > FAR_MS) return
    this.#dueTimer = this.#options.clock.setTimer(Math.max(0, ms), () => {
      this.#dueTimer = undefined
      this.#options.onDue()
    })
  }

  /** A hint leads to a claim at once, unless there were many just before; the look, for all else that may have changed, comes after it. */
  #hinted(): void {
    const { clock, onHint } = this.#options
    if (onHint === undefined) {
      this.look()
      return
    }
    if (this.#stopped || this.#hintTimer !== undefined || this.#failing) return
    const nowMono = clock.monotonic()
    const waitMs = this.#hints.dueMono - nowMono
    if (waitMs > 0) {
      this.#hintTimer = clock.setTimer(waitMs, () => {
        this.#hintTimer = undefined
        this.#hinted()
      })
      return
    }
    this.#hints.take(nowMono)
    if (!onHint()) this.look()
    else if (this.#looking) this.#again = true
    else if (this.#lookTimer === undefined) this.#lookIn(LEAST_GAP_MS)
  }

  #lookIn(ms: number): void {
    this.#lookTimer = this.#options.clock.setTimer(ms, () => {
      this.#lookTimer = undefined
      this.#lookNow()
    })
  }

  // Whoever hinted may have run for some attempt; what is found is everybody's.
  #lookNow(): void {
    runUnowned(() => this.#look()).catch((error: unknown) => this.#options.fail(error))
  }

  async #look(): Promise<void> {
    const { clock, store, health, onSeen } = this.#options
    this.#looking = true
    this.#again = false
    this.#lastMono = clock.monotonic()
    const worker = this.#options.worker()
    let pauseMs = this.#pauseMs()
    let reply: PeekReply | undefined
    try {
      reply = await store.peek(this.#request(worker))
      health.answered("peek")
    } catch (error) {
      pauseMs = health.failed("peek", error)
    }
    // Hints must not hammer a database that is down.
    this.#failing = reply === undefined
    this.#looking = false
    if (this.#stopped) return
    this.#pollLater(pauseMs)
    if (reply !== undefined) onSeen(reply, worker)
    if (this.#again) this.look()
  }

  #request(worker: WorkerRef): PeekRequest {
    // What waits in a queue without slots is no work for this worker.
    const open = this.#options.queues.filter(({ pool }) => pool.limit > 0)
    return { worker, queues: open.map(({ name, kinds }) => ({ queue: name, kinds })) }
  }

  #pauseMs(): number {
    const { pollMs, rng } = this.#options
    return pollMs * (0.75 + 0.5 * rng.next())
  }

  #pollLater(pauseMs: number): void {
    this.#pollTimer?.cancel()
    this.#pollTimer = this.#options.clock.setTimer(pauseMs, () => {
      this.#failing = false
      this.look()
    })
  }
}
