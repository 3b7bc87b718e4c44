import { SlotPool } from "../../slots/index.ts"
import type { Reservation } from "../../slots/index.ts"
import type { ClaimedJob } from "../../store/index.ts"

// By the pace of the batch before, all that is claimed ahead starts within this time.
const SOON_MS = 10
// A job whose slot does not come is worth more to others. Longer than a collection of garbage takes.
const PATIENCE_MS = 100
// What several claims at once may fill.
const SEATS = 1_000

interface Seated {
  readonly job: ClaimedJob
  readonly seat: Reservation
  readonly sinceMono: number
}

/**
 * Jobs of one queue that were claimed before there was a slot for each of them, on reserved seats.
 *
 * Handlers that end within microseconds leave their slots empty for as long as the next claim takes: such a worker is held
 * up by round trips, not by its slots. So when all of a filled claim has ended before the next one goes out, that one
 * asks for twice as many, and the claim after it again, up to what the worker gets through in a moment by the pace it
 * has just shown. Whenever a handler still runs at that time, nothing is claimed ahead: then others may be faster.
 * How many handlers run at once is the slots' to say, as ever. Pure: the owner hands in readings.
 */
export class WaitingRoom {
  readonly #seats: SlotPool = new SlotPool({ limit: SEATS })
  // In order of arrival.
  readonly #seated: Set<Seated> = new Set()
  /** The newest claim, if it was filled. */
  #batch: { readonly count: number; readonly sinceMono: number } | undefined

  /** How many jobs wait. */
  get size(): number {
    return this.#seated.size
  }

  /**
   * Seats for what the next claim may bring beyond `slots`, perhaps none.
   * @param busy whether a handler of the queue still runs.
   * @param most the most jobs of one claim.
   */
  reserve(slots: number, most: number, busy: boolean, nowMono: number): Reservation {
    const batch = busy || this.size > 0 ? undefined : this.#batch
    // Until it is known what this claim brings, the pace of the one before says nothing more.
    this.#batch = undefined
    if (batch === undefined || slots === 0) return this.#seats.reserveUpTo(0)
    const soon = (batch.count * SOON_MS) / (nowMono - batch.sinceMono)
    const jobs = Math.floor(Math.min(soon, 2 * batch.count, most))
    return this.#seats.reserveUpTo(Math.max(0, jobs - slots))
  }

  /** What a claim brought, and whether it was all that was asked for. */
  claimed(count: number, isFilled: boolean, nowMono: number): void {
    this.#batch = isFilled ? { count, sinceMono: nowMono } : undefined
  }

  /** Lets a job wait. */
  sit(job: ClaimedJob, seat: Reservation, nowMono: number): void {
    this.#seated.add({ job, seat, sinceMono: nowMono })
  }

  /** The job that has waited longest leaves its seat. */
  next(): ClaimedJob | undefined {
    for (const seated of this.#seated) return this.#leave(seated)
    return undefined
  }

  /** A certain attempt leaves its seat, if it has one. */
  find(jobId: string, attempt: number): ClaimedJob | undefined {
    for (const seated of this.#seated) {
      const { job } = seated
      if (job.jobId === jobId && job.attempt === attempt) return this.#leave(seated)
    }
    return undefined
  }

  /** How long until somebody has waited too long; `undefined` while nobody waits. */
  patienceMs(nowMono: number): number | undefined {
    for (const { sinceMono } of this.#seated) return Math.max(0, sinceMono + PATIENCE_MS - nowMono)
    return undefined
  }

  /** Those who have waited too long leave. */
  overdue(nowMono: number): readonly ClaimedJob[] {
    const overdue = [...this.#seated].filter(({ sinceMono }) => nowMono - sinceMono >= PATIENCE_MS)
    return overdue.map((seated) => this.#leave(seated))
  }

  /** All leave. */
  clear(): readonly ClaimedJob[] {
    return Array.from(this.#seated, (seated) => this.#leave(seated))
  }

  #leave(seated: Seated): ClaimedJob {
    this.#seated.delete(seated)
    seated.seat.release()
    return seated.job
  }
}
