import { answered } from "../leadership/index.ts"
import type { RetryPolicy } from "../retry/index.ts"
import { RunLoop, Service } from "../service/index.ts"
import type { Startable } from "../service/index.ts"
import type { Fenced } from "../store/index.ts"
import { Batch } from "./batch.ts"
import type { BatchLimits } from "./batch.ts"
import type { TermContext } from "./maintenanceService.ts"

/** What one batch did. */
export interface BatchReply {
  readonly rows: number
  /** Whether there is more to do now. */
  readonly more: boolean
  /** When there may be something to do that is known of now. If that is before the next turn, a round comes then. */
  readonly nextInMs?: number
}

/** A periodic service of the leader. */
export interface TurnLoopOptions {
  readonly name: string
  /** From the stamp of one turn to the next, over all leaders. */
  readonly everyMs: number
  readonly batch: BatchLimits
  /** The first round comes at the start, also when the last turn of another leader was a moment ago. @default false */
  readonly atStart?: boolean
  /** Longest wait for one batch. @default 30 s */
  readonly answerMs?: number
  /** Does at most `size` rows. */
  readonly work: (size: number, signal: AbortSignal) => Promise<Fenced<BatchReply>>
}

// After so many batches the service takes a breath, so that it never takes a database for itself.
const BATCHES = 10
const BREATH_MS = 100
// The store's own timeouts come first; this one is for a store that hangs.
const ANSWER_MS = 30_000

/**
 * Makes a periodic service of the leader: it asks the store whether it is due, counted from the stamp of its last turn
 * under whichever leader, works in batches, and ends its term where a write is fenced. Each has a loop of its own, so
 * a slow one holds up none of the others; a turn that failed is not used up.
 */
export function turnLoop(context: TermContext, options: TurnLoopOptions): Startable {
  const turns = new Turns(context, options)
  return new Service({
    name: options.name,
    events: context.events,
    start: (scope) => {
      const { clock, rng, events } = context
      const loop = new RunLoop({
        ...{ clock, rng, events, name: options.name },
        intervalMs: options.everyMs,
        backoff: backoffOf(options.everyMs),
        ref: false,
        round: (signal) => turns.round(signal),
      })
      scope.spawn((signal) =>
        loop.run(signal).catch((error: unknown) => throwUnless(signal, error)),
      )
    },
  })
}

class Turns {
  readonly #context: TermContext
  readonly #options: TurnLoopOptions
  readonly #batch: Batch
  // A turn that was taken and not finished, or a round that need not be due.
  #owed: boolean

  constructor(context: TermContext, options: TurnLoopOptions) {
    this.#context = context
    this.#options = options
    this.#batch = new Batch(options.batch)
    this.#owed = options.atStart ?? false
  }

  /** @returns ms until the next round. */
  async round(signal: AbortSignal): Promise<number> {
    const { name, everyMs } = this.#options
    const { store, term } = this.#context
    if (!this.#owed) {
      const request = { term, service: name, everyMs }
      const turn = await this.#ask(store.claimTurn(request), "claimTurn", signal)
      if (turn === "term_ended") return this.#end()
      if (!turn.due) return turn.nextInMs
      this.#owed = true
    }
    let rows = 0
    for (let batch = 0; batch < BATCHES && !signal.aborted; batch++) {
      const reply = await this.#work(signal)
      if (reply === "term_ended") return this.#end()
      rows += reply.rows
      if (reply.more) continue
      const nextInMs = Math.min(everyMs, reply.nextInMs ?? everyMs)
      this.#owed = nextInMs < everyMs
      return this.#swept(rows, nextInMs)
    }
    return this.#swept(rows, BREATH_MS)
  }

  #swept(rows: number, nextInMs: number): number {
    const { events, term } = this.#context
    const { name: service } = this.#options
    if (rows > 0) events.emit("maintenance.swept", { service, term: term.term, rows })
    return nextInMs
  }

  async #work(signal: AbortSignal): Promise<Fenced<BatchReply>> {
    const { name, work } = this.#options
    try {
      const { answerMs = ANSWER_MS } = this.#options
      const reply = await this.#ask(work(this.#batch.size, signal), name, signal, answerMs)
      this.#batch.succeeded()
      return reply
    } catch (error) {
      if (!signal.aborted) this.#batch.failed(error)
      throw error
    }
  }

  // A stop does not wait for a store that hangs: what lands later is fenced.
  #ask<T>(answer: Promise<T>, what: string, signal: AbortSignal, ms = ANSWER_MS): Promise<T> {
    return answered(this.#context.clock, answer, { ms, what, signal })
  }

  #end(): number {
    this.#context.termEnded()
    return this.#options.everyMs
  }
}

function backoffOf(everyMs: number): RetryPolicy {
  const baseMs = Math.min(500, everyMs)
  return {
    backoff: "exponential",
    baseMs,
    factor: 2,
    // A failing service keeps its pace at least, and does not wait for a day because its turns are days apart.
    capMs: Math.max(baseMs, Math.min(everyMs, 60_000)),
    jitter: "equal",
    maxAttempts: false,
  }
}

function throwUnless(signal: AbortSignal, error: unknown): void {
  if (!signal.aborted) throw error
}
