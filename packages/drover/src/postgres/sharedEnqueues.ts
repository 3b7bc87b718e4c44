import { isDroverError } from "../errors/index.ts"
import type { EnqueueOutcome, NewJob } from "../store/index.ts"

/** How many enqueues are under way at once before others wait and go together. */
const FLIGHTS = 2
/** What one statement takes well. */
const MOST_JOBS = 1_000

interface Call {
  readonly jobs: readonly NewJob[]
  readonly reply: PromiseWithResolvers<readonly EnqueueOutcome[]>
}

/**
 * Lets enqueues that come while others are under way share a transaction, and so a sync to disk. Nothing waits that
 * could go at once, and what is refused for one caller's jobs is no other's failure.
 */
export class SharedEnqueues {
  readonly #send: (jobs: readonly NewJob[]) => Promise<readonly EnqueueOutcome[]>
  readonly #mayShare: (a: NewJob, b: NewJob) => boolean
  #waiting: Call[] = []
  #underWay = 0

  /**
   * @param send writes jobs, all or none; safe to repeat, because a job sent twice is one.
   * @param mayShare whether two jobs can be written by one statement that holds up nobody else.
   */
  constructor(
    send: (jobs: readonly NewJob[]) => Promise<readonly EnqueueOutcome[]>,
    mayShare: (a: NewJob, b: NewJob) => boolean,
  ) {
    this.#send = send
    this.#mayShare = mayShare
  }

  /** Writes jobs, all or none, alone or together with those of other callers. @throws what `send` throws. */
  enqueue(jobs: readonly NewJob[]): Promise<readonly EnqueueOutcome[]> {
    const [first] = jobs
    const isOrdinary = first !== undefined && jobs.every((job) => this.#mayShare(first, job))
    if (!isOrdinary || jobs.length >= MOST_JOBS) return this.#send(jobs)
    const reply = Promise.withResolvers<readonly EnqueueOutcome[]>()
    this.#waiting.push({ jobs, reply })
    if (this.#underWay < FLIGHTS) this.#next()
    return reply.promise
  }

  #next(): void {
    const calls = this.#take()
    if (calls.length === 0) return
    this.#underWay++
    void this.#write(calls).finally(() => {
      this.#underWay--
      this.#next()
    })
  }

  /** The call that waits longest, and those that can go with it. */
  #take(): readonly Call[] {
    const [oldest] = this.#waiting
    if (oldest === undefined) return []
    const calls: Call[] = []
    const others: Call[] = []
    let count = 0
    for (const call of this.#waiting) {
      const isFit =
        count + call.jobs.length <= MOST_JOBS &&
        this.#mayShare(oldest.jobs[0] as NewJob, call.jobs[0] as NewJob)
      if (isFit) count += call.jobs.length
      ;(isFit ? calls : others).push(call)
    }
    this.#waiting = others
    return calls
  }

  async #write(calls: readonly Call[]): Promise<void> {
    let outcomes: readonly EnqueueOutcome[]
    try {
      outcomes = await this.#send(calls.flatMap(({ jobs }) => jobs))
    } catch (error) {
      if (calls.length > 1 && isRefusal(error)) await this.#writeApart(calls)
      else for (const { reply } of calls) reply.reject(error)
      return
    }
    let from = 0
    for (const { jobs, reply } of calls) {
      reply.resolve(outcomes.slice(from, from + jobs.length))
      from += jobs.length
    }
  }

  async #writeApart(calls: readonly Call[]): Promise<void> {
    for (const call of calls) await this.#write([call])
  }
}

// One that is away is away for all of them.
function isRefusal(error: unknown): boolean {
  return !isDroverError(error) || error.code === "DROVER_STORE_QUERY"
}
