import type { Drover } from "../client/index.ts"
import { internalsOf } from "../client/internals.ts"
import type { DroverInternals } from "../client/internals.ts"
import { checkOptions, DroverError } from "../errors/index.ts"
import type { EndedAttempt } from "../jobs/work/attemptHost.ts"
import { emitSettled } from "../jobs/work/settledEvents.ts"
import type {
  ClaimRequest,
  ExchangeReply,
  PeekReply,
  SettleStatus,
  Store,
  WorkerRef,
} from "../store/index.ts"
import { ManualClock, randomToken, UuidMaker } from "../time/index.ts"
import { InlineHost } from "./inlineHost.ts"
import { moveTime } from "./moveTime.ts"

/** How `drain` ends. */
export interface DrainOptions {
  /**
   * Also run what becomes due later (delays, retries, snoozes), moving the client's `ManualClock` to each due
   * time in turn.
   * @default false
   */
  readonly later?: boolean
  /** Refuse to run more attempts than this: jobs that enqueue themselves for ever end the test. @default 10 000 */
  readonly limit?: number
}

/** What a drain did: how many attempts ended how. */
export interface DrainReport {
  readonly attempts: number
  readonly completed: number
  readonly failed: number
  readonly discarded: number
  readonly cancelled: number
  readonly snoozed: number
}

const DEFAULT_LIMIT = 10_000
const BATCH = 100
// Longer than any time that a test lets pass on its clock: nobody beats this worker.
const LEASE_MS = 100 * 365 * 86_400_000

/**
 * Runs all jobs of the client's kinds and queues that are due, and those that they enqueue, until nothing is
 * due any more, under the limits that the client's code declares. Handlers run inline, several at once as far as they wait for each other.
 * @throws DroverError `DROVER_DEADLINE` when `limit` attempts were not enough.
 */
export async function drain(drover: Drover, options: DrainOptions = {}): Promise<DrainReport> {
  checkOptions(options, ["later", "limit"], "drain")
  const internals = internalsOf(drover)
  const store = await internals.store()
  await internals.declareLimits(store)
  const { clock, rng } = internals.options
  const workerId = new UuidMaker(clock, rng).next()
  const worker = await store.registerWorker({
    workerId,
    token: randomToken(rng),
    leaseMs: LEASE_MS,
    host: "drain",
    pid: process.pid,
    info: "{}",
  })
  const drainer = new Drainer(internals, store, worker, options)
  try {
    return await drainer.run()
  } finally {
    await store.retireWorker(worker)
  }
}

class Drainer {
  readonly #internals: DroverInternals
  readonly #store: Store
  readonly #worker: WorkerRef
  readonly #options: DrainOptions
  readonly #host: InlineHost
  readonly #counts: Record<"completed" | "failed" | "discarded" | "cancelled" | "snoozed", number> =
    {
      completed: 0,
      failed: 0,
      discarded: 0,
      cancelled: 0,
      snoozed: 0,
    }
  #attempts = 0

  constructor(internals: DroverInternals, store: Store, worker: WorkerRef, options: DrainOptions) {
    this.#internals = internals
    this.#store = store
    this.#worker = worker
    this.#options = options
    const { clock, rng, events, payloadLimit } = internals.options
    this.#host = new InlineHost({
      clock,
      rng,
      events,
      store,
      workerId: worker.workerId,
      payloadLimit,
    })
  }

  async run(): Promise<DrainReport> {
    let ended: readonly EndedAttempt[] = []
    for (;;) {
      const claimed =
        (await this.#exchange(ended)) + (this.#host.running === 0 ? await this.#claimSolo() : 0)
      ended = await this.#host.takeEnded()
      if (claimed > 0 || ended.length > 0 || this.#host.running > 0) continue
      if (!(await this.#moveOn())) return { attempts: this.#attempts, ...this.#counts }
    }
  }

  async #exchange(ended: readonly EndedAttempt[]): Promise<number> {
    return this.#take(ended, await this.#ask(ended, false))
  }

  // After a crash a job runs alone: only when nothing else does.
  async #claimSolo(): Promise<number> {
    return this.#take([], await this.#ask([], true))
  }

  #ask(ended: readonly EndedAttempt[], solo: boolean): Promise<ExchangeReply> {
    const { options } = this.#internals
    const kinds = [...options.definitions.keys()]
    const claims: ClaimRequest[] = Array.from(options.queues.keys(), (queue) => ({
      queue,
      kinds,
      limit: BATCH,
    }))
    return this.#store.exchange({
      worker: this.#worker,
      settlements: ended.map(({ attempt, settlement }) => ({ attempt, settlement })),
      claims,
      token: randomToken(options.rng),
      repeat: false,
      solo,
    })
  }

  #take(ended: readonly EndedAttempt[], reply: ExchangeReply): number {
    const { options } = this.#internals
    for (const [index, attempt] of ended.entries()) this.#settled(attempt, reply.settled[index]!)
    for (const job of reply.claimed) {
      this.#attempts++
      const definition = options.definitions.get(job.kind)
      if (definition !== undefined) this.#host.run(job, definition)
    }
    const { limit = DEFAULT_LIMIT } = this.#options
    if (this.#attempts <= limit) return reply.claimed.length
    throw new DroverError(
      "DROVER_DEADLINE",
      `drain: ${limit} attempts were not enough; does a job enqueue itself?`,
    )
  }

  #settled(ended: EndedAttempt, status: SettleStatus): void {
    emitSettled(this.#internals.options.events, ended, status)
    if (status === "fenced") return
    const { to } = ended.settlement
    const kept = status === "cancelled" || status === "discarded" ? status : to
    if (kept === "retryable") this.#counts.failed++
    else if (kept !== "interrupted" && kept !== "crashed") this.#counts[kept]++
  }

  // Whether there is anything to run after all: jobs that came due meanwhile, or with `later` the next ones.
  async #moveOn(): Promise<boolean> {
    const { options } = this.#internals
    const reply = await this.#peek()
    if (reply.claimable.length > 0 || reply.solo || reply.nextDueInMs === 0) return true
    if (this.#options.later !== true || reply.nextDueInMs === null) return false
    if (!(options.clock instanceof ManualClock)) {
      throw new DroverError(
        "DROVER_CONFIG",
        "drain: `later` moves the clock, so the client needs a ManualClock",
      )
    }
    await moveTime(this.#store, options.clock, Math.ceil(reply.nextDueInMs), "drain: `later`")
    return true
  }

  #peek(): Promise<PeekReply> {
    const { definitions, queues } = this.#internals.options
    const kinds = [...definitions.keys()]
    return this.#store.peek({
      worker: this.#worker,
      queues: Array.from(queues.keys(), (queue) => ({ queue, kinds })),
    })
  }
}
