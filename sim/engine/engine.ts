import { assert } from "../../packages/drover/src/errors/index.ts"
import type { Rng } from "../../packages/drover/src/time/index.ts"
import { systemClock } from "../../packages/drover/src/time/index.ts"
import { EventQueue } from "./eventQueue.ts"
import type { SimEvent } from "./eventQueue.ts"

// A program that goes on without time passing hangs a real machine; here it must not hang the simulator.
const MOST_EVENTS_AT_ONE_INSTANT = 50_000

/**
 * Virtual time. One event runs, then the real event loop turns once, so that every promise callback it
 * caused has come to rest, then the next event runs. What V8 does between two turns is a function of what
 * ran before; with all time and chance drawn from the seed, a run can be repeated bit by bit.
 */
export class Engine {
  readonly #queue = new EventQueue()
  readonly #rng: Rng
  #nowMs = 0
  #order = 0
  #events = 0
  #instantMs = -1
  #atInstant = 0

  constructor(rng: Rng) {
    this.#rng = rng
  }

  /** Virtual milliseconds since the start. */
  get nowMs(): number {
    return this.#nowMs
  }

  /** How many events ran. */
  get events(): number {
    return this.#events
  }

  /** How many events wait. */
  get waiting(): number {
    return this.#queue.size
  }

  /** Schedules a callback. `tie` decides among events of one instant; it is drawn unless given. */
  at(atMs: number, run: () => void, tie: number = this.#rng.next()): SimEvent {
    const event: SimEvent = { at: Math.max(atMs, this.#nowMs), tie, order: this.#order++, run }
    this.#queue.push(event)
    return event
  }

  /**
   * Runs events until `isOver` says so or none is left.
   * @param after is called when an event and all that it caused has come to rest.
   * @throws what an event or `after` throws.
   */
  run(isOver: () => boolean, after: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const turn = (): void => {
        try {
          after()
          const event = isOver() ? undefined : this.#queue.pop()
          if (event === undefined) {
            resolve()
            return
          }
          this.#moveTo(event.at)
          event.run()
          systemClock.defer(turn)
        } catch (error) {
          reject(error as Error)
        }
      }
      systemClock.defer(turn)
    })
  }

  #moveTo(atMs: number): void {
    assert(atMs >= this.#nowMs, `virtual time went back from ${this.#nowMs} to ${atMs}`)
    this.#nowMs = atMs
    this.#events++
    if (atMs === this.#instantMs) this.#atInstant++
    else {
      this.#instantMs = atMs
      this.#atInstant = 0
    }
    if (this.#atInstant > MOST_EVENTS_AT_ONE_INSTANT) {
      throw new Error(
        `${this.#atInstant} events at ${atMs} ms: somebody spins without time passing`,
      )
    }
  }
}
