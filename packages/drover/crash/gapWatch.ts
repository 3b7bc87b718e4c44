import type { Clock } from "../src/time/index.ts"

const TURN_MS = 2

/** Measures how long the event loop stands still, and how much of that time this process itself was at work. */
export class GapWatch {
  readonly #clock: Clock
  #lastMono = 0
  #lastCpu = process.cpuUsage()
  worstGapMs = 0
  worstOwnMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  start(): void {
    this.#lastMono = this.#clock.monotonic()
    this.#lastCpu = process.cpuUsage()
    this.#arm()
  }

  #arm(): void {
    this.#clock.setTimer(TURN_MS, () => this.#turn(), { ref: false })
  }

  #turn(): void {
    const mono = this.#clock.monotonic()
    const { user, system } = process.cpuUsage(this.#lastCpu)
    const gapMs = mono - this.#lastMono - TURN_MS
    this.worstGapMs = Math.max(this.worstGapMs, gapMs)
    // Other threads of the process count too, so it may be more than the gap.
    this.worstOwnMs = Math.max(this.worstOwnMs, Math.min(gapMs, (user + system) / 1_000))
    this.#lastMono = mono
    this.#lastCpu = process.cpuUsage()
    this.#arm()
  }
}
