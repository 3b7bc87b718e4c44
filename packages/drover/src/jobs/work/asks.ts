import type { Reservation } from "../../slots/index.ts"
import type { ClaimRequest } from "../../store/index.ts"
import type { WorkerQueue } from "./workerQueue.ts"

/** What is asked for in one queue, and the slots and seats that are held for it. */
export interface Ask {
  readonly queue: WorkerQueue
  readonly slots: Reservation
  readonly limit: number
  readonly seats: Reservation
  readonly ahead: number
  readonly hintsBefore: number
}

// Bounds the time that one transaction, and the start of what it claimed, block the event loop.
const MAX_CLAIMS = 500

/** Reserves what claims may bring, before they go out, and remembers it until they are answered. */
export class Asks {
  readonly #queues: readonly WorkerQueue[]
  readonly #claimsAhead: boolean
  readonly #open: Set<Ask> = new Set()
  #rounds = 0

  /** @param claimsAhead whether jobs may be claimed before there are slots for them. */
  constructor(queues: readonly WorkerQueue[], claimsAhead: boolean) {
    this.#queues = queues
    this.#claimsAhead = claimsAhead
  }

  /**
   * Free slots of every queue that wants jobs, and seats where handlers prove to be fast.
   * @param share the most slots that this claim may take.
   * @param ends whether attempts end with this exchange, which may make room under limits.
   */
  reserve(share: number, ends: boolean, nowMono: number): Ask[] {
    const queues = this.#queues
    const asks: Ask[] = []
    let left = Math.min(MAX_CLAIMS, share)
    let most = MAX_CLAIMS
    // Each round begins with another queue, so that one which could fill every claim leaves room for the others.
    const first = this.#rounds++ % queues.length
    for (const queue of [...queues.slice(first), ...queues.slice(0, first)]) {
      if (left <= 0 || !(queue.wants || (ends && queue.wantsAfterEnd))) continue
      const busy = !this.#claimsAhead || this.#executing(queue) > 0
      const slots = queue.pool.reserveUpTo(left)
      const seats = queue.room.reserve(slots.weight, most, busy, nowMono)
      asks.push(this.#hold(queue, slots, seats))
      left -= slots.weight
      most -= slots.weight + seats.weight
    }
    return asks
  }

  /** One slot in each queue, for one job from whichever has one. */
  reserveSolo(): Ask[] {
    const asks: Ask[] = []
    for (const queue of this.#queues) {
      const slots = queue.paused ? undefined : queue.pool.tryReserve()
      if (slots === undefined) continue
      asks.push(this.#hold(queue, slots, queue.room.reserve(0, 0, true, 0)))
    }
    return asks
  }

  /** Gives back what was not filled. */
  end(ask: Ask): void {
    this.#open.delete(ask)
    ask.seats.release()
    ask.slots.release()
  }

  #hold(queue: WorkerQueue, slots: Reservation, seats: Reservation): Ask {
    const asked = { limit: slots.weight, ahead: seats.weight, hintsBefore: queue.hints }
    const ask = { queue, slots, seats, ...asked }
    this.#open.add(ask)
    return ask
  }

  /** How many slots of a queue have a handler. */
  #executing(queue: WorkerQueue): number {
    let executing = queue.pool.reserved
    for (const ask of this.#open) if (ask.queue === queue) executing -= ask.slots.weight
    return executing
  }
}

/** An ask as the store is told it. */
export function toClaim({ queue: { name, kinds }, limit, ahead }: Ask): ClaimRequest {
  const claim = { queue: name, kinds, limit }
  return ahead > 0 ? { ...claim, ahead } : claim
}
