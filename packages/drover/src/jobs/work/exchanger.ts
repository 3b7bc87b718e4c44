import { assert } from "../../errors/index.ts"
import type {
  EndedJob,
  ExchangeReply,
  ExchangeRequest,
  NewJob,
  SettleStatus,
  Store,
  WorkerRef,
} from "../../store/index.ts"
import { randomToken } from "../../time/index.ts"
import type { Clock, Rng, Timer } from "../../time/index.ts"
import { Asks, toClaim } from "./asks.ts"
import type { Ask } from "./asks.ts"
import type { EndedAttempt } from "./attemptHost.ts"
import { isMostlyFree, slotsOf } from "./queueLoad.ts"
import { SettlementQueue } from "./settlementQueue.ts"
import { enqueuedBy, startsAtOnce } from "./startsAtOnce.ts"
import type { EnqueueBeside, EnqueuedAtOnce } from "./startsAtOnce.ts"
import type { SoloTurn, Turn } from "./soloTurn.ts"
import type { StoreHealth } from "./storeHealth.ts"
import { runUnowned } from "./strayErrors.ts"
import { WaitingRooms } from "./waitingRooms.ts"
import type { WaitingRoomsHost } from "./waitingRooms.ts"
import type { WorkerQueue } from "./workerQueue.ts"

/** What the exchanger asks of its worker. */
export interface ExchangerHost extends WaitingRoomsHost {
  readonly rng: Rng
  readonly store: Pick<Store, "exchange" | "flights">
  readonly health: StoreHealth
  readonly solo: SoloTurn
  /** The worker's row now. */
  readonly worker: WorkerRef
  /** How many handlers run. */
  readonly running: number
  /** Whether the worker may take on jobs: its lease is trusted, and it is not stopping. */
  mayClaim(): boolean
  /** Whether jobs may be claimed before there are slots for them. */
  readonly claimsAhead: boolean
  settled(ended: EndedAttempt, status: SettleStatus): void
  /** A job ended in the store instead of being claimed. */
  endedUnrun(job: EndedJob): void
  /** A claim found less than it had room for: whatever comes due next is worth a look. */
  drained(): void
  /** The store does not know this worker any more. */
  workerLost(): void
  /** An invariant broke. */
  fail(error: unknown): void
}

interface Round {
  readonly request: ExchangeRequest
  readonly settlements: readonly EndedAttempt[]
  readonly asks: readonly Ask[]
  /** Of which period it is; see `forgetClaims`. */
  readonly period: number
}

// How long a busy worker lets outcomes gather, so that they share one sync to disk instead of one each. Shorter than
// a sync on a slow disk, and never waited for by a worker whose slots are mostly free.
const GATHER_MS = 4
// With fewer slots, one exchange at a time carries them all.
const SLOTS_TO_SHARE = 32

/**
 * The one place where a worker talks with its store about jobs: settlements that came up in this turn go out and
 * as many jobs as there are free slots come in, in one transaction. While nothing else is going on, a job that its own
 * program enqueues goes along, and may start with it.
 *
 * One exchange is under way at a time, on stores that gain by it two while there is a backlog; what comes up meanwhile
 * goes with the next, which starts at once. Slots are reserved before the request and what was not filled is given back,
 * so no limit is passed at any instant; what handlers prove to be too fast for, comes on seats (`WaitingRoom`). When a
 * reply is lost, the same request is sent again until there is one: its slots stay reserved, because its jobs may
 * be this worker's already, and its settlements stay queued, because they may not be written yet.
 */
export class Exchanger {
  /** Jobs that were claimed ahead of their slots. */
  readonly waiting: WaitingRooms
  readonly #host: ExchangerHost
  readonly #clock: Clock
  readonly #settlements: SettlementQueue = new SettlementQueue()
  #scheduled = false
  /** How many exchanges are under way. */
  #underWay = 0
  /** The one under way must have no other beside it: it claims a job that runs alone, or repeats a lost one. */
  #isExclusive = false
  /** Whether the last claim was filled, so that there is work for a second exchange beside the first. */
  #wasFilled = false
  #closed = false
  /** Rounds whose replies were lost and that are not under way. */
  #lost: Round[] = []
  #period = 0
  #retryTimer: Timer | undefined
  #gatherTimer: Timer | undefined
  readonly #asks: Asks
  #idle: PromiseWithResolvers<void> | undefined

  constructor(host: ExchangerHost) {
    this.#host = host
    this.#clock = host.clock
    this.#asks = new Asks(host.queues, host.claimsAhead)
    this.waiting = new WaitingRooms(host)
  }

  settle(ended: EndedAttempt): void {
    this.#settlements.add(ended)
    this.gather()
  }

  /**
   * An outcome is to be written or a slot is free, and while most slots are in use others will soon follow: they go
   * together, when half of the slots are free or after a few milliseconds.
   */
  gather(): void {
    if (isMostlyFree(this.#host.queues)) this.wake()
    else if (!this.#scheduled && this.#underWay === 0 && !this.#closed) {
      this.#gatherTimer ??= this.#clock.setTimer(GATHER_MS, () => {
        this.#gatherTimer = undefined
        this.wake()
      })
    }
  }

