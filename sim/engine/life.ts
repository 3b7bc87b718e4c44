import type { Clock, Rng, Timer } from "../../packages/drover/src/time/index.ts"
import { sleepOn } from "../../packages/drover/src/time/sleep.ts"
import type { Engine } from "./engine.ts"

// 2026-01-01T00:00:00Z: where the wall clocks of all simulated machines start, before skew.
export const EPOCH_MS: number = 1_767_225_600_000
// Real timers are never early and always a little late.
const TIMER_LAG_MS = 0.4

interface HeldEvent {
  readonly run: () => void
}

/**
 * One life of a simulated process, from its start to its crash or exit: its clock and everything that it
 * has scheduled. A dead life's events vanish, a paused one's are held until it resumes, as SIGKILL and
 * SIGSTOP do. Promises of a dead life are dropped because nothing settles them any more.
 */
export class Life implements Clock {
  /** All simulated processes are on one machine, whose monotonic clock they share. */
  readonly monotonicOrigin = "simulated"
  readonly name: string
  readonly bornAtMs: number
  readonly #engine: Engine
  readonly #rng: Rng
  readonly #monoOriginMs: number
  #wallSkewMs: number
  #dead = false
  #pausedUntilMs = Number.NEGATIVE_INFINITY
  #held: HeldEvent[] = []
  #pendingTimers = 0
  #deferAtMs = -1
  #deferTie = 0

  constructor(options: {
    readonly name: string
    readonly engine: Engine
    readonly rng: Rng
    readonly wallSkewMs: number
    readonly monoOriginMs: number
  }) {
    this.name = options.name
    this.#engine = options.engine
    this.#rng = options.rng
    this.#wallSkewMs = options.wallSkewMs
    this.#monoOriginMs = options.monoOriginMs
    this.bornAtMs = options.engine.nowMs
  }

  get isDead(): boolean {
    return this.#dead
  }

  get isPaused(): boolean {
    return this.#engine.nowMs < this.#pausedUntilMs
  }

  /** When it was last found stopped: the end of its latest pause, in virtual time of the run. */
  get lastStalledMs(): number {
    return this.#pausedUntilMs
  }

  /** Timers that were armed and neither fired nor were cancelled. */
  get pendingTimers(): number {
    return this.#pendingTimers
  }

  now(): number {
    return Math.floor(EPOCH_MS + this.#engine.nowMs + this.#wallSkewMs)
  }

  monotonic(): number {
    return this.#monoOriginMs + this.#engine.nowMs
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    let isPending = true
    this.#pendingTimers++
    const end = (): void => {
      if (!isPending) return
      isPending = false
      this.#pendingTimers--
    }
    this.after(this.#withLag(delayMs), () => {
      if (!isPending) return
      end()
      callback()
    })
    return { cancel: end }
  }

  /** A wait of the program's own code, with a timer that nobody stops and that is none of those counted. */
  linger(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(this.#withLag(delayMs), resolve)
    })
  }

  defer(callback: () => void): void {
    const nowMs = this.#engine.nowMs
    if (this.#deferAtMs !== nowMs) {
      this.#deferAtMs = nowMs
      this.#deferTie = this.#rng.next()
    }
    // One tie for all of an instant: the deferred work of one process keeps its order, as setImmediate's does.
    this.#engine.at(nowMs, this.#guarded(callback), this.#deferTie)
  }

  sleep(delayMs: number, options?: { readonly signal?: AbortSignal }): Promise<void> {
    return sleepOn(this, delayMs, options)
  }

  /** Virtual time of the run: what no process can see, and the checkers go by. */
  engineMs(): number {
    return this.#engine.nowMs
  }

  /** Schedules something of this life that is not one of its own timers, such as the reply of a store. */
  after(delayMs: number, callback: () => void): void {
    this.#engine.at(this.#engine.nowMs + delayMs, this.#guarded(callback))
  }

  /** SIGKILL. */
  kill(): void {
    this.#dead = true
    this.#held = []
  }

  /** SIGSTOP now, SIGCONT after `forMs`. Its clocks go on. A second pause can only prolong the first. */
  pause(forMs: number): void {
    const untilMs = this.#engine.nowMs + forMs
    if (untilMs <= this.#pausedUntilMs) return
    this.#pausedUntilMs = untilMs
    this.#engine.at(untilMs, () => this.#resume())
  }

  /** SIGCONT now. */
  wake(): void {
    this.#pausedUntilMs = this.#engine.nowMs
    this.#resume()
  }

  jumpWall(byMs: number): void {
    this.#wallSkewMs += byMs
  }

  #withLag(delayMs: number): number {
    return Math.max(0, delayMs) + (delayMs > 0 ? this.#rng.next() * TIMER_LAG_MS : 0)
  }

  #guarded(callback: () => void): () => void {
    const run = (): void => {
      if (this.#dead) return
      if (this.isPaused) this.#held.push({ run })
      else callback()
    }
    return run
  }

  #resume(): void {
    if (this.#dead || this.isPaused) return
    const held = this.#held
    this.#held = []
    // Before all others of this instant, in the order in which they came due.
    for (const { run } of held) this.#engine.at(this.#engine.nowMs, run, -1)
  }
}
