import { isFinal, isWaiting } from "drover/store"
import type { ActionReply, JobAction, JobRow, NewJob, Settlement, SettleStatus } from "drover/store"
import type { ModelJob } from "./modelJob.ts"

/** What a worker asks for. */
export interface ModelClaim {
  readonly workerId: string
  readonly token: number
  readonly queue: string
  readonly kinds: readonly string[]
  readonly limit: number
  readonly solo: boolean
}

/** The fence that an attempt carries. */
export interface ModelAttempt {
  readonly jobId: string
  readonly attempt: number
  readonly token: number
}

/**
 * The contract once more, as a list of jobs in memory: slow, obvious, without SQL. Where the contract leaves
 * a value to the store, the oracle takes it over from the store's row (see `adopt`).
 */
export class Oracle {
  now = 0
  readonly jobs: Map<string, ModelJob> = new Map()
  /** Live workers by id, with the end of their lease. */
  readonly workers: Map<string, number> = new Map()
  readonly paused: Set<string> = new Set()

  enqueue(job: NewJob): "enqueued" | "repeated" | "duplicate" {
    if (this.jobs.has(job.id)) return "repeated"
    const key = job.unique?.label ?? null
    if (key !== null && this.holderOf(key) !== undefined) return "duplicate"
    this.jobs.set(job.id, newModelJob(job, this.now))
    return "enqueued"
  }

  /** The live job that holds a key. */
  holderOf(key: string): ModelJob | undefined {
    return [...this.jobs.values()].find((job) => job.key === key && !isFinal(job.state))
  }

  /** Whether nothing but the order keeps a job from being claimed now. */
  isClaimable(job: ModelJob, claim: Pick<ModelClaim, "queue" | "kinds" | "solo">): boolean {
    return (
      isWaiting(job.state) &&
      job.runAt <= this.now &&
      !this.isExpired(job) &&
      job.queue === claim.queue &&
      claim.kinds.includes(job.kind) &&
      job.solo === claim.solo &&
      !this.paused.has(job.queue)
    )
  }

  isExpired(job: ModelJob): boolean {
    return job.attempt === 0 && job.expiresAt !== null && job.expiresAt < this.now
  }

  /** Ids in the order in which they are claimed. */
  claim(claim: ModelClaim): readonly string[] {
    if ((this.workers.get(claim.workerId) ?? 0) < this.now) return []
    const limit = claim.solo ? Math.min(1, claim.limit) : claim.limit
    const taken = [...this.jobs.values()]
      .filter((job) => this.isClaimable(job, claim))
      .toSorted((a, b) => a.priority - b.priority || a.runAt - b.runAt || (a.id < b.id ? -1 : 1))
      .slice(0, limit)
    for (const job of taken) {
      job.state = "running"
      job.attempt++
      job.workerId = claim.workerId
      job.token = claim.token
      job.touched = false
    }
    return taken.map(({ id }) => id)
  }

  /** The job that an attempt may still write about. */
  held({ jobId, attempt, token }: ModelAttempt): ModelJob | undefined {
    const job = this.jobs.get(jobId)
    const isHeld = job?.state === "running" && job.attempt === attempt && job.token === token
    return isHeld ? job : undefined
  }

  /** The statuses that the store may answer with. */
  settle(attempt: ModelAttempt, settlement: Settlement): readonly SettleStatus[] {
    const job = this.held(attempt)
    if (job === undefined) {
      const before = this.jobs.get(attempt.jobId)
      const mine = before?.attempt === attempt.attempt && before.token === attempt.token
      // It may be known as a repeat though its job went on since.
      if (before !== undefined && !mine && before.settled.has(attempt.token))
        return ["repeated", "fenced"]
      if (!mine) return ["fenced"]
      return before.touched ? ["repeated", "fenced"] : ["repeated"]
    }
    job.settled.add(attempt.token)
    const { to } = settlement
    if (to === "retryable" || (to === "discarded" && settlement.failed)) job.failures++
    if (to === "interrupted") job.interruptions++
    if (to === "crashed") job.crashes++
    if (to === "completed") job.result = settlement.result
    const overruled = job.cancelRequested
    job.cancelRequested = false
    job.workerId = null
    if (to === "completed" || to === "discarded" || to === "cancelled") this.#end(job, to)
    else if (overruled) return this.#end(job, "cancelled")
    else if (to === "crashed") return this.#waitAfterCrash(job)
    else {
      const delayMs = to === "interrupted" ? 0 : settlement.delayMs
      job.runAt = this.now + delayMs
      job.state = to === "retryable" ? "retryable" : delayMs > 0 ? "scheduled" : "available"
    }
    return ["settled"]
  }

