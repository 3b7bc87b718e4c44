import type { ManualClock } from "../time/index.ts"
import type { Held, PoolUnderTest } from "./invariants.fixture.ts"

/** How the jobs of a test end, or how their fetch does. */
export type Path = "success" | "throw" | "timeout" | "empty" | "fetch error" | "shutdown"

interface Running {
  readonly slot: Held
  readonly path: Path
  stuck: boolean
}

/**
 * A claimer over a pool, as a worker has one: a wake-up reserves, fetches as many jobs as were reserved, runs
 * them, gives back the rest. It keeps the books that the invariants compare with the pool's.
 */
export class Producer {
  readonly #pool: PoolUnderTest
  #running: Running[] = []
  #watcher: (executing: number) => void = () => {}
  #broken: unknown
  // Whether the last fetch left work behind, as far as it knows: only then is a free slot worth a fetch.
  #hungry = true
  path: Path = "success"
  whileFetching: () => void = () => {}
  queued = 0
  started = 0
  ended = 0
  fetches = 0
  /** Jobs asked for by fetches that are on their way. */
  asked = 0

  constructor(pool: PoolUnderTest) {
    this.#pool = pool
    pool.onFree(() => {
      if (this.#hungry) this.wake()
    })
  }

  get executing(): number {
    return this.#running.length
  }

  /** Calls back whenever what executes has changed. */
  watch(watcher: (executing: number) => void): void {
    this.#watcher = watcher
  }

  submit(jobs: number): void {
    this.queued += jobs
    this.#hungry = true
  }

  /** One wake-up. */
  wake(): void {
    this.#dispatch().catch((error: unknown) => {
      this.#broken ??= error
    })
  }

  /** Lets `jobs` of the running jobs end, the oldest first. */
  finish(jobs: number): void {
    this.#rethrow()
    for (const job of this.#running.splice(0, jobs)) {
      this.ended++
      this.#end(job)
      this.#watcher(this.executing)
    }
    this.#rethrow()
  }

  /** The oldest running job times out and does not end. */
  stall(): void {
    const job = this.#running[0]!
    job.stuck = true
    job.slot.markStuck()
  }

  /** Lets everything run to its end, without time. */
  async drain(clock: ManualClock): Promise<void> {
    for (let i = 0; i < 1_000 && (this.queued > 0 || this.executing > 0); i++) {
      this.wake()
      await clock.settle()
      this.finish(this.executing)
      await clock.settle()
    }
    this.#rethrow()
    if (this.queued > 0 || this.executing > 0) throw new Error("broken: it never drained")
  }

  /** Drops the jobs that a failed fetch left in the queue. */
  forget(): void {
    this.#rethrow()
    this.queued = 0
  }

  async #dispatch(): Promise<void> {
    const batch = await this.#pool.reserveUpTo(100)
    if (batch.weight === 0) return
    this.fetches++
    this.asked += batch.weight
    // The store's time to answer.
    await Promise.resolve()
    this.whileFetching()
    await Promise.resolve()
    this.asked -= batch.weight
    if (this.path === "fetch error" || this.path === "shutdown") {
      this.#hungry = false
      batch.giveBack()
      return
    }
    const found = Math.min(this.queued, batch.weight)
    // Before anything is given back: a claimer that found less than it had room for has nothing to look for.
    this.#hungry = found === batch.weight
    this.queued -= found
    for (let i = 0; i < found; i++) this.#start(batch.take())
    batch.giveBack()
  }

  #start(slot: Held): void {
    this.started++
    this.#running.push({ slot, path: this.path, stuck: false })
    this.#watcher(this.executing)
  }

  #end({ slot, path }: Running): void {
    try {
      if (path === "throw") throw new Error("handler")
      // The timeout's own clean-up comes first, then the one that every job gets.
      if (path === "timeout") slot.release()
    } catch {
      // The handler said no; its slot is released like any other.
    } finally {
      slot.release()
    }
  }

  #rethrow(): void {
    if (this.#broken !== undefined) throw this.#broken as Error
  }
}
