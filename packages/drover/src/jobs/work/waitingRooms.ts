import type { Reservation } from "../../slots/index.ts"
import type { ClaimedJob } from "../../store/index.ts"
import type { Clock, Timer } from "../../time/index.ts"
import type { WorkerQueue } from "./workerQueue.ts"

/** What the rooms ask of their worker. */
export interface WaitingRoomsHost {
  readonly clock: Clock
  readonly queues: readonly WorkerQueue[]
  /** A job is this worker's, and has a slot. */
  take(job: ClaimedJob, slot: Reservation, solo: boolean, nowMono: number): void
  /** A job that is this worker's is not to start here. */
  handBack(job: ClaimedJob, reason: string, nowMono: number): void
}

const STOPPED = "the worker stopped before the handler started"
const NO_SLOT = "the worker had claimed the job ahead of a slot, and none became free"

/** The waiting rooms of all queues: who waits starts when there is a slot, and goes back when there is none for long. */
export class WaitingRooms {
  readonly #host: WaitingRoomsHost
  readonly #starting: Set<WorkerQueue> = new Set()
  #patienceTimer: Timer | undefined

  constructor(host: WaitingRoomsHost) {
    this.#host = host
  }

  /** How many jobs wait. */
  get size(): number {
    let size = 0
    for (const { room } of this.#host.queues) size += room.size
    return size
  }

  /** Starts who waits for a slot of this queue, as long as there are some. */
  start(queue: WorkerQueue): void {
    // A handler that ends at once frees its slot within the loop, which goes on by itself.
    if (this.#starting.has(queue) || queue.room.size === 0) return
    this.#starting.add(queue)
    try {
      while (this.#startNext(queue));
    } finally {
      this.#starting.delete(queue)
    }
    this.#watchPatience()
  }

  /** An attempt leaves its room, if it waits in one. */
  find(jobId: string, attempt: number): ClaimedJob | undefined {
    for (const { room } of this.#host.queues) {
      const job = room.find(jobId, attempt)
      if (job !== undefined) return job
    }
    return undefined
  }

  /** Nothing more is to start here: who waits goes back. */
  handBack(): void {
    const nowMono = this.#host.clock.monotonic()
    for (const { room } of this.#host.queues) {
      for (const job of room.clear()) this.#host.handBack(job, STOPPED, nowMono)
    }
  }

  /** The worker has no right any more to those who wait. */
  forget(): void {
    this.#patienceTimer?.cancel()
    this.#patienceTimer = undefined
    for (const { room } of this.#host.queues) room.clear()
  }

  #startNext({ room, pool }: WorkerQueue): boolean {
    const nowMono = this.#host.clock.monotonic()
    // Whoever has waited too long, because a handler blocked the process, waits for the timer's turn only.
    if (room.size === 0 || room.patienceMs(nowMono) === 0) return false
    const slot = pool.tryReserve()
    if (slot === undefined) return false
    this.#host.take(room.next()!, slot, false, nowMono)
    return true
  }

  #watchPatience(): void {
    const nowMono = this.#host.clock.monotonic()
    const waits = this.#host.queues.map(({ room }) => room.patienceMs(nowMono))
    const soonestMs = Math.min(...waits.map((ms) => ms ?? Number.POSITIVE_INFINITY))
    if (soonestMs === Number.POSITIVE_INFINITY) return
    this.#patienceTimer ??= this.#host.clock.setTimer(soonestMs, () => {
      this.#patienceTimer = undefined
      this.#handBackOverdue()
      this.#watchPatience()
    })
  }

  #handBackOverdue(): void {
    const nowMono = this.#host.clock.monotonic()
    for (const { room } of this.#host.queues) {
      for (const job of room.overdue(nowMono)) this.#host.handBack(job, NO_SLOT, nowMono)
    }
  }
}