  /** Slots of a queue are free: first for jobs that wait here for one. */
  freed(queue: WorkerQueue): void {
    this.waiting.start(queue)
    this.gather()
  }

  /**
   * Writes a job and claims in the same transaction, while nothing else is going on.
   * @returns what became of it, before its handler is called; `undefined` when it is to be enqueued as usual, because
   * this is not the moment, or because it is not known whether it was written.
   */
  enqueue(job: NewJob): Promise<EnqueuedAtOnce | undefined> | undefined {
    if (!this.#isIdle() || !this.#host.mayClaim()) return undefined
    const queue = startsAtOnce(job, this.#host.queues)
    if (queue === undefined) return undefined
    // It makes work for its queue, so that the claim asks there.
    queue.hint()
    const round = this.#nextRound()
    assert(round !== undefined, "a queue that wants is asked for")
    const { promise, resolve } = Promise.withResolvers<EnqueuedAtOnce | undefined>()
    // The caller may be an attempt; what is claimed does not belong to it.
    runUnowned(() => this.#send(round, { job, tell: resolve }))
    return promise
  }

  /** There may be something to do. Cheap, at any time, any number of times. */
  wake(): void {
    if (this.#scheduled || this.#closed || this.#retryTimer !== undefined) return
    if (!this.#hasRoom()) return
    this.#scheduled = true
    // Later in this turn others end too, and go along.
    this.#clock.defer(this.#onTurn)
  }

  /** Resolves when nothing is under way and every settlement is written. */
  idle(): Promise<void> {
    this.#idle ??= Promise.withResolvers()
    const { promise } = this.#idle
    this.#checkIdle()
    return promise
  }

  /**
   * The worker has no right any more to what it asked for until now: nothing of it may start, whenever the reply
   * comes, and no slot waits for it. Settlements go on, each has a fence of its own.
   */
  forgetClaims(): void {
    this.#period++
    for (const round of this.#lost) this.#giveBack(round)
    this.#lost = []
    this.waiting.forget()
  }

  /** Ends everything; settlements that are not written stay so. */
  close(): void {
    this.#closed = true
    this.#forgetGathering()
    this.#retryTimer?.cancel()
    this.#retryTimer = undefined
    this.forgetClaims()
  }

  // Whatever woke it may have run for some attempt; what it starts belongs to no attempt, or to another.
  readonly #onTurn = (): void => {
    this.#scheduled = false
    runUnowned(() => this.#exchange())
  }

  #exchange(): void {
    if (this.#closed || !this.#hasRoom()) return
    this.#forgetGathering()
    const round = this.#nextRound()
    if (round === undefined) {
      this.#checkIdle()
      return
    }
    this.#send(round)
    if (this.#wasFilled && this.#anyWants()) this.wake()
  }

  #send(round: Round, enqueue?: EnqueueBeside): void {
    this.#underWay++
    this.#isExclusive = round.request.repeat || round.request.solo
    const enqueues = enqueue && { enqueues: [enqueue.job] }
    Promise.try(() => this.#host.store.exchange({ ...round.request, ...enqueues }))
      .then(
        async (reply) => {
          if (enqueue !== undefined) {
            enqueue.tell(enqueuedBy(reply))
            // Whoever enqueued it hears of it before its handler is called.
            await new Promise<void>((resolve) => this.#clock.defer(resolve))
          }
          this.#answered(round, reply)
        },
        (error: unknown) => {
          enqueue?.tell(undefined)
          this.#failed(round, error)
        },
      )
      .catch((error: unknown) => this.#host.fail(error))
  }

  /** Whether nothing is under way, about to go, or to be repeated. */
  #isIdle(): boolean {
    if (this.#closed || this.#scheduled || this.#retryTimer !== undefined) return false
    if (this.#underWay > 0 || this.#lost.length > 0 || this.#host.solo.engaged) return false
    return this.#settlements.length === 0 && !this.#settlements.cautious
  }

  /** Whether another exchange may start now. */
  #hasRoom(): boolean {
    if (this.#underWay === 0) return true
    if (this.#isExclusive || !this.#wasFilled || this.#lost.length > 0) return false
    return this.#underWay < this.#flights()
  }

  #nextRound(): Round | undefined {
    const { worker, rng } = this.#host
    const period = this.#period
    // Refused again and again: what goes one by one goes alone, or it would be blamed for what is wrong with a claim.
    const goesAlone = this.#settlements.cautious && this.#settlements.length > 0
    const lost = this.#underWay === 0 && !goesAlone ? this.#lost.shift() : undefined
    if (lost !== undefined) {
      // Nothing new is asked for until it is known what the lost request brought.
      const claims = this.#host.mayClaim() ? lost.request.claims : []
      const settlements = this.#settlements.take()
      return {
        request: { ...lost.request, settlements, claims, repeat: true },
        settlements,
        asks: lost.asks,
        period,
      }
    }
    const settlements = this.#settlements.take()
    // What cannot be written in this round must not be followed by more to write.
    const mayClaim =
      this.#settlements.length === 0 && !this.#settlements.cautious && this.#host.mayClaim()
    const next = mayClaim ? this.#turn() : "wait"
    // What would run alone must wait for what the other exchange brings.
    const turn = next === "solo" && this.#underWay > 0 ? "wait" : next
    const ends = settlements.length > 0
    const asks = turn === "wait" ? [] : this.#ask(turn, ends)
    if (settlements.length === 0 && asks.length === 0) return undefined
    const claims = asks.map(toClaim)
    const request = {
      worker,
      settlements,
      claims,
      token: randomToken(rng),
      repeat: false,
      solo: turn === "solo",
    }
    return { request, settlements, asks, period }
  }

  #turn(): Turn {
    const { solo, running, queues } = this.#host
    const nowMono = this.#clock.monotonic()
    const turn = solo.turn(nowMono, running + this.waiting.size, this.#anyWants())
    if (turn !== "solo" || queues.some((queue) => !queue.paused && queue.pool.free > 0)) return turn
    // No queue can take it, so it must not keep the others waiting.
    solo.claimed(false, nowMono)
    return "ordinary"
  }

  #anyWants(): boolean {
    return this.#host.queues.some((queue) => queue.wants)
  }

  #ask(turn: "ordinary" | "solo", ends: boolean): Ask[] {
    if (turn === "solo") return this.#asks.reserveSolo()
    const share = Math.ceil(slotsOf(this.#host.queues) / this.#flights())
    return this.#asks.reserve(share, ends, this.#clock.monotonic())
  }

  #answered(round: Round, reply: ExchangeReply): void {
    this.#underWay--
    this.#isExclusive = false
    this.#host.health.answered("exchange")
    this.#settlements.written()
    if (round.period === this.#period) this.#start(round, reply)
    else this.#giveBack(round)
    for (let i = 0; i < round.settlements.length; i++) {
      this.#host.settled(round.settlements[i]!, reply.settled[i]!)
    }
    for (const job of reply.ended) this.#host.endedUnrun(job)
    // An answer about a row of the past says nothing about this one.
    if (reply.workerLost && round.request.worker === this.#host.worker) this.#host.workerLost()
    this.#goOn()
  }

  #start(round: Round, reply: ExchangeReply): void {
    const { asks, request } = round
    const { claimed } = reply
    const nowMono = this.#clock.monotonic()
    // Before its handler is called, which may end at once.
    if (request.solo && asks.length > 0) this.#host.solo.claimed(claimed.length > 0, nowMono)
    this.#wasFilled = asks.some(({ limit }) => limit > 0 && claimed.length >= limit)
    for (const ask of asks) {
      const jobs =
        asks.length === 1 ? claimed : claimed.filter((job) => job.queue === ask.queue.name)
      for (const job of jobs) {
        if (ask.slots.weight > 0) this.#host.take(job, ask.slots.take(), request.solo, nowMono)
        else ask.queue.room.sit(job, ask.seats.take(), nowMono)
      }
      this.#asks.end(ask)
      this.waiting.start(ask.queue)
      if (!request.solo) {
        ask.queue.room.claimed(jobs.length, jobs.length >= ask.limit + ask.ahead, nowMono)
        const { name } = ask.queue
        ask.queue.claimed(jobs.length, ask.limit, ask.hintsBefore, {
          isHeldBack: reply.heldBack?.includes(name) === true,
          mayHaveMore: reply.more?.includes(name) === true,
        })
      }
      if (jobs.length < ask.limit) this.#host.drained()
    }
    if (!request.solo && claimed.length > 0) this.#host.solo.claimedOrdinary()
  }

  #failed(round: Round, error: unknown): void {
    this.#underWay--
    this.#isExclusive = false
    this.#wasFilled = false
    this.#settlements.putBack(round.settlements, error)
    if (round.period !== this.#period) this.#giveBack(round)
    else if (round.asks.length > 0) this.#lost.push(round)
    const delayMs = this.#host.health.failed("exchange", error)
    if (this.#closed) return
    this.#retryTimer?.cancel()
    this.#retryTimer = this.#clock.setTimer(delayMs, () => {
      this.#retryTimer = undefined
      this.#exchange()
    })
  }

  #giveBack(round: Round): void {
    for (const ask of round.asks) this.#asks.end(ask)
  }

  #goOn(): void {
    const isDue = this.#settlements.length > 0 || this.#lost.length > 0
    // A job that must run alone may have been seen while this exchange was under way.
    if (isDue || this.#anyWants() || this.#host.solo.waits) this.gather()
    else this.#checkIdle()
  }

  /** How many exchanges may be under way. */
  #flights(): number {
    return slotsOf(this.#host.queues) >= SLOTS_TO_SHARE ? (this.#host.store.flights ?? 1) : 1
  }

  #forgetGathering(): void {
    this.#gatherTimer?.cancel()
    this.#gatherTimer = undefined
  }

  #checkIdle(): void {
    if (this.#idle === undefined || this.#underWay > 0 || this.#scheduled) return
    const isDue = this.#settlements.length > 0 || this.#lost.length > 0
    if (isDue || this.#retryTimer !== undefined) return
    this.#idle.resolve()
    this.#idle = undefined
  }
}
