import type { Drover } from "drover"

/** Shows how far an inventory is, on one line of a terminal or as lines in a log. */
export class Progress implements Disposable {
  readonly #drover: Drover
  readonly #run: string
  readonly #startedMs: number = performance.now()
  readonly #stopListening: () => void
  readonly #timer: NodeJS.Timeout
  #done = 0
  #endedMs: number | undefined

  constructor(drover: Drover, run: string) {
    this.#drover = drover
    this.#run = run
    this.#stopListening = drover.on("job.completed", ({ kind }) => {
      if (kind === "inventory.file") this.#done++
    })
    const pauseMs = process.stderr.isTTY ? 500 : 2000
    this.#timer = setInterval(() => void this.#show(), pauseMs)
    this.#timer.unref()
  }

  /** Files measured by this process. */
  get done(): number {
    return this.#done
  }

  /** Since the beginning, until the end. */
  get elapsedMs(): number {
    return (this.#endedMs ?? performance.now()) - this.#startedMs
  }

  [Symbol.dispose](): void {
    this.#endedMs = performance.now()
    clearInterval(this.#timer)
    this.#stopListening()
    if (process.stderr.isTTY) process.stderr.write("\r\u001B[K")
  }

  async #show(): Promise<void> {
    // Counting stops early: beyond this, "many" is all that a person wants to know.
    const cap = 10_000
    const left = await this.#drover
      .count(
        {
          kinds: ["inventory.file"],
          tags: [this.#run],
          states: ["available", "running", "retryable"],
        },
        cap,
      )
      .catch(() => undefined)
    if (left === undefined) return
    const rate = Math.round(this.#done / (this.elapsedMs / 1000))
    const text = `${this.#done} files measured, ${left >= cap ? `over ${cap}` : left} known to be left, ${rate} a second`
    process.stderr.write(process.stderr.isTTY ? `\r\u001B[K${text}` : `${text}\n`)
  }
}
