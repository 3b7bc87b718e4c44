import { assert } from "../errors/index.ts"
import type { Clock, Timer, TimerOptions } from "./clock.ts"
import { monotonicOrigin } from "./monotonicOrigin.ts"
import { sleepOn } from "./sleep.ts"

// Node fires a timer with a larger delay at once, so a longer wait is cut into pieces.
const LONGEST_TIMER_MS = 2 ** 31 - 1

class SystemTimer implements Timer {
  readonly #endMono: number
  readonly #callback: () => void
  readonly #ref: boolean
  readonly #longestMs: number
  #handle: NodeJS.Timeout | undefined

  constructor(delayMs: number, callback: () => void, ref: boolean, longestMs: number) {
    this.#endMono = monotonic() + Math.max(0, delayMs)
    this.#callback = callback
    this.#ref = ref
    this.#longestMs = longestMs
    this.#arm()
  }

  cancel(): void {
    clearTimeout(this.#handle)
    this.#handle = undefined
  }

  #arm(): void {
    const leftMs = this.#endMono - monotonic()
    this.#handle = setTimeout(() => this.#fire(), timerStepMs(leftMs, this.#longestMs))
    if (!this.#ref) this.#handle.unref()
  }

  #fire(): void {
    // Node rounds down and may fire up to a millisecond early; a lease or a due time must never be early.
    if (monotonic() < this.#endMono) this.#arm()
    else this.#callback()
  }
}

/** The delay to give Node's timer while `leftMs` are left: whole, never more than Node can wait. */
export function timerStepMs(leftMs: number, longestMs: number = LONGEST_TIMER_MS): number {
  return Math.min(Math.ceil(Math.max(0, leftMs)), longestMs)
}

function monotonic(): number {
  // hrtime, not performance.now: its origin is the machine's, so threads of a process can compare readings.
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1000 + nanoseconds / 1e6
}

/** Real time, with timers of at most `longestTimerMs` under the longer waits. Tests make that short. */
export function systemClockWith(longestTimerMs: number): Clock {
  const clock: Clock = {
    now: () => Date.now(),
    monotonic,
    get monotonicOrigin() {
      return monotonicOrigin()
    },
    setTimer: (delayMs, callback, options?: TimerOptions) => {
      assert(!Number.isNaN(delayMs), "a timer's delay is a number")
      return new SystemTimer(delayMs, callback, options?.ref ?? true, longestTimerMs)
    },
    defer: (callback) => {
      setImmediate(callback)
    },
    sleep: (delayMs, options) => sleepOn(clock, delayMs, options),
  }
  return clock
}

/** Real time. */
export const systemClock: Clock = systemClockWith(LONGEST_TIMER_MS)
