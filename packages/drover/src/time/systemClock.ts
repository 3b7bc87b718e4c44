import type { Clock, Timer, TimerOptions } from "./clock.ts"
import { sleepOn } from "./sleep.ts"

// Node fires a timer with a larger delay at once, so a longer wait is cut into pieces.
const LONGEST_TIMER_MS = 2 ** 31 - 1

class SystemTimer implements Timer {
  readonly #endMono: number
  readonly #callback: () => void
  readonly #ref: boolean
  #handle: NodeJS.Timeout | undefined

  constructor(delayMs: number, callback: () => void, ref: boolean) {
    this.#endMono = monotonic() + Math.max(0, delayMs)
    this.#callback = callback
    this.#ref = ref
    this.#arm()
  }

  cancel(): void {
    clearTimeout(this.#handle)
    this.#handle = undefined
  }

  #arm(): void {
    const leftMs = Math.max(0, this.#endMono - monotonic())
    this.#handle = setTimeout(() => this.#fire(), Math.min(Math.ceil(leftMs), LONGEST_TIMER_MS))
    if (!this.#ref) this.#handle.unref()
  }

  #fire(): void {
    // Node rounds down and may fire up to a millisecond early; a lease or a due time must never be early.
    if (monotonic() < this.#endMono) this.#arm()
    else this.#callback()
  }
}

function monotonic(): number {
  // hrtime, not performance.now: its origin is the machine's, so threads of a process can compare readings.
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1000 + nanoseconds / 1e6
}

/** Real time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic,
  setTimer: (delayMs: number, callback: () => void, options?: TimerOptions) =>
    new SystemTimer(delayMs, callback, options?.ref ?? true),
  defer: (callback: () => void) => {
    setImmediate(callback)
  },
  sleep: (delayMs, options) => sleepOn(systemClock, delayMs, options),
}
