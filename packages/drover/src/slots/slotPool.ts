import { checkOptions, DroverError, orDefault, Timeout } from "../errors/index.ts"
import { parseDuration, systemClock } from "../time/index.ts"
import type { Clock, Duration, Timer } from "../time/index.ts"
import { Reservation } from "./reservation.ts"
import type { SlotLedger } from "./reservation.ts"

/** Options of a `SlotPool`. */
export interface SlotPoolOptions {
  /** How many slots there are. 0 is a pause. */
  readonly limit: number
  /** How many callers of `acquire` may wait at once; the next one is refused with `DROVER_SLOTS_FULL`. @default 10_000 */
  readonly maxWaiting?: number
  /** @default systemClock */
  readonly clock?: Clock
}

/** Options of `SlotPool.acquire`. */
export interface AcquireOptions {
  /** How many slots at once; all or none. @default 1 */
  readonly weight?: number
  /** Ends the wait: it rejects with exactly `signal.reason`. */
  readonly signal?: AbortSignal
  /** Longest wait; then it rejects with `Timeout`. @default no limit */
  readonly timeout?: Duration
}

/** What a pool is doing, and what it has done. */
export interface SlotStats {
  readonly limit: number
  /** Slots in use. Above `limit` only after it was lowered below what ran. */
  readonly reserved: number
  /** Slots that may be reserved now: never negative. */
  readonly free: number
  /** Callers of `acquire` that wait. */
  readonly waiting: number
  /** The most slots ever in use at once. */
  readonly peak: number
  /** Reservations in use that were marked as stuck. */
  readonly stuck: number
  /** Slots handed out so far; equals `released` when `reserved` is 0. */
  readonly granted: number
  readonly released: number
  /** Releases of what was released already. They changed nothing, and each is a mistake of the caller. */
  readonly doubleReleases: number
}

const DEFAULT_MAX_WAITING = 10_000

// A caller of `acquire` that waits.
interface Waiter {
  readonly weight: number
  readonly grant: (reservation: Reservation) => void
}

/**
 * A pool of slots, the right to do so many things at once. Slots are reserved first, used, then released;
 * each is one synchronous step, so at no instant are more reserved than the limit allows, and a wake-up
 * that comes late finds no slot and does nothing.
 *
 * First come, first served: while a caller waits in `acquire`, nobody else is given a slot that would let it wait
 * longer, so a caller that needs many is not starved by those that need one.
 */
export class SlotPool {
  readonly #clock: Clock
  readonly #maxWaiting: number
  // In order of arrival; a set, so that an abort removes its waiter wherever it stands.
  readonly #waiters: Set<Waiter> = new Set()
  readonly #freeListeners: Set<() => void> = new Set()
  readonly #ledger: SlotLedger
  #limit: number
  #reserved = 0
  #peak = 0
  #stuck = 0
  #granted = 0
  #released = 0
  #doubleReleases = 0

