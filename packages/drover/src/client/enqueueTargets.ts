import type { Events } from "../events/index.ts"
import { announceJobs } from "../jobs/define/producer.ts"
import type { EnqueueTarget, Producer } from "../jobs/define/producer.ts"
import type { EnqueuesAtOnce } from "../jobs/work/worker.ts"
import type { EnqueueOutcome, NewJob } from "../store/index.ts"
import type { StoreGate } from "./storeGate.ts"
import { Transaction } from "./transaction.ts"

/** What the targets need of their client. */
export interface EnqueueTargetsParts {
  readonly gate: StoreGate
  readonly events: Events
  /** There may be work in this queue for workers of this client. */
  hint(queue: string | undefined): void
}

/** Where the jobs of a client go: to its store, to a worker of its own that starts them at once, or into a transaction. */
export class EnqueueTargets {
  /** The store. */
  readonly store: EnqueueTarget
  readonly #parts: EnqueueTargetsParts
  readonly #running: Map<object, EnqueuesAtOnce> = new Map()

  constructor(parts: EnqueueTargetsParts) {
    this.#parts = parts
    this.store = {
      enqueue: async (jobs) => {
        const { gate } = parts
        gate.selfWait.refuse("enqueue")
        return (gate.opened ?? (await gate.open())).enqueue(jobs)
      },
      written: (jobs, outcomes) => this.committed(jobs, outcomes),
    }
  }

  /** A worker of this client runs now, or does not any more. */
  onRunning(worker: object, running: EnqueuesAtOnce | null): void {
    if (running === null) this.#running.delete(worker)
    else this.#running.set(worker, running)
  }

  /** For a single job: an idle worker that has a slot for it writes and starts it in one transaction. */
  one(): EnqueueTarget {
    if (this.#running.size === 0) return this.store
    const { gate, events } = this.#parts
    let isStarted = false
    return {
      enqueue: async (jobs) => {
        gate.selfWait.refuse("enqueue")
        const enqueued = await this.#atOnce(jobs[0])
        if (enqueued === undefined) return this.store.enqueue(jobs)
        ;({ isStarted } = enqueued)
        return [enqueued.outcome]
      },
      written: (jobs, outcomes) => {
        if (isStarted) announceJobs(events, jobs, outcomes)
        else this.committed(jobs, outcomes)
      },
    }
  }

  /** A transaction of the client's, or on the user's own connection. @throws DroverError `DROVER_TRANSACTION`. */
  async within(transaction: unknown, producer: Producer): Promise<EnqueueTarget> {
    if (transaction instanceof Transaction) return transaction.targetFor(producer)
    const store = await this.#parts.gate.open()
    const adopted = store.adopt(transaction)
    // Whether and when it commits is not known here; workers see the change through the store.
    return { enqueue: (jobs) => adopted.enqueue(jobs), written: () => {} }
  }

  /** These jobs wait now: tells listeners, and workers of this client, which need not wait until the store tells them. */
  committed(jobs: readonly NewJob[], outcomes: readonly EnqueueOutcome[]): void {
    announceJobs(this.#parts.events, jobs, outcomes)
    if (jobs.length === 1) this.#parts.hint(jobs[0]?.queue)
    else for (const queue of new Set(jobs.map((job) => job.queue))) this.#parts.hint(queue)
  }

  #atOnce(job: NewJob | undefined): ReturnType<EnqueuesAtOnce["enqueue"]> {
    if (job === undefined) return undefined
    for (const running of this.#running.values()) {
      const enqueued = running.enqueue(job)
      if (enqueued !== undefined) return enqueued
    }
    return undefined
  }
}
