import type { Store } from "../../packages/drover/src/store/index.ts"
import type { StoreCall } from "../faults/faultStore.ts"
import type { Checker } from "./checker.ts"
import type { JobRecord, Move } from "./jobRecord.ts"
import { promise } from "./violation.ts"

/** Nothing is claimed from a queue after its pause was committed, by any process. */
export class PauseChecker implements Checker {
  readonly name = "pause"
  readonly #paused: Set<string> = new Set()
  #ofThisEvent: { readonly queue: string; readonly paused: boolean }[] = []

  executed(call: StoreCall): void {
    if (call.op !== "setQueue") return
    const [queue, change] = call.args as Parameters<Store["setQueue"]>
    if (change.paused === undefined) return
    this.#ofThisEvent.push({ queue, paused: change.paused })
    // Claims of this very event may have come after it.
    if (!change.paused) this.#paused.delete(queue)
  }

  moved(move: Move, before: JobRecord | null, after: JobRecord | null): void {
    const job = before ?? after
    if (move.to !== "running" || job === null) return
    promise(
      !this.#paused.has(job.queue),
      this.name,
      () => `job ${job.id} was claimed from queue ${job.queue}, which is paused`,
    )
  }

  settled(): void {
    if (this.#ofThisEvent.length === 0) return
    for (const { queue, paused } of this.#ofThisEvent) {
      if (paused) this.#paused.add(queue)
      else this.#paused.delete(queue)
    }
    this.#ofThisEvent = []
  }
}
