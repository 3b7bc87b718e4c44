/**
 * Runs a task after things have been quiet for a moment, one run at a time. What happens during a run brings another
 * one after it; however much happens, only one waits.
 */

/** Calls back once after a while; returns how not to. */
export type After = (delayMs: number, callback: () => void) => () => void

export class Turn {
  readonly #after: After
  readonly #quietMs: number
  readonly #task: () => Promise<void>
  #cancel: (() => void) | null = null
  #running: Promise<void> | null = null
  #isWanted = false
  #isStopped = false

  /**
   * @param options.quietMs - how long nothing may happen before the task runs
   * @param options.task - must not reject
   */
  constructor(options: { after: After; quietMs: number; task: () => Promise<void> }) {
    this.#after = options.after
    this.#quietMs = options.quietMs
    this.#task = options.task
  }

  /** Something happened. */
  request(): void {
    if (this.#isStopped) return
    this.#isWanted = true
    this.#cancel?.()
    this.#cancel = this.#after(this.#quietMs, () => {
      this.#cancel = null
      this.#start()
    })
  }

  /** Nothing starts any more; waits for the run that is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#isWanted = false
    this.#cancel?.()
    this.#cancel = null
    await this.#running
  }

  #start(): void {
    // The end of the run looks again.
    if (this.#running || !this.#isWanted || this.#isStopped) return
    this.#isWanted = false
    this.#running = this.#task().finally(() => {
      this.#running = null
      if (this.#cancel === null) this.#start()
    })
  }
}
