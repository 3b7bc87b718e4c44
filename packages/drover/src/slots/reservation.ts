import { DroverError } from "../errors/index.ts"

/** The side of a pool that its reservations report to. */
export interface SlotLedger {
  /** Takes slots back and wakes who waits for them, in one step. */
  give(weight: number): void
  /** Counts reservations marked as stuck. */
  stuck(by: 1 | -1): void
  doubleRelease(): void
}

/**
 * Slots that are held. They stay held until they are released, however long their user takes; a pool never
 * takes them away. With `using`, they are released when the block ends.
 */
export class Reservation implements Disposable {
  readonly #ledger: SlotLedger
  #weight: number
  #released = false
  #stuck = false

  /** Made by a `SlotPool`, which has already counted the slots. */
  constructor(weight: number, ledger: SlotLedger) {
    this.#weight = weight
    this.#ledger = ledger
  }

  /** Slots still held. */
  get weight(): number {
    return this.#weight
  }

  /** Whether `release` was called. */
  get released(): boolean {
    return this.#released
  }

  /**
   * Splits `weight` slots off into a reservation of their own.
   * @throws DroverError `DROVER_SLOTS_STATE` when fewer are held.
   */
  take(weight = 1): Reservation {
    this.#check(weight)
    this.#weight -= weight
    return new Reservation(weight, this.#ledger)
  }

  /**
   * Gives back `weight` slots early, or all that are still held. Giving back nothing is fine.
   * @throws DroverError `DROVER_SLOTS_STATE` when fewer are held.
   */
  giveBack(weight: number = this.#weight): void {
    if (weight === 0) return
    this.#check(weight)
    this.#weight -= weight
    this.#ledger.give(weight)
  }

  /**
   * Ends the use: all slots still held are free again and whoever waits is woken, in this one step. A second
   * release changes nothing, so a slot is never freed twice; the pool counts it as a mistake (`doubleReleases`).
   */
  release(): void {
    if (this.#released) {
      this.#ledger.doubleRelease()
      return
    }
    this.#end()
  }

  /** Marks the user as stuck: it was told to end and did not. It keeps its slots; the pool counts it until they are released. */
  markStuck(): void {
    if (this.#released || this.#stuck) return
    this.#stuck = true
    this.#ledger.stuck(1)
  }

  /** Releases unless that has been done. */
  [Symbol.dispose](): void {
    if (!this.#released) this.#end()
  }

  #end(): void {
    this.#released = true
    if (this.#stuck) this.#ledger.stuck(-1)
    this.giveBack()
  }

  #check(weight: number): void {
    if (Number.isSafeInteger(weight) && weight >= 1 && weight <= this.#weight) return
    throw new DroverError(
      "DROVER_SLOTS_STATE",
      `This reservation holds ${this.#weight} slots${this.#released ? " because it was released" : ""}, not ${weight}`,
      { details: { weight, held: this.#weight, released: this.#released } },
    )
  }
}
