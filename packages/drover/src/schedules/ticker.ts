import type { Events } from "../events/index.ts"
import { announceJobs } from "../jobs/define/producer.ts"
import { answered } from "../leadership/answered.ts"
import type { RetryPolicy } from "../retry/index.ts"
import { RunLoop, Service } from "../service/index.ts"
import type { Startable } from "../service/index.ts"
import type {
  DueSchedules,
  EnqueueOutcome,
  NewJob,
  ScheduleRow,
  ScheduleStore,
  ScheduleTick,
  ScheduleTickReply,
  TermRef,
} from "../store/index.ts"
import { UuidMaker } from "../time/index.ts"
import type { Clock, Rng, Timer } from "../time/index.ts"
import { planFailure, planRelease, planTick } from "./planTick.ts"

/** What the ticker is handed: one term, and what it works with. */
export interface TickerContext {
  readonly term: TermRef
  readonly store: ScheduleStore & { watch(listener: () => void): () => void }
  readonly clock: Clock
  readonly rng: Rng
  readonly events: Events
  /** Jobs of this queue have become available. */
  readonly hint: (queue?: string) => void
  /** A write was answered with "term_ended". */
  readonly termEnded: () => void
}

const LOOK = 200
// One transaction holds up other writers for some milliseconds at most.
const MOST_ROWS = 500
// A change that nobody told of is seen after this long at the latest.
const LONGEST_WAIT_MS = 60_000
// A held tick waits for a job to end, which no instant tells.
const HELD_POLL_MS = 1_000
// Hints come with every commit of other processes; the table is small, but not to be read that often.
const LEAST_HINT_GAP_MS = 1_000
// Ticks that were due together are done within one round, so many looks at most.
const MOST_LOOKS = 50
const ANSWER_MS = 30_000
const backoff: RetryPolicy = {
  backoff: "exponential",
  baseMs: 100,
  factor: 2,
  capMs: 5_000,
  jitter: "equal",
  maxAttempts: false,
}

/**
 * Fires schedules: a service of the leader, made for one term. It sleeps until the instant at which the next tick is
 * due by the store's clock, asks the store again when it wakes (so that a tick is never early, whatever timers and
 * clocks do), and writes ticks, jobs and pointers together. It keeps nothing between rounds: what is due is in the store.
 */
export function scheduleTicker(context: TickerContext): Startable {
  const { clock, rng, events, store } = context
  const name = "ticker"
  return new Service({
    name,
    events,
    start: (scope) => {
      const round = new TickRounds(context)
      const loop = new RunLoop({
        ...{ name, events, clock, rng, backoff, intervalMs: LONGEST_WAIT_MS, ref: false },
        round: (signal) => round.run(signal),
      })
      const hints = new SpacedHints(clock, () => loop.wake())
      scope.defer(() => hints.close())
      scope.defer(store.watch(() => hints.hint()))
      // A change that was made here need not wait for the store to tell.
      scope.defer(events.on("schedule.changed", () => loop.wake()))
      scope.spawn((signal) =>
        loop.run(signal).catch((error: unknown) => {
          if (!signal.aborted) throw error
        }),
      )
    },
  })
}

class TickRounds {
  readonly #context: TickerContext
  readonly #ids: UuidMaker
  #storeNow = 0

  constructor(context: TickerContext) {
    this.#context = context
    // Postgres lists jobs by id: a leader whose clock is hours off must not put ticks before or behind all others.
    this.#ids = new UuidMaker({ now: () => this.#storeNow }, context.rng)
  }

  /** Does all that is due. @returns ms until the next round. */
  async run(signal: AbortSignal): Promise<number> {
    const { store } = this.#context
    for (let look = 0; look < MOST_LOOKS && !signal.aborted; look++) {
      const found = await this.#ask(store.dueSchedules(LOOK), "dueSchedules", signal)
      const plans = this.#plan(found)
      if (plans.length === 0) return waitMs(found)
      for (const batch of inBatches(plans)) {
        const replies = await this.#write(batch, signal)
        if (replies === "term_ended") {
          this.#context.termEnded()
          return LONGEST_WAIT_MS
        }
        this.#announce(batch, replies, found.now)
      }
    }
    return 0
  }

  #plan({ due, released, now }: DueSchedules): Plan[] {
    this.#storeNow = now
    const isDue = new Set(due.map(({ name }) => name))
    return [
      ...due.map((row) => this.#guarded(row, () => planTick(row, now, this.#ids))),
      // Its pointer moves first; what it holds goes on with the next look.
      ...released
        .filter(({ name }) => !isDue.has(name))
        .map((row) => this.#guarded(row, () => planRelease(row, this.#ids))),
    ]
  }

  // A schedule that cannot be planned stops by itself and disturbs no other.
  #guarded(row: ScheduleRow, plan: () => ScheduleTick): Plan {
    try {
      return { row, tick: plan(), error: null }
    } catch (error) {
      return { row, tick: planFailure(row, describe(error)), error }
    }
  }

