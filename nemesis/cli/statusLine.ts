import { formatDuration } from "../../packages/drover/src/time/index.ts"
import type { RunStatus } from "../run/runOptions.ts"

/** One line on a terminal that always shows how far the run is; nothing where there is no terminal. */
export class StatusLine {
  readonly #terminal: NodeJS.WriteStream | undefined

  /** @param terminal where to, if that is one. */
  constructor(terminal: NodeJS.WriteStream | undefined) {
    this.#terminal = terminal?.isTTY === true ? terminal : undefined
  }

  show({ phase, leftMs, workers, faults, raging }: RunStatus): void {
    const left = leftMs > 0 ? ` ${formatDuration(Math.ceil(leftMs / 1_000) * 1_000)} left,` : ""
    const now = raging.length === 0 ? "" : `: ${raging.join(", ")}`
    this.#write(`${phase}${left} ${workers} workers, ${faults} faults${now}`)
  }

  clear(): void {
    this.#write("")
  }

  #write(text: string): void {
    this.#terminal?.write(`\r\u001b[K${text.slice(0, (this.#terminal.columns ?? 80) - 1)}`)
  }
}