  /** @throws DroverError `DROVER_CONFIG` for an unknown option or a value that is not a whole number. */
  constructor(options: SlotPoolOptions) {
    checkOptions(options, ["limit", "maxWaiting", "clock"], "slots")
    this.#limit = wholeNumber(options.limit, 0, "slots.limit")
    this.#maxWaiting = wholeNumber(
      orDefault(options.maxWaiting, DEFAULT_MAX_WAITING),
      0,
      "slots.maxWaiting",
    )
    this.#clock = options.clock ?? systemClock
    this.#ledger = {
      give: (weight) => this.#give(weight),
      stuck: (by) => {
        this.#stuck += by
      },
      doubleRelease: () => {
        this.#doubleReleases++
      },
    }
  }

  get limit(): number {
    return this.#limit
  }

  /** Slots in use. */
  get reserved(): number {
    return this.#reserved
  }

  /** Slots that may be reserved now: 0 while the limit is below what runs, or while somebody waits for them. */
  get free(): number {
    return this.#someoneIsNext() ? 0 : this.#room()
  }

  /** Callers of `acquire` that wait. */
  get waiting(): number {
    return this.#waiters.size
  }

  get stats(): SlotStats {
    return {
      limit: this.#limit,
      reserved: this.#reserved,
      free: this.free,
      waiting: this.waiting,
      peak: this.#peak,
      stuck: this.#stuck,
      granted: this.#granted,
      released: this.#released,
      doubleReleases: this.#doubleReleases,
    }
  }

  /** Reserves `weight` slots now, or gives `undefined`: too few are free, or somebody waits for them. */
  tryReserve(weight = 1): Reservation | undefined {
    wholeNumber(weight, 1, "weight")
    return weight <= this.free ? this.#reserve(weight) : undefined
  }

  /**
   * Reserves as many slots as are free, `most` at the most and perhaps none, in one reservation that can be
   * divided: `take` a slot for each thing that was found to do, `giveBack` the rest.
   */
  reserveUpTo(most: number): Reservation {
    wholeNumber(most, 0, "most")
    return this.#reserve(Math.min(most, this.free))
  }

  /**
   * Waits for `weight` slots, first come, first served. While the limit is 0 it waits; the same when the limit
   * is lowered below its weight afterwards (then others may pass it until the limit is raised).
   * @throws exactly `signal.reason`; `Timeout`; `DROVER_SLOTS_FULL` when too many wait already; `DROVER_CONFIG`
   * when the weight is above the limit, because it could wait for ever.
   */
  async acquire(options: AcquireOptions = {}): Promise<Reservation> {
    checkOptions(options, ["weight", "signal", "timeout"], "slots.acquire")
    options.signal?.throwIfAborted()
    const weight = wholeNumber(orDefault(options.weight, 1), 1, "weight")
    const timeoutMs =
      options.timeout === undefined ? undefined : parseDuration(options.timeout, "timeout")
    this.#checkWeight(weight)
    if (weight <= this.free) return this.#reserve(weight)
    this.#checkCapacity()
    return this.#wait(weight, options.signal, timeoutMs)
  }

  /** Acquires, calls `use`, and releases however that ends. */
  async run<T>(
    use: (reservation: Reservation) => T | Promise<T>,
    options: AcquireOptions = {},
  ): Promise<T> {
    using reservation = await this.acquire(options)
    return await use(reservation)
  }

  /** Changes the number of slots. Lowering never takes a slot away from its user, 0 pauses, raising wakes at once. */
  resize(limit: number): void {
    this.#limit = wholeNumber(limit, 0, "limit")
    this.#serve()
  }

  /**
   * Calls `listener` whenever slots have become free and nobody waits for them: a hint to look for work, given
   * in the same step. It may come when there is nothing to do, and never promises that the slot is still free.
   *
   * Slots that a batch gives back are hinted at like any other, because somebody else may have found none. So a
   * claimer that found less work than it had slots for must remember that before it gives the rest back, and
   * ignore hints until it is told of work: or its own `giveBack` would send it to look again, for ever.
   */
  onFree(listener: () => void): () => void {
    const own = (): void => listener()
    this.#freeListeners.add(own)
    return () => this.#freeListeners.delete(own)
  }

  #room(): number {
    return Math.max(0, this.#limit - this.#reserved)
  }

  // A waiter whose weight is above the limit is not next: until the limit is raised, it must not block the others.
  #someoneIsNext(): boolean {
    for (const waiter of this.#waiters) if (waiter.weight <= this.#limit) return true
    return false
  }

  #reserve(weight: number): Reservation {
    this.#reserved += weight
    this.#granted += weight
    this.#peak = Math.max(this.#peak, this.#reserved)
    return new Reservation(weight, this.#ledger)
  }

  #give(weight: number): void {
    this.#reserved -= weight
    this.#released += weight
    this.#serve()
  }

  // Hands free slots to those who wait, in order, and gives the hint about what is left.
  #serve(): void {
    for (const waiter of this.#waiters) {
      if (waiter.weight > this.#limit) continue
      if (waiter.weight > this.#room()) return
      this.#waiters.delete(waiter)
      waiter.grant(this.#reserve(waiter.weight))
    }
    if (this.#room() === 0) return
    for (const listener of this.#freeListeners) this.#tell(listener)
  }

  #tell(listener: () => void): void {
    try {
      listener()
    } catch (error) {
      // The release must not fail because a listener did; but a listener that throws is a bug and must be seen.
      this.#clock.defer(() => {
        throw error
      })
    }
  }

  #wait(
    weight: number,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
  ): Promise<Reservation> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        timer?.cancel()
        signal?.removeEventListener("abort", onAbort)
      }
      const waiter: Waiter = {
        weight,
        grant: (reservation) => {
          settle()
          resolve(reservation)
        },
      }
      const leave = (reason: Error): void => {
        settle()
        reject(reason)
        this.#waiters.delete(waiter)
        // Whoever stood behind may need less and be served by what is free already.
        this.#serve()
      }
      const onAbort = (): void => leave(signal?.reason as Error)
      const timer = this.#timer(timeoutMs, leave)
      signal?.addEventListener("abort", onAbort, { once: true })
      this.#waiters.add(waiter)
    })
  }

  #timer(timeoutMs: number | undefined, leave: (reason: Error) => void): Timer | undefined {
    if (timeoutMs === undefined) return undefined
    return this.#clock.setTimer(timeoutMs, () =>
      leave(new Timeout(`No slot became free within ${timeoutMs} ms`, { details: { timeoutMs } })),
    )
  }

  #checkWeight(weight: number): void {
    if (this.#limit === 0 || weight <= this.#limit) return
    throw new DroverError(
      "DROVER_CONFIG",
      `A weight of ${weight} can never be served by ${this.#limit} slots; lower the weight or raise the limit`,
      { details: { weight, limit: this.#limit } },
    )
  }

  #checkCapacity(): void {
    if (this.#waiters.size < this.#maxWaiting) return
    throw new DroverError(
      "DROVER_SLOTS_FULL",
      `${this.#waiters.size} callers already wait for a slot; try later, or raise maxWaiting`,
      { details: { waiting: this.#waiters.size, maxWaiting: this.#maxWaiting } },
    )
  }
}

function wholeNumber(value: number, least: number, name: string): number {
  if (Number.isSafeInteger(value) && value >= least) return value
  throw new DroverError(
    "DROVER_CONFIG",
    `${name}: ${String(value)} cannot work; it must be a whole number of at least ${least}`,
    { details: { name, value } },
  )
}
