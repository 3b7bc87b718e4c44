import { isFinal } from "../../packages/drover/src/store/index.ts"
import type { ActionReply, JobAction, Retention } from "../../packages/drover/src/store/index.ts"
import type { StoreCall } from "../faults/faultStore.ts"
import type { Checker } from "./checker.ts"
import type { HandlerRun, JobRecord } from "./jobRecord.ts"
import type { Sometimes } from "./sometimes.ts"
import { promise } from "./violation.ts"

/** What the checker asks the ledger. */
export interface JobBook {
  get(id: string): JobRecord | undefined
  storeAt(): number
}

/**
 * A job whose enqueue was acknowledged is there until somebody deletes it or retention does, which takes
 * finished jobs of the given age only. And nothing is there that was never enqueued: the same enqueue sent twice
 * is one job.
 */
export class LossChecker implements Checker {
  readonly name = "loss"
  readonly #sometimes: Sometimes
  readonly #retention: Retention
  readonly #book: () => JobBook
  readonly #intended: Set<string> = new Set()
  readonly #acknowledged: Set<string> = new Set()
  readonly #deleted: Set<string> = new Set()
  readonly #deletedNow: Set<string> = new Set()
  #newlyAcknowledged: string[] = []
  // An enqueue and the start of its handler may share an event.
  #newlyStarted: string[] = []

  constructor(sometimes: Sometimes, retention: Retention, book: () => JobBook) {
    this.#sometimes = sometimes
    this.#retention = retention
    this.#book = book
  }

  /** An enqueue with this id is about to be sent. */
  intends(id: string): void {
    this.#intended.add(id)
  }

  /** The enqueue of this job returned to its caller. */
  acknowledged(id: string): void {
    this.#acknowledged.add(id)
    this.#newlyAcknowledged.push(id)
  }

  executed(call: StoreCall, reply: unknown): void {
    if (call.op !== "act") return
    const [action] = call.args as [JobAction]
    if (action !== "delete") return
    for (const id of (reply as ActionReply).changed) this.#deletedNow.add(id)
  }

  changed(before: JobRecord | null, after: JobRecord): void {
    promise(
      before !== null || this.#intended.has(after.id),
      this.name,
      () => `job ${after.id} is there, which nobody enqueued under this id`,
    )
  }

  deleted(before: JobRecord): void {
    this.#deleted.add(before.id)
    if (this.#deletedNow.has(before.id)) {
      promise(before.state !== "running", this.name, () => `running job ${before.id} was deleted`)
      return
    }
    this.#sometimes.hit("retention deleted a job")
    const { state, finishedAt } = before
    promise(
      isFinal(state) && finishedAt !== null,
      this.name,
      () => `job ${before.id} was deleted while it was ${state}`,
    )
    const keepMs =
      state === "completed"
        ? this.#retention.completedMs
        : state === "cancelled"
          ? this.#retention.cancelledMs
          : this.#retention.discardedMs
    const ageMs = this.#book().storeAt() - finishedAt
    promise(
      this.#retention.bytes !== false || (keepMs !== false && ageMs >= keepMs - 1_000),
      this.name,
      () => `job ${before.id} (${state}) was deleted ${ageMs} ms after its end`,
    )
  }

  handlerStarted(run: HandlerRun): void {
    this.#newlyStarted.push(run.jobId)
  }

  settled(): void {
    if (this.#deletedNow.size > 0) this.#deletedNow.clear()
    for (const id of this.#newlyStarted) {
      promise(
        this.#book().get(id) !== undefined || this.#deleted.has(id),
        this.name,
        () => `job ${id} runs and was never enqueued`,
      )
    }
    if (this.#newlyStarted.length > 0) this.#newlyStarted = []
    if (this.#newlyAcknowledged.length === 0) return
    for (const id of this.#newlyAcknowledged) this.#judge(id)
    this.#newlyAcknowledged = []
  }

  finished(): void {
    for (const id of this.#acknowledged) this.#judge(id)
  }

  #judge(id: string): void {
    promise(
      this.#book().get(id) !== undefined || this.#deleted.has(id),
      this.name,
      () => `the enqueue of job ${id} was acknowledged, but the job is not there`,
    )
  }
}
