import { assert } from "../errors/index.ts"
import type { Clock, Timer } from "./clock.ts"
import { parseDuration } from "./duration.ts"
import type { Duration } from "./duration.ts"
import { sleepOn } from "./sleep.ts"

interface Entry {
  readonly dueMono: number
  readonly order: number
  readonly callback: () => void
}

// Enough turns of the real event loop for promise chains of any practical length to come to rest.
const SETTLE_TURNS = 3

let made = 0

/**
 * A clock that moves only when told to. Timers fire in the order of their due time, then of their
 * creation, and promise callbacks run to rest between any two of them, so a test can say "30 seconds
 * later" and mean it.
 */
export class ManualClock implements Clock {
  /** Whoever is handed this clock may compare its readings, and nobody else. */
  readonly monotonicOrigin: string = `manual ${++made}`
  #wallMs: number
  #mono = 0
  #order = 0
  readonly #entries: Set<Entry> = new Set()

  /** @param startAt wall time at the start, in ms since 1970. @default 2026-01-01T00:00:00Z */
  constructor(startAt = 1_767_225_600_000) {
    this.#wallMs = startAt
  }

  now(): number {
    return this.#wallMs
  }

  monotonic(): number {
    return this.#mono
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    assert(!Number.isNaN(delayMs), "a timer's delay is a number")
    const entry: Entry = {
      dueMono: this.#mono + Math.max(0, delayMs),
      order: this.#order++,
      callback,
    }
    this.#entries.add(entry)
    return {
      cancel: () => {
        this.#entries.delete(entry)
      },
    }
  }

  /** Deferred work is not time: it runs on the real event loop at once. */
  defer(callback: () => void): void {
    setImmediate(callback)
  }

  sleep(delayMs: number, options?: { readonly signal?: AbortSignal }): Promise<void> {
    return sleepOn(this, delayMs, options)
  }

  /** How many timers wait. Tests use it to see that nothing leaks. */
  get pending(): number {
    return this.#entries.size
  }

  /** Moves time on (`"2h"`, or milliseconds), firing on the way what comes due, also what those callbacks arm. */
  async advance(by: Duration): Promise<void> {
    const endMono = this.#mono + parseDuration(by, "advance")
    await this.settle()
    for (;;) {
      const next = this.#takeDue(endMono)
      if (next === undefined) break
      this.#moveTo(next.dueMono)
      next.callback()
      await this.settle()
    }
    this.#moveTo(endMono)
    await this.settle()
  }

  /** Lets the wall clock jump, as an administrator or NTP would; the monotonic clock does not move. */
  jumpWall(byMs: number): void {
    this.#wallMs += byMs
  }

  /** Lets all pending promise callbacks and deferred work run; time does not move. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < SETTLE_TURNS; turn++) {
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
  }

  #takeDue(endMono: number): Entry | undefined {
    let first: Entry | undefined
    for (const entry of this.#entries) {
      if (entry.dueMono > endMono) continue
      if (first === undefined || entry.dueMono < first.dueMono) first = entry
      else if (entry.dueMono === first.dueMono && entry.order < first.order) first = entry
    }
    if (first !== undefined) this.#entries.delete(first)
    return first
  }

  #moveTo(mono: number): void {
    this.#wallMs += mono - this.#mono
    this.#mono = mono
  }
}
