import { isFinal } from "../../packages/drover/src/store/index.ts"
import type { ActionReply, JobAction } from "../../packages/drover/src/store/index.ts"
import type { StoreCall } from "../faults/faultStore.ts"
import type { Checker } from "./checker.ts"
import type { JobRecord, Move } from "./jobRecord.ts"
import type { Sometimes } from "./sometimes.ts"
import { promise } from "./violation.ts"

/** A cancel that was carried out is never lost: no newer attempt of the job starts, whatever outcome it raced with. */
export class CancelChecker implements Checker {
  readonly name = "cancel"
  readonly #sometimes: Sometimes
  readonly #cancelled: Set<string> = new Set()
  #ofThisEvent: { readonly action: JobAction; readonly ids: readonly string[] }[] = []

  constructor(sometimes: Sometimes) {
    this.#sometimes = sometimes
  }

  executed(call: StoreCall, reply: unknown): void {
    if (call.op !== "act") return
    const [action] = call.args as [JobAction]
    const { changed, requested } = reply as ActionReply
    if (action === "cancel") {
      this.#ofThisEvent.push({ action, ids: [...changed, ...requested] })
      if (requested.length > 0) this.#sometimes.hit("a running job was asked to stop")
    }
    // Whoever retries a job wants it to run again.
    if (action === "retry") this.#ofThisEvent.push({ action, ids: changed })
  }

  moved(move: Move, before: JobRecord | null, after: JobRecord | null): void {
    const id = (before ?? after)?.id
    if (id === undefined || !this.#cancelled.has(id)) return
    promise(
      move.to !== "running",
      this.name,
      () => `job ${id} was claimed (attempt ${move.attempt}) after its cancel was carried out`,
    )
    if (move.to === "cancelled") this.#sometimes.hit("a cancel won its race")
    else if (move.from === "running" && isFinal(move.to)) {
      this.#sometimes.hit("a cancel lost its race")
    }
  }

  settled(): void {
    if (this.#ofThisEvent.length === 0) return
    for (const { action, ids } of this.#ofThisEvent) {
      for (const id of ids) {
        if (action === "cancel") this.#cancelled.add(id)
        else this.#cancelled.delete(id)
      }
    }
    this.#ofThisEvent = []
  }
}
