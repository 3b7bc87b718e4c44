import { jumpThresholdMs } from "../../packages/drover/src/lease/index.ts"
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

/*
 * How early a rescue may come. Call `ahead` of a process at an instant how far its store clock is ahead of real time.
 * A beat writes lease_until = real time + ahead(holder) + lease. The rescuer waits until the lease has passed by its own
 * monotonic clock since its store clock showed the beat, so what its store clock gained later counts for nothing, and a
 * rescue is early by ahead(rescuer) - ahead(holder), both at the beat.
 *
 * The holder's transaction reads what was committed last and goes on from there by the machine's monotonic clock: its
 * store clock is not behind any that was committed. So what is left is what the rescuer's gained since its own last commit.
 * More than jumpThresholdMs at once is a jump: then it waits a full lease, and commits at once.
 *
 * Besides: steps that StoreTimeline takes for rounding, and what a commit takes.
 */
const SLACK_MS = jumpThresholdMs + 50

/**
 * Nobody is rescued before its lease has ended in real time, whatever any wall clock says, but for a difference that is no jump: only a worker
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
