import { assert, isDroverError } from "../errors/index.ts"
import type { Events } from "../events/index.ts"
import type { JobDefinition } from "../jobs/define/jobDefinition.ts"
import type { SettleTarget } from "../jobs/define/settleTarget.ts"
import { Attempt } from "../jobs/work/attempt.ts"
import type { AttemptHost, EndedAttempt, IsolatedRunner } from "../jobs/work/attemptHost.ts"
import { Deadlines } from "../jobs/work/deadlines.ts"
import { SlotPool } from "../slots/index.ts"
import type { ClaimedJob, Store } from "../store/index.ts"
import type { Clock, Rng } from "../time/index.ts"

/** What attempts of a test run with. */
export interface InlineHostParts {
  readonly clock: Clock
  readonly rng: Rng
  readonly events: Events
  readonly store: Store
  readonly workerId: string
  readonly payloadLimit: number
  readonly settleTarget?: SettleTarget
}

// Kinds with an isolation of their own run inline in tests, so nothing ever asks for this.
const noChildren: IsolatedRunner = {
  run: () => Promise.reject(new Error("tests run handlers inline")),
  kill: () => {},
  close: () => {},
}

/**
 * Runs attempts exactly as a worker does, without a worker around them: no lease, no polls, no timers but
 * the attempts' own timeouts. What ended waits to be taken.
 */
export class InlineHost implements AttemptHost {
  readonly clock: Clock
  readonly rng: Rng
  readonly events: Events
  readonly store: Store
  readonly workerId: string
  readonly payloadLimit: number
  readonly settleTarget: SettleTarget | undefined
  readonly deadlines: Deadlines
  readonly stuckAfterMs = 10_000
  readonly children: IsolatedRunner = noChildren
  readonly #pool: SlotPool = new SlotPool({ limit: 100_000 })
  readonly #running: Set<string> = new Set()
  #ended: EndedAttempt[] = []
  #changed: PromiseWithResolvers<void> = Promise.withResolvers()

  constructor(parts: InlineHostParts) {
    this.clock = parts.clock
    this.rng = parts.rng
    this.events = parts.events
    this.store = parts.store
    this.workerId = parts.workerId
    this.payloadLimit = parts.payloadLimit
    this.settleTarget = parts.settleTarget
    this.deadlines = new Deadlines(parts.clock)
  }

  /** How many attempts run. */
  get running(): number {
    return this.#running.size
  }

  /** Starts an attempt of a claimed job. */
  run(claimed: ClaimedJob, definition: JobDefinition): Attempt {
    const slot = this.#pool.tryReserve()
    assert(slot !== undefined, "a test runs at most 100 000 jobs at once")
    const inline: JobDefinition =
      definition.isolation === "inline" ? definition : { ...definition, isolation: "inline" }
    const attempt = new Attempt(this, claimed, inline, slot, false, this.clock.monotonic())
    this.#running.add(claimed.jobId)
    if (this.events.wanted("job.started")) {
      const { jobId, kind, queue, attempt: number } = claimed
      this.events.emit("job.started", {
        jobId,
        kind,
        queue,
        attempt: number,
        worker: this.workerId,
      })
    }
    attempt.start()
    return attempt
  }

  /** What has ended since the last call; waits until something has, while anything runs. */
  async takeEnded(): Promise<readonly EndedAttempt[]> {
    while (this.#ended.length === 0 && this.#running.size > 0) {
      this.#changed = Promise.withResolvers()
      await this.#changed.promise
    }
    const ended = this.#ended
    this.#ended = []
    return ended
  }

  settle(ended: EndedAttempt): void {
    this.#running.delete(ended.attempt.jobId)
    this.#ended.push(ended)
    this.#changed.resolve()
  }

  ended(attempt: Attempt): void {
    // A superseded attempt is not settled: nothing else will say that it is over.
    if (!isDroverError(attempt.abortReason, "DROVER_LEASE_LOST")) return
    this.#running.delete(attempt.claimed.jobId)
    this.#changed.resolve()
  }

  stuck(attempt: Attempt, sinceMs: number): void {
    const { jobId, kind, attempt: number } = attempt.claimed
    this.events.emit("job.stuck", { jobId, kind, attempt: number, sinceMs })
  }

  strayed(): void {
    // The test runner reports stray errors by itself, with their stack.
  }
}