  /** Ids of the jobs that are taken back. */
  rescue(dead: readonly string[]): readonly string[] {
    const lost = [...this.workers].filter(([id, until]) => dead.includes(id) || until < this.now)
    const rescued: string[] = []
    for (const [workerId] of lost) {
      this.workers.delete(workerId)
      for (const job of this.#runBy(workerId)) {
        job.crashes++
        this.#takeAway(job, () => this.#waitAfterCrash(job))
        rescued.push(job.id)
      }
    }
    return rescued
  }

  retire(workerId: string): void {
    this.workers.delete(workerId)
    for (const job of this.#runBy(workerId)) {
      job.interruptions++
      this.#takeAway(job, () => {
        job.state = "available"
      })
    }
  }

  act(action: JobAction, id: string): ActionReply {
    const nothing = { changed: [], requested: [], refused: [] }
    const job = this.jobs.get(id)
    if (job === undefined) return nothing
    if (job.state === "running") {
      if (action !== "cancel") return { ...nothing, refused: [id] }
      job.cancelRequested = true
      return { ...nothing, requested: [id] }
    }
    if (isFinal(job.state) && (action === "cancel" || action === "discard"))
      return { ...nothing, refused: [id] }
    job.touched = true
    if (action === "delete") this.jobs.delete(id)
    else if (action === "retry") this.#retry(job)
    else this.#end(job, action === "cancel" ? "cancelled" : "discarded")
    return { ...nothing, changed: [id] }
  }

  expire(): readonly string[] {
    const gone = [...this.jobs.values()].filter(
      (job) => isWaiting(job.state) && this.isExpired(job),
    )
    for (const job of gone) this.#end(job, "discarded")
    return gone.map(({ id }) => id)
  }

  /** Forgets jobs that were completed more than `ms` ago. */
  prune(ms: number): number {
    const old = [...this.jobs.values()].filter(
      ({ state, finishedAt }) => state === "completed" && (finishedAt ?? 0) + ms < this.now,
    )
    for (const { id } of old) this.jobs.delete(id)
    return old.length
  }

  /**
   * Takes over what the contract leaves to the store: when a due job is promoted, when an expired one is
   * discarded, and the place in the queue of a job that was handed back.
   */
  adopt(row: JobRow): void {
    const job = this.jobs.get(row.id)
    if (job === undefined || !isWaiting(job.state)) return
    if (this.isExpired(job) && row.state === "discarded") this.#end(job, "discarded")
    const isDue = job.runAt <= this.now
    if (isDue && row.state === "available") job.state = "available"
    if (isDue && row.runAt <= this.now) job.runAt = row.runAt
  }

  #runBy(workerId: string): ModelJob[] {
    return [...this.jobs.values()].filter((job) => job.workerId === workerId)
  }

  #takeAway(job: ModelJob, otherwise: () => void): void {
    job.workerId = null
    job.token = null
    const cancelled = job.cancelRequested
    job.cancelRequested = false
    if (cancelled) this.#end(job, "cancelled")
    else otherwise()
  }

  #waitAfterCrash(job: ModelJob): readonly SettleStatus[] {
    job.solo = true
    if (job.crashes >= job.maxCrashes) {
      this.#end(job, "discarded")
      return ["discarded"]
    }
    job.state = "available"
    job.runAt = Math.min(job.runAt, this.now)
    return ["settled"]
  }

  #retry(job: ModelJob): void {
    job.state = "available"
    job.solo = job.crashes > 0
    job.runAt = this.now
    job.expiresAt = null
    job.finishedAt = null
    job.result = null
    job.maxAttempts = Math.max(job.maxAttempts, job.failures + 1)
    job.maxCrashes = Math.max(job.maxCrashes, job.crashes + 1)
  }

  #end(job: ModelJob, state: "completed" | "discarded" | "cancelled"): readonly SettleStatus[] {
    job.state = state
    job.finishedAt = this.now
    job.workerId = null
    return [state === "cancelled" ? "cancelled" : "settled"]
  }
}

function newModelJob(job: NewJob, now: number): ModelJob {
  const runAt = now + job.delayMs
  return {
    id: job.id,
    kind: job.kind,
    key: job.unique?.label ?? null,
    enqueuedAt: now,
    queue: job.queue,
    priority: job.priority,
    input: job.input,
    runAt,
    state: job.delayMs > 0 ? "scheduled" : "available",
    expiresAt: job.expireMs === null ? null : runAt + job.expireMs,
    attempt: 0,
    failures: 0,
    crashes: 0,
    interruptions: 0,
    maxAttempts: job.maxAttempts,
    maxCrashes: job.maxCrashes,
    solo: false,
    workerId: null,
    token: null,
    settled: new Set(),
    touched: false,
    cancelRequested: false,
    finishedAt: null,
    result: null,
    progress: null,
    logLines: 0,
    dropped: 0,
  }
}
