import { Shutdown } from "../../errors/index.ts"
import type { Clock } from "../../time/index.ts"
import { cutShort } from "./decide.ts"
import { within } from "./within.ts"
import type { WorkerRun } from "./workerRun.ts"

// The part of the grace that is kept for handlers to end after their abort, and for handing jobs back.
const MARGIN_RATIO = 0.2
const LONGEST_MARGIN_MS = 2_000
// What handlers get after the abort in any case, also when the grace is 0: a few turns to notice and clean up.
const LEAST_END_MS = 500
// A store that does not answer must not hold up the stop for ever; what is not written is rescued by others.
const STORE_BOUND_MS = 5_000

/**
 * How a worker stops: it claims nothing any more, what runs may end; shortly before the grace is over handlers are
 * aborted with `Shutdown`; those that end then, and those that do not, are handed back as interrupted, in one batch;
 * then the worker's row goes, and with it whatever it might still hold. Cancels arrive all the while. Every wait in
 * here has a bound, so the stop ends even if handlers ignore their signal and the store is gone.
 */
export class Drain {
  readonly #run: WorkerRun
  readonly #clock: Clock
  #deadlineMono: number
  #marginMs: number
  #sooner: PromiseWithResolvers<void> = Promise.withResolvers()

  constructor(run: WorkerRun, graceMs: number) {
    this.#run = run
    this.#clock = run.clock
    this.#marginMs = marginOf(graceMs)
    this.#deadlineMono = run.clock.monotonic() + graceMs
    run.stopClaiming()
  }

  /** Ends the grace earlier. A longer grace changes nothing. */
  hurry(graceMs: number): void {
    const deadlineMono = this.#clock.monotonic() + graceMs
    if (deadlineMono >= this.#deadlineMono) return
    this.#deadlineMono = deadlineMono
    this.#marginMs = marginOf(graceMs)
    this.#sooner.resolve()
  }

  /** Resolves when nothing of the worker is left, in the store or here. */
  async run(): Promise<void> {
    const run = this.#run
    await this.#waitUntil(() => this.#deadlineMono - this.#marginMs)
    run.abortAll(
      new Shutdown("the worker is stopping; the job is handed back and runs again elsewhere"),
    )
    const endByMono = Math.max(
      this.#deadlineMono - this.#marginMs / 4,
      this.#clock.monotonic() + LEAST_END_MS,
    )
    await within(this.#clock, run.allEnded(), Math.max(0, endByMono - this.#clock.monotonic()))
    for (const attempt of run.attempts) attempt.settleNow(cutShort())
    run.children.close()
    const boundMs = Math.max(STORE_BOUND_MS, this.#deadlineMono - this.#clock.monotonic())
    await within(this.#clock, this.#leave(), boundMs)
    await run.close()
  }

  async #leave(): Promise<void> {
    const { exchanger, health, lease, store, worker } = this.#run
    await exchanger.idle()
    // Nothing is held any more. Whoever sees from here on that the row is gone sees no loss.
    await lease.stop()
    for (let attempt = 0; attempt < 5; attempt++) {
      try {
        await store.retireWorker(worker)
        return
      } catch (error) {
        await this.#clock.sleep(health.failed("retire", error))
      }
    }
  }

  async #waitUntil(untilMono: () => number): Promise<void> {
    const ended = this.#run.allEnded()
    for (;;) {
      const leftMs = untilMono() - this.#clock.monotonic()
      if (leftMs <= 0 || this.#run.running === 0) return
      this.#sooner = Promise.withResolvers()
      await within(this.#clock, Promise.race([ended, this.#sooner.promise]), leftMs)
    }
  }
}

function marginOf(graceMs: number): number {
  return Math.min(LONGEST_MARGIN_MS, graceMs * MARGIN_RATIO)
}
