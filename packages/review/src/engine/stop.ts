/** When a review has to end: because somebody called it off, or because its time is up. */
import { monotonicMs, nextTurn } from "./clock.ts"

/** Work is done in pieces of this length, between which signals are heard. */
const PIECE_MS = 30

export class Stop {
  readonly signal: AbortSignal | undefined
  readonly #deadlineMono: number
  #pieceEndMono: number
  #isLate = false

  constructor(options: {
    readonly signal?: AbortSignal | undefined
    readonly deadlineMs?: number | undefined
  }) {
    this.signal = options.signal
    this.#deadlineMono = monotonicMs() + (options.deadlineMs ?? Infinity)
    this.#pieceEndMono = monotonicMs() + PIECE_MS
  }

  /** Whether the deadline ended work anywhere: then the report is not whole. */
  get isLate(): boolean {
    return this.#isLate
  }

  /**
   * Whether to go on with the next piece of work.
   * @throws the signal's reason
   */
  async goesOn(): Promise<boolean> {
    if (monotonicMs() >= this.#pieceEndMono) {
      await nextTurn()
      this.#pieceEndMono = monotonicMs() + PIECE_MS
    }
    this.signal?.throwIfAborted()
    if (monotonicMs() >= this.#deadlineMono) this.#isLate = true
    return !this.#isLate
  }
}
