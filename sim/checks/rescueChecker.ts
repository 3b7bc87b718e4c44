import type { NewWorker, WorkerRef } from "../../packages/drover/src/store/index.ts"
import type { Life } from "../engine/life.ts"
import type { StoreCall } from "../faults/faultStore.ts"
import type { Checker } from "./checker.ts"
import type { JobRecord, Move } from "./jobRecord.ts"
import type { Sometimes } from "./sometimes.ts"
import { promise } from "./violation.ts"

interface Holder {
  readonly workerId: string
  readonly leaseMs: number
  readonly life: Life
  renewedMs: number
}

// Differences of the processes' wall clocks that are no jump (lease/storeClock.ts), and what a commit takes.
const SLACK_MS = 1_600

/**
 * Nobody is rescued before its lease has ended in real time, whatever any wall clock says: only a worker
 * whose process is gone may be taken over sooner.
 */
export class RescueChecker implements Checker {
  readonly name = "rescue"
  readonly #sometimes: Sometimes
  readonly #nowMs: () => number
  readonly #holders: Map<number | string, Holder> = new Map()

  constructor(sometimes: Sometimes, nowMs: () => number) {
    this.#sometimes = sometimes
    this.#nowMs = nowMs
  }

  executed(call: StoreCall, reply: unknown): void {
    if (call.op === "registerWorker") {
      const [{ workerId, leaseMs }] = call.args as [NewWorker]
      const { ref } = reply as WorkerRef
      const known = this.#holders.get(ref)
      if (known === undefined) {
        this.#holders.set(ref, { workerId, leaseMs, life: call.life, renewedMs: this.#nowMs() })
      } else known.renewedMs = this.#nowMs()
    } else if (call.op === "beat" && reply === "held") {
      const [{ ref }] = call.args as [WorkerRef]
      const holder = this.#holders.get(ref)
      if (holder !== undefined) holder.renewedMs = this.#nowMs()
    }
  }

  moved(move: Move, before: JobRecord | null): void {
    if (move.from !== "running" || move.actor !== "rescue") return
    const holder = this.#holders.get(before?.worker ?? -1)
    if (holder === undefined) return
    this.#sometimes.hit("a job was rescued")
    if (holder.life.isDead) {
      this.#sometimes.hit("a job of a dead process was rescued")
      return
    }
    const leftMs = holder.renewedMs + holder.leaseMs - this.#nowMs()
    promise(
      leftMs <= SLACK_MS,
      this.name,
      () =>
        `job ${before?.id} was rescued from worker ${holder.workerId} of ${holder.life.name}, whose lease had ${leftMs.toFixed(0)} ms left`,
    )
  }
}
