import { assert, checkOptions, DroverError, isDroverError } from "../../errors/index.ts"
import type { Events } from "../../events/index.ts"
import type { EnqueueOutcome, NewJob } from "../../store/index.ts"
import type { Clock } from "../../time/index.ts"
import { isJobDefinition } from "./jobDefinition.ts"
import type { JobDefinition } from "./jobDefinition.ts"
import { JobHandle } from "./jobHandle.ts"
import type { JobOperations } from "./jobHandle.ts"
import { checkEnqueueOptions, enqueueOptionNames, prepareJob } from "./newJobs.ts"
import type { EnqueueOptions, NewJobContext } from "./newJobs.ts"

/** One job of an `enqueueMany`. */
export interface EnqueueItem<Input = unknown> {
  readonly input: Input
  readonly options?: EnqueueOptions
}

/** What a producer writes to: the store, or a transaction of it. */
export interface EnqueueTarget {
  enqueue(jobs: readonly NewJob[]): Promise<readonly EnqueueOutcome[]>
  /** Told what became of the jobs, one outcome for each, in order. */
  written(jobs: readonly NewJob[], outcomes: readonly EnqueueOutcome[]): void
}

/** What a producer needs. */
export interface ProducerParts extends NewJobContext {
  readonly clock: Pick<Clock, "defer">
  readonly operations: JobOperations
}

// One statement and one transaction each: large enough to be cheap, small enough to keep others' waits short.
const CHUNK = 1_000

/** Turns what callers give into rows, writes them, and hands back handles. */
export class Producer {
  readonly #parts: ProducerParts

  constructor(parts: ProducerParts) {
    this.#parts = parts
  }

  /** Enqueues one job. @throws what `prepareJob` throws, and the store's faults. */
  async one(
    target: EnqueueTarget,
    definition: JobDefinition,
    input: unknown,
    options: EnqueueOptions | undefined,
  ): Promise<JobHandle> {
    requireDefinition(definition)
    const prepared = prepareJob(definition, input, options, this.#parts)
    const jobs = [prepared instanceof Promise ? await prepared : prepared] as const
    const outcomes = await target.enqueue(jobs)
    target.written(jobs, outcomes)
    return this.#handle(jobs[0], outcomes[0])
  }

  /**
   * Enqueues many jobs of one kind, a thousand to a transaction. All are validated before the first is
   * written; a fault of the store can leave earlier thousands written, unless `target` is a transaction.
   */
  async many(
    target: EnqueueTarget,
    definition: JobDefinition,
    items: Iterable<EnqueueItem>,
  ): Promise<JobHandle[]> {
    requireDefinition(definition)
    const jobs: NewJob[] = []
    for (const item of iterable(items)) {
      // Other work of the process must not wait until the last of a long list is checked.
      if (jobs.length % CHUNK === CHUNK - 1) await this.#breathe()
      try {
        const prepared = this.#prepare(definition, item)
        jobs.push(prepared instanceof Promise ? await prepared : prepared)
      } catch (error) {
        throw atItem(error, jobs.length)
      }
    }
    const handles: JobHandle[] = []
    for (let from = 0; from < jobs.length; from += CHUNK) {
      const chunk = jobs.slice(from, from + CHUNK)
      const outcomes = await target.enqueue(chunk)
      target.written(chunk, outcomes)
      for (const [index, job] of chunk.entries()) handles.push(this.#handle(job, outcomes[index]))
    }
    return handles
  }

  #prepare(definition: JobDefinition, item: EnqueueItem): NewJob | Promise<NewJob> {
    // An input that is given without its wrapping would be stored as a job without input.
    checkOptions(item, ITEM, definition.kind, ITEM_ADVICE)
    const { input, options } = item
    if (options !== undefined) checkEnqueueOptions(options, definition.kind)
    return prepareJob(definition, input, options, this.#parts)
  }

  #breathe(): Promise<void> {
    return new Promise((resolve) => {
      this.#parts.clock.defer(resolve)
    })
  }

  #handle(job: NewJob, outcome: EnqueueOutcome | undefined): JobHandle {
    assert(outcome !== undefined, "a store gives one outcome for each job")
    return new JobHandle(this.#parts.operations, outcome.id, job.kind, outcome.status)
  }
}

const ITEM: readonly (keyof EnqueueItem)[] = ["input", "options"]
const ITEM_ADVICE = Object.fromEntries(
  enqueueOptionNames.map((name) => [name, "an item is { input, options: { … } }"]),
)

function iterable(items: Iterable<EnqueueItem>): Iterable<EnqueueItem> {
  if (typeof items === "object" && items !== null && Symbol.iterator in items) return items
  throw new DroverError("DROVER_CONFIG", "enqueueMany: takes a list of { input, options }")
}

/** The same fault, with the item that it is about: nobody finds it in ten thousand otherwise. */
function atItem(error: unknown, index: number): unknown {
  if (!isDroverError(error)) return error
  const { code, message, details, cause } = error
  return new DroverError(code, `enqueueMany, item ${index}: ${message}`, {
    details: { ...details, index },
    ...(cause !== undefined && { cause }),
  })
}

function requireDefinition(definition: unknown): void {
  if (isJobDefinition(definition)) return
  const text =
    "enqueue: takes a definition made by defineJob(); enqueueKind() takes the name of a kind"
  throw new DroverError("DROVER_CONFIG", text)
}

/** Tells listeners of this process about jobs that were committed. */
export function announceJobs(
  events: Events,
  jobs: readonly NewJob[],
  outcomes: readonly EnqueueOutcome[],
): void {
  if (!events.wanted("job.enqueued") && !events.wanted("job.deduplicated")) return
  for (const [index, { kind, queue, unique }] of jobs.entries()) {
    const { id: jobId, status } = outcomes[index]!
    if (status === "enqueued") events.emit("job.enqueued", { jobId, kind, queue })
    else if (unique !== null && status !== "repeated") {
      events.emit("job.deduplicated", { jobId, kind, queue, key: unique.label })
    }
  }
}
