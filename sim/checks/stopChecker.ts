import type { ExchangeReply, ExchangeRequest } from "../../packages/drover/src/store/index.ts"
import type { Life } from "../engine/life.ts"
import type { StoreCall } from "../faults/faultStore.ts"
import type { Checker } from "./checker.ts"
import type { JobRecord } from "./jobRecord.ts"
import type { Sometimes } from "./sometimes.ts"
import { promise } from "./violation.ts"

/** From the call of stop on a worker asks for no more jobs, and after a clean stop it holds none and waits for nothing. */
export class StopChecker implements Checker {
  readonly name = "stop"
  readonly #sometimes: Sometimes
  readonly #jobs: () => Iterable<JobRecord>
  readonly #nowMs: () => number
  readonly #stoppingSinceMs: Map<Life, number> = new Map()
  readonly #refs: Map<number | string, Life> = new Map()

  constructor(sometimes: Sometimes, jobs: () => Iterable<JobRecord>, nowMs: () => number) {
    this.#sometimes = sometimes
    this.#jobs = jobs
    this.#nowMs = nowMs
  }

  /** A graceful stop was asked for. */
  stopping(life: Life): void {
    this.#stoppingSinceMs.set(life, this.#nowMs())
  }

  /** The stop returned, and no fault was in its way. */
  stopped(life: Life): void {
    for (const job of this.#jobs()) {
      promise(
        job.worker === null || this.#refs.get(job.worker) !== life,
        this.name,
        () => `job ${job.id} is still running in ${life.name}, which stopped cleanly`,
      )
    }
    promise(
      life.pendingTimers === 0,
      this.name,
      () => `${life.name} stopped and left ${life.pendingTimers} timers behind`,
    )
    this.#sometimes.hit("a worker stopped cleanly")
  }

  executed(call: StoreCall, reply: unknown): void {
    if (call.op === "registerWorker") {
      this.#refs.set((reply as { readonly ref: number | string }).ref, call.life)
      return
    }
    if (call.op !== "exchange") return
    const sinceMs = this.#stoppingSinceMs.get(call.life)
    if (sinceMs === undefined) return
    const { claimed } = reply as ExchangeReply
    if (call.sentAtMs <= sinceMs) {
      if (claimed.length > 0) this.#sometimes.hit("a stop came during a claim")
      return
    }
    // A repeat that asks for nothing new still learns what a lost claim brought, to hand it back.
    const [{ claims }] = call.args as [ExchangeRequest]
    promise(
      claimed.length === 0 || claims.length === 0,
      this.name,
      () =>
        `${call.life.name} claimed ${claimed.length} jobs ${(call.sentAtMs - sinceMs).toFixed(1)} ms after its stop began`,
    )
  }
}