  async #write(
    plans: readonly Plan[],
    signal: AbortSignal,
  ): Promise<readonly ScheduleTickReply[] | "term_ended"> {
    const { store, term } = this.#context
    const ticks = plans.map(({ tick }) => tick)
    try {
      return await this.#ask(store.tickSchedules({ term, ticks }), "tickSchedules", signal)
    } catch (error) {
      if (plans.length === 1 || signal.aborted) throw error
      return await this.#writeEach(plans, signal)
    }
  }

  // One that the store refuses must not keep the others of its batch from running.
  async #writeEach(
    plans: readonly Plan[],
    signal: AbortSignal,
  ): Promise<readonly ScheduleTickReply[] | "term_ended"> {
    const replies: ScheduleTickReply[] = []
    const errors: unknown[] = []
    for (const plan of plans) {
      try {
        const reply = await this.#write([plan], signal)
        if (reply === "term_ended") return reply
        this.#announce([plan], reply, null)
      } catch (error) {
        if (signal.aborted) throw error
        errors.push(error)
      }
    }
    if (errors.length > 0) throw errors[0]
    return replies
  }

  #announce(
    plans: readonly Plan[],
    replies: readonly ScheduleTickReply[],
    now: number | null,
  ): void {
    const { events, hint } = this.#context
    const jobs: NewJob[] = []
    const outcomes: EnqueueOutcome[] = []
    for (const [index, reply] of replies.entries()) {
      const plan = plans[index]
      if (plan === undefined || reply.status !== "ticked") continue
      const { row, tick, error } = plan
      const schedule = row.name
      if (tick.failure !== null) events.emit("schedule.failed", { schedule, error })
      const given = new Map(
        [...tick.records, ...(tick.release === null ? [] : [tick.release])].map((one) => [
          one.at,
          one.job,
        ]),
      )
      for (const { at: tickAt, throughAt, count, job, reason } of reply.outcomes) {
        if (job !== null) {
          const lateMs = now === null || row.fireAt === null ? 0 : Math.max(0, now - row.fireAt)
          events.emit("schedule.ticked", { schedule, tickAt, jobId: job.id, lateMs })
          const made = given.get(tickAt)
          if (made) {
            jobs.push(made)
            outcomes.push(job)
          }
        } else if (reason === "held") events.emit("schedule.held", { schedule, tickAt })
        else if (reason !== null) {
          events.emit("schedule.skipped", { schedule, tickAt, throughAt, count, reason })
        }
      }
    }
    announceJobs(events, jobs, outcomes)
    for (const queue of new Set(jobs.map((job) => job.queue))) hint(queue)
  }

  // A stop does not wait for a store that hangs: what lands later is fenced.
  #ask<T>(answer: Promise<T>, what: string, signal: AbortSignal): Promise<T> {
    return answered(this.#context.clock, answer, { ms: ANSWER_MS, what, signal })
  }
}

interface Plan {
  readonly row: ScheduleRow
  readonly tick: ScheduleTick
  /** What was wrong with the schedule, for a plan that only says so. */
  readonly error: unknown
}

/** Lets hints through at once, but no two of them closer together than the gap. */
class SpacedHints {
  readonly #clock: Clock
  readonly #pass: () => void
  #lastMono = Number.NEGATIVE_INFINITY
  #timer: Timer | undefined

  constructor(clock: Clock, pass: () => void) {
    this.#clock = clock
    this.#pass = pass
  }

  hint(): void {
    if (this.#timer !== undefined) return
    const sinceMs = this.#clock.monotonic() - this.#lastMono
    if (sinceMs >= LEAST_HINT_GAP_MS) return this.#let()
    const later = (): void => this.#let()
    this.#timer = this.#clock.setTimer(LEAST_HINT_GAP_MS - sinceMs, later, { ref: false })
  }

  close(): void {
    this.#timer?.cancel()
  }

  #let(): void {
    this.#timer = undefined
    this.#lastMono = this.#clock.monotonic()
    this.#pass()
  }
}

function waitMs({ nextInMs, holds }: DueSchedules): number {
  const longestMs = holds ? HELD_POLL_MS : LONGEST_WAIT_MS
  return nextInMs === null ? longestMs : Math.min(nextInMs, longestMs)
}

function inBatches(plans: readonly Plan[]): readonly (readonly Plan[])[] {
  const batches: Plan[][] = []
  let rows = Number.POSITIVE_INFINITY
  for (const plan of plans) {
    const size = plan.tick.records.length + 1
    if (rows + size > MOST_ROWS) {
      batches.push([])
      rows = 0
    }
    batches.at(-1)?.push(plan)
    rows += size
  }
  return batches
}

function describe(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.slice(0, 1_000).toWellFormed()
}
