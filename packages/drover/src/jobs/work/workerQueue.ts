import type { Events } from "../../events/index.ts"
import { SlotPool } from "../../slots/index.ts"
import type { QueueSettings } from "../../store/index.ts"
import { WaitingRoom } from "./waitingRoom.ts"

/**
 * One queue as a worker sees it: its slots, the kinds it can run, what operators have set, and whether there
 * may be work. The last is a hint that errs on the side of a claim too many.
 */
export class WorkerQueue {
  readonly name: string
  readonly kinds: readonly string[]
  readonly pool: SlotPool
  readonly room: WaitingRoom = new WaitingRoom()
  readonly #events: Events
  #ownSlots: number
  #setSlots: number | null = null
  #paused = false
  #mayHaveWork = true
  #hints = 0
  #isHeldBack = false

  constructor(options: {
    readonly name: string
    readonly kinds: readonly string[]
    readonly slots: number
    readonly events: Events
  }) {
    this.name = options.name
    this.kinds = options.kinds
    this.#events = options.events
    this.#ownSlots = options.slots
    this.pool = new SlotPool({ limit: options.slots })
  }

  get paused(): boolean {
    return this.#paused
  }

  /** Whether a claim is worth while now. */
  get wants(): boolean {
    return this.#mayHaveWork && !this.#paused && this.pool.free > 0
  }

  /** Whether only limits held back jobs at the last claim. */
  get isHeldBack(): boolean {
    return this.#isHeldBack
  }

  /** Whether only limits held back jobs at the last claim: whatever ends may make room, so a claim goes with it. */
  get wantsAfterEnd(): boolean {
    return this.#isHeldBack && !this.#paused && this.pool.free > 0
  }

  /** Grows with each hint: whoever reads it before a claim sees afterwards whether one came in between. */
  get hints(): number {
    return this.#hints
  }

  /** There may be a job that is due. */
  hint(): void {
    this.#hints++
    this.#mayHaveWork = true
  }

  /**
   * What a claim found. One that was filled leaves the queue wanting more; one that was not means that the queue is
   * empty, unless a hint came after `hintsBefore` was read (that job may have been committed after the claim), or the
   * store says that there may be more.
   */
  claimed(
    count: number,
    limit: number,
    hintsBefore: number,
    told: { readonly isHeldBack: boolean; readonly mayHaveMore: boolean },
  ): void {
    this.#isHeldBack = told.isHeldBack
    this.#mayHaveWork = count >= limit || this.#hints !== hintsBefore || told.mayHaveMore
  }

  /** Changes the slots that this worker gives the queue; what an operator has stored for it goes first. */
  resize(slots: number): void {
    this.#ownSlots = slots
    this.#applySlots()
  }

  /** Takes over what is stored about the queue. */
  apply(settings: QueueSettings | undefined): void {
    const paused = settings?.paused ?? false
    this.#setSlots = settings?.slots ?? null
    this.#applySlots()
    if (paused === this.#paused) return
    this.#paused = paused
    if (!paused) this.hint()
    this.#events.emit(paused ? "queue.paused" : "queue.resumed", { queue: this.name })
  }

  #applySlots(): void {
    const slots = this.#setSlots ?? this.#ownSlots
    if (slots === this.pool.limit) return
    if (slots > this.pool.limit) this.hint()
    this.pool.resize(slots)
    this.#events.emit("queue.resized", { queue: this.name, slots })
  }
}
