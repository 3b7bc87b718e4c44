import { Shutdown } from "../../errors/index.ts"
import { TrustWindow } from "../../lease/index.ts"
import type { Lease } from "../../lease/index.ts"
import type { BeatThread, NewWorker, Store, WorkerRef } from "../../store/index.ts"
import { randomToken, UuidMaker } from "../../time/index.ts"
import type { Clock, Rng, Timer } from "../../time/index.ts"
import type { StoreHealth } from "./storeHealth.ts"

/** What the keeper of a worker's lease needs. */
export interface LeaseKeeperOptions {
  readonly clock: Clock
  readonly rng: Rng
  readonly store: Store
  readonly health: StoreHealth
  readonly lease: Lease
  /** The beat thread stops beating when the event loop has not turned for this long. */
  readonly stallLimitMs: number
  readonly host: string
  readonly pid: number
  /** JSON text for operators. */
  readonly info: string
  /** Trust ended: nothing that was claimed under the lease may be acted on any more. Called once for each lease. */
  onLost(sinceMs: number): void
}

/**
 * Keeps the worker's row in the store alive, and knows until when the worker may trust that it does: beats by the
 * store's own thread where it has one (a handler that blocks the event loop then does not cost the lease), else
 * by a timer. Trust ends when a beat is answered with "lost", or when none was answered in time.
 */
export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions
  readonly #ids: UuidMaker
  #trust: TrustWindow
  #worker: WorkerRef | undefined
  #thread: BeatThread | undefined
  #beatTimer: Timer | undefined
  #trustTimer: Timer | undefined
  #grantedMono = 0
  #held = false
  // Which lease a late answer belongs to.
  #term = 0

  constructor(options: LeaseKeeperOptions) {
    this.#options = options
    this.#ids = new UuidMaker(options.clock, options.rng)
    this.#trust = new TrustWindow(options.lease)
  }

  /** The row of the current lease, or of the last one. `undefined` before the first registration. */
  get worker(): WorkerRef | undefined {
    return this.#worker
  }

  /** Whether the worker may act on what it holds, by its own monotonic clock. */
  get trusted(): boolean {
    return this.#held && this.#trust.isTrusted(this.#options.clock.monotonic())
  }

  /** Registers a new row with a new id and starts to beat. @throws what the store throws; then nothing beats. */
  async register(): Promise<WorkerRef> {
    const { clock, rng, store, lease, host, pid, info, health } = this.#options
    const row: NewWorker = {
      workerId: this.#ids.next(),
      token: randomToken(rng),
      leaseMs: lease.ttlMs,
      host,
      pid,
      info,
    }
    const term = ++this.#term
    const sentMono = clock.monotonic()
    const worker = await store.registerWorker(row)
    health.answered("register")
    this.#trust = new TrustWindow(lease)
    try {
      await this.#beatFrom(worker, term)
      if (term !== this.#term) throw new Shutdown("the worker stopped while it registered")
    } catch (error) {
      // A row that nobody beats must not stay; if it cannot go now, its lease ends by itself.
      await store.retireWorker(worker).catch(() => {})
      throw error
    }
    // Only now: nothing may be claimed under a row that is not beaten.
    this.#worker = worker
    this.#held = true
    this.#granted(sentMono)
    return worker
  }

  /** Tells the beat thread that the event loop turns. */
  touch(): void {
    this.#thread?.touch()
  }

  /**
   * Beats at once. After the store's clock has leapt, as when a machine wakes up, every lease looks ended, and a worker
   * whose lease has ended is given no jobs: waiting for the next beat would be up to ten seconds of nothing.
   */
  renew(): void {
    if (!this.#held || this.#worker === undefined) return
    this.#beatTimer?.cancel()
    void this.#beat(this.#worker, this.#term)
  }

  /** Ends trust at once: the store does not know the row any more. */
  lost(): void {
    if (!this.#held) return
    const nowMono = this.#options.clock.monotonic()
    this.#held = false
    this.#trust.revoked(nowMono)
    this.#trustTimer?.cancel()
    this.#options.onLost(nowMono - this.#grantedMono)
  }

  /** Stops beating. The row stays until it is retired or its lease ends. */
  async stop(): Promise<void> {
    this.#term++
    this.#held = false
    this.#beatTimer?.cancel()
    this.#trustTimer?.cancel()
    const thread = this.#thread
    this.#thread = undefined
    await thread?.stop()
  }

  async #beatFrom(worker: WorkerRef, term: number): Promise<void> {
    const { store, lease, stallLimitMs, health } = this.#options
    const current = (): boolean => term === this.#term
    if (store.beatThread === undefined) {
      if (current()) this.#beatLater(worker, term, lease.beatMs)
      return
    }
    const thread = await store.beatThread({
      worker,
      leaseMs: lease.ttlMs,
      everyMs: lease.beatMs,
      stallMs: stallLimitMs,
      onBeat: (sentMono) => {
        if (!current()) return
        health.answered("beat")
        this.#granted(sentMono)
      },
      onLost: () => {
        if (current()) this.lost()
      },
      onError: (error) => {
        if (current()) health.failed("beat", error)
      },
    })
    if (current()) this.#thread = thread
    else await thread.stop()
  }

  #beatLater(worker: WorkerRef, term: number, delayMs: number): void {
    // A renewal and a beat that was under way must not become two series.
    this.#beatTimer?.cancel()
    this.#beatTimer = this.#options.clock.setTimer(delayMs, () => void this.#beat(worker, term))
  }

  async #beat(worker: WorkerRef, term: number): Promise<void> {
    const { clock, rng, store, lease, health } = this.#options
    const sentMono = clock.monotonic()
    let nextMs: number
    try {
      const state = await store.beat(worker, lease.ttlMs)
      if (term !== this.#term) return
      health.answered("beat")
      if (state === "lost") {
        this.lost()
        return
      }
      this.#granted(sentMono)
      // A little early, never late, and not in step with the others that started together.
      nextMs = lease.beatMs * (1 - 0.1 * rng.next())
    } catch (error) {
      if (term !== this.#term) return
      nextMs = health.failed("beat", error)
    }
    if (this.#thread === undefined) this.#beatLater(worker, term, nextMs)
  }

  #granted(sentMono: number): void {
    this.#grantedMono = Math.max(this.#grantedMono, sentMono)
    this.#trust.granted(sentMono)
    this.#trustTimer?.cancel()
    const leftMs = this.#trust.leftMs(this.#options.clock.monotonic())
    this.#trustTimer = this.#options.clock.setTimer(leftMs, () => this.#onTrustEnd(2), {
      ref: false,
    })
  }

  // After a long stall the answers of the beat thread are queued behind this very timer: let them in first.
  #onTrustEnd(turns: number): void {
    if (!this.#held || this.trusted) return
    if (turns > 0) this.#options.clock.defer(() => this.#onTrustEnd(turns - 1))
    else this.lost()
  }
}
