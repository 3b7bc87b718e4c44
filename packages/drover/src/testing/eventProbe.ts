import { DroverError } from "../errors/index.ts"
import type { DroverEvents, EventName, Events, Unsubscribe } from "../events/index.ts"
import { differences } from "./partialMatch.ts"

/** One event as a probe keeps it. */
export interface SeenEvent<N extends EventName = EventName> {
  readonly name: N
  readonly data: DroverEvents[N]
}

/** What an event must be: fields that it must have, or a function. */
export type EventFilter<N extends EventName> =
  | Partial<DroverEvents[N]>
  | ((data: DroverEvents[N]) => boolean)

// A wait that sees so many other events go by will not end; a test should say so instead of hanging.
const PATIENCE = 10_000

/**
 * Records every event, so that a test can wait for what happens instead of sleeping. Events are taken in
 * order: `next` begins after the last event of that name that it gave, so an event that came before the
 * question is not missed, and none is given twice.
 */
export class EventProbe {
  readonly #seen: SeenEvent[] = []
  readonly #taken: Map<EventName, number> = new Map()
  readonly #waiting: Set<() => void> = new Set()
  readonly #unsubscribe: Unsubscribe

  constructor(events: Events) {
    this.#unsubscribe = events.onAny((name, data) => {
      this.#seen.push({ name, data })
      for (const look of this.#waiting) look()
    })
  }

  /** Everything that happened, oldest first. */
  get all(): readonly SeenEvent[] {
    return this.#seen
  }

  /** The data of all events of one name that pass the filter, oldest first. Takes none of them. */
  of<N extends EventName>(name: N, filter?: EventFilter<N>): readonly DroverEvents[N][] {
    const found: DroverEvents[N][] = []
    for (const event of this.#seen) {
      if (event.name === name && passes(filter, event.data as DroverEvents[N]))
        found.push(event.data as DroverEvents[N])
    }
    return found
  }

  /**
   * Waits for the next event of this name that passes the filter, and takes it.
   * @throws DroverError `DROVER_DEADLINE` after 10 000 other events, with what was seen; the signal's reason.
   */
  next<N extends EventName>(
    name: N,
    filter?: EventFilter<N>,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<DroverEvents[N]> {
    const { signal } = options
    if (signal?.aborted) return Promise.reject(signal.reason as Error)
    const first = this.#take(name, filter)
    if (first !== null) return Promise.resolve(first)
    const until = this.#seen.length + PATIENCE
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.#waiting.delete(look)
        signal?.removeEventListener("abort", onAbort)
      }
      const onAbort = (): void => {
        end()
        reject(signal?.reason as Error)
      }
      const look = (): void => {
        const event = this.#take(name, filter)
        if (event === null && this.#seen.length < until) return
        end()
        if (event === null) reject(this.#neverCame(name))
        else resolve(event)
      }
      this.#waiting.add(look)
      signal?.addEventListener("abort", onAbort, { once: true })
    })
  }

  /** Stops recording. What was seen stays. */
  close(): void {
    this.#unsubscribe()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #take<N extends EventName>(name: N, filter: EventFilter<N> | undefined): DroverEvents[N] | null {
    for (let index = this.#taken.get(name) ?? 0; index < this.#seen.length; index++) {
      const event = this.#seen[index]!
      if (event.name !== name || !passes(filter, event.data as DroverEvents[N])) continue
      this.#taken.set(name, index + 1)
      return event.data as DroverEvents[N]
    }
    return null
  }

  #neverCame(name: EventName): DroverError {
    const counts = new Map<EventName, number>()
    for (const event of this.#seen) counts.set(event.name, (counts.get(event.name) ?? 0) + 1)
    const seen = Array.from(counts, ([other, count]) => `${count} × ${other}`).join(", ")
    return new DroverError(
      "DROVER_DEADLINE",
      `${name} did not come in ${PATIENCE} events; seen: ${seen}`,
    )
  }
}

function passes<N extends EventName>(
  filter: EventFilter<N> | undefined,
  data: DroverEvents[N],
): boolean {
  if (filter === undefined) return true
  if (typeof filter === "function") return filter(data)
  return differences(filter, data).length === 0
}
