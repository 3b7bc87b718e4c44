import type { Clock } from "../time/index.ts"

// Hints come with every commit of other processes on some stores; so often at most is one followed.
const HINT_GAP_MS = 200

/** A wait that hints may cut short. Hints coalesce: any number of them is one, and one that comes early is kept. */
export class Pause {
  readonly #clock: Clock
  #hinted = false
  #followedMono = Number.NEGATIVE_INFINITY
  #wake: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  wake(): void {
    this.#hinted = true
    this.#wake?.()
  }

  /** Waits for `ms`, or for a hint and then `spreadMs`, so that those who hear it together do not act together. */
  async listening(ms: number, spreadMs: number, signal: AbortSignal): Promise<void> {
    const endMono = this.#clock.monotonic() + ms
    if (!this.#hinted) await this.#wait(ms, signal)
    if (!this.#hinted || signal.aborted) return
    const nowMono = this.#clock.monotonic()
    const gapMs = this.#followedMono + HINT_GAP_MS - nowMono
    const leftMs = Math.min(endMono - nowMono, Math.max(spreadMs, gapMs))
    await this.deaf(leftMs, signal)
    this.#hinted = false
    this.#followedMono = this.#clock.monotonic()
  }

  /** Waits for `ms`, whatever is hinted. */
  async deaf(ms: number, signal: AbortSignal): Promise<void> {
    if (ms <= 0 || signal.aborted) return
    await this.#clock.sleep(ms, { signal, ref: false }).catch(() => {})
  }

  #wait(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel()
        signal.removeEventListener("abort", end)
        this.#wake = undefined
        resolve()
      }
      const timer = this.#clock.setTimer(ms, end, { ref: false })
      signal.addEventListener("abort", end, { once: true })
      if (signal.aborted) end()
      else this.#wake = end
    })
  }
}
