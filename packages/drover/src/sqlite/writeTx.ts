import type { DatabaseSync } from "node:sqlite"
import { assert, DroverError } from "../errors/index.ts"
import { jobStates, mayMove } from "../store/index.ts"
import type { EndedJob } from "../store/index.ts"
import { persistedTime } from "./clockStamp.ts"
import type { ClockStamp } from "./clockStamp.ts"
import type { Lanes } from "./lanes.ts"
import { Limits } from "./limits.ts"
import type { Queues, StoredQueue } from "./queues.ts"
import type { Statements } from "./statements.ts"
import type { StoreTimer } from "./storeTimer.ts"

/** What a read is handed. The statements belong to a connection that only reads. */
export interface ReadTx {
  readonly db: DatabaseSync
  readonly statements: Statements
  readonly lanes: Lanes
  /** Store time of this read. */
  readonly now: number
}

/** One transition of a job, as it is appended to the trail. States are codes. */
export interface TrailMove {
  readonly job: number
  /** `drover_job.trail` before the move; `null` for a new job. */
  readonly prev: number | null
  readonly from: number | null
  readonly to: number
  readonly attempt: number
  /** `drover_worker.ref` of the worker that made it. */
  readonly worker?: number | null
  readonly actor?: string | null
  readonly reason?: string | null
  /** JSON text of a StoredError. */
  readonly error?: string | null
}

const STATES = jobStates.length
// `mayMove` as a table of codes, so that the check costs one look-up: row = state before (last row: none), column = after.
const legal: readonly boolean[] = [...jobStates, null].flatMap((from) =>
  jobStates.map((to) => mayMove(from, to)),
)

/** Asserts that a job may go from one state code to another; `null` is before the enqueue. */
export function assertMove(from: number | null, to: number): void {
  assert(
    legal[(from ?? STATES) * STATES + to] === true,
    `a job must not go from ${from === null ? "nothing" : jobStates[from]} to ${jobStates[to]}`,
  )
}

/**
 * One write transaction on one connection: its time, its numbers and its trail. The numbers come from the
 * pulse row, which is read after the write lock was taken and written back once before the commit, so they
 * are handed out without a statement each and never twice.
 */
export class WriteTx implements ReadTx {
  readonly db: DatabaseSync
  readonly statements: Statements
  readonly lanes: Lanes
  readonly queues: Queues
  readonly #timer: StoreTimer
  readonly #limits: Limits = new Limits()
  #ended: EndedJob[] = []
  #instance: string | undefined
  #now = 0
  #stamp: ClockStamp = { mono: null, origin: null }
  #jobSeq = 0
  #trailSeq = 0
  #finishedBytes = 0
  #generation = 0
  #changed = false

  constructor(parts: {
    readonly db: DatabaseSync
    readonly statements: Statements
    readonly lanes: Lanes
    readonly queues: Queues
    readonly timer: StoreTimer
    /** Which database it must be, when another connection of this store knows; else it is learnt at the first `load`. */
    readonly instance?: string | undefined
  }) {
    this.db = parts.db
    this.statements = parts.statements
    this.lanes = parts.lanes
    this.queues = parts.queues
    this.#timer = parts.timer
    this.#instance = parts.instance
  }

  /** What tells the database from any other, also from an older copy of itself; `undefined` before the first `load`. */
  get instance(): string | undefined {
    return this.#instance
  }

  /** Store time of the transaction: one instant for all that happens in it. */
  get now(): number {
    return this.#now
  }

  get finishedBytes(): number {
    return this.#finishedBytes
  }

  /** Reads the pulse. The write lock must be held. @throws DroverError `DROVER_STORE_REPLACED`. */
  load(): void {
    const pulse = this.statements.first("read_pulse")
    assert(pulse !== undefined, "drover_pulse has one row")
    const [instance, , jobSeq, trailSeq, finishedBytes, generation] = pulse as [
      string,
      number,
      number,
      number,
      number,
      number,
    ]
    this.#instance ??= instance
    if (instance !== this.#instance) {
      throw new DroverError(
        "DROVER_STORE_REPLACED",
        "The database is not the one that was opened; it was replaced or restored. Restart this process.",
      )
    }
    this.#now = this.#timer.observe(persistedTime(pulse))
    this.#stamp = this.#timer.stamp
    this.#jobSeq = jobSeq
    this.#trailSeq = trailSeq
    this.#finishedBytes = finishedBytes
    this.#generation = generation
    this.#changed = false
  }

  /** Writes the pulse if anything of it changed. An idle transaction writes nothing, so that it wakes nobody. */
  save(): void {
    if (!this.#changed) return
    this.statements.run(
      "write_pulse",
      this.#now,
      this.#jobSeq,
      this.#trailSeq,
      this.#finishedBytes,
      this.#generation,
      this.#now,
      this.#stamp.mono,
      this.#stamp.origin,
    )
    this.#changed = false
  }

  /** The transaction was rolled back: what this process remembers of it may not be there. */
  forget(): void {
    this.lanes.forget()
    this.queues.forget()
    this.#limits.forget()
  }

  /** What is stored about a queue, as of this transaction. */
  queue(name: string): StoredQueue {
    return this.queues.find(this.statements, name, this.#generation)
  }

  /** What is stored about limits, as of this transaction. */
  get limits(): Limits {
    this.#limits.refresh(this.statements, this.#generation)
    return this.#limits
  }

  /** Makes the commit persist the store's time, for a decision that hangs on it and moves no job (a lease). */
  persistTime(): void {
    this.#changed = true
  }

  /** The number of a new job; with `count` the first of as many. */
  nextJobSeq(count = 1): number {
    this.#changed = true
    const first = this.#jobSeq + 1
    this.#jobSeq += count
    return first
  }

  /** The number of a new trail entry; with `count` the first of as many. */
  nextTrailSeq(count = 1): number {
    this.#changed = true
    const first = this.#trailSeq + 1
    this.#trailSeq += count
    return first
  }

  /** Notes that a job ended instead of being claimed. */
  noteEnded(job: Omit<EndedJob, "kind" | "queue" | "state">, lane: number, state: number): void {
    const { kind, queue } = this.lanes.byId(this.statements, lane)
    this.#ended.push({ ...job, kind, queue, state: jobStates[state] as EndedJob["state"] })
  }

  /** What was noted since this was asked last. */
  takeEnded(): readonly EndedJob[] {
    const ended = this.#ended
    if (ended.length > 0) this.#ended = []
    return ended
  }

  /** Counts the bytes of jobs that finished (or, negative, that were deleted or brought back). */
  addFinishedBytes(bytes: number): void {
    this.#changed = true
    this.#finishedBytes = Math.max(0, this.#finishedBytes + bytes)
  }

  /** Tells all processes that something in drover_queue, drover_limit or drover_keyed_lane changed. */
  bumpGeneration(): void {
    this.#changed = true
    this.#generation += 1
  }

  /** Appends a transition. @returns its number, which the caller writes to `drover_job.trail`. */
  addTrail(move: TrailMove): number {
    const seq = this.nextTrailSeq()
    this.writeTrail(seq, move)
    return seq
  }

  /** Like `addTrail`, under a number that was handed out before. */
  writeTrail(seq: number, move: TrailMove): void {
    assertMove(move.from, move.to)
    this.statements.run(
      "add_trail",
      seq,
      move.prev,
      move.job,
      this.#now,
      move.from,
      move.to,
      move.attempt,
      move.worker ?? null,
      move.actor ?? null,
      move.reason ?? null,
      move.error ?? null,
    )
  }
}
