import type { ClaimedJob } from "../../store/index.ts"
import type { JobContext, JobFacts, JobLogger } from "../define/jobContext.ts"
import { unlimitedAttempts } from "../define/newJobs.ts"

/** What a context asks its attempt for, when and if the handler does. */
export interface ContextSource {
  readonly claimed: ClaimedJob
  /** The validated input, or the stored one, parsed now. */
  readInput(): unknown
  readSignal(): AbortSignal
  readLog(): JobLogger
  readProgress(): (value: unknown) => void
  settleIn(transaction: unknown, result: unknown): Promise<void>
}

/**
 * The context of one attempt. Everything is made when it is first read: most handlers use two parts of it, and
 * an `AbortController` alone costs more than all the rest of running a job.
 */
export class AttemptContext implements JobContext {
  readonly #source: ContextSource
  #job: JobFacts | undefined

  constructor(source: ContextSource) {
    this.#source = source
  }

  get input(): unknown {
    return this.#source.readInput()
  }

  get signal(): AbortSignal {
    return this.#source.readSignal()
  }

  get attempt(): number {
    return this.#source.claimed.attempt
  }

  get log(): JobLogger {
    return this.#source.readLog()
  }

  get progress(): (value: unknown) => void {
    return this.#source.readProgress()
  }

  get settle(): (transaction: unknown, result?: unknown) => Promise<void> {
    const source = this.#source
    return (transaction, result) => source.settleIn(transaction, result)
  }

  get job(): JobFacts {
    return (this.#job ??= jobFacts(this.#source.claimed))
  }
}

/** What a handler may know about its job. */
export function jobFacts(claimed: ClaimedJob): JobFacts {
  return Object.freeze({
    id: claimed.jobId,
    kind: claimed.kind,
    queue: claimed.queue,
    priority: claimed.priority,
    failures: claimed.failures,
    crashes: claimed.crashes,
    interruptions: claimed.interruptions,
    maxAttempts: claimed.maxAttempts >= unlimitedAttempts ? false : claimed.maxAttempts,
    enqueuedAt: new Date(claimed.enqueuedAt),
    runAt: new Date(claimed.runAt),
    startedAt: new Date(claimed.startedAt),
    tags: claimed.tags === null ? [] : (JSON.parse(claimed.tags) as string[]),
    metadata:
      claimed.metadata === null ? {} : (JSON.parse(claimed.metadata) as Record<string, unknown>),
  })
}
