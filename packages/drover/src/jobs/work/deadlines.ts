import type { Clock, Timer } from "../../time/index.ts"
import { runUnowned } from "./strayErrors.ts"

/** Something that must be told when its time is over. It carries its own place in the heap. */
export interface Deadline {
  /** When, on the monotonic clock. */
  dueMono: number
  /** Owned by `Deadlines`; -1 while it is not in the heap. */
  place: number
  onDue(nowMono: number): void
}

/**
 * All deadlines of a worker on one timer: a binary heap that knows where each entry is, so adding and removing
 * cost O(log n) of the jobs that run now, and no job costs a timer of its own. Removing does not touch the
 * timer: it may fire once with nothing due, which is cheaper than moving it for each job.
 */
export class Deadlines {
  readonly #clock: Clock
  readonly #heap: Deadline[] = []
  #timer: Timer | undefined
  #timerMono = Number.POSITIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#heap.length
  }

  /** @param dueMono a reading of the clock; one in the past is told at the next turn. */
  add(entry: Deadline, dueMono: number): void {
    if (entry.place >= 0) this.remove(entry)
    entry.dueMono = dueMono
    entry.place = this.#heap.length
    this.#heap.push(entry)
    this.#up(entry)
    if (entry.place === 0 && dueMono < this.#timerMono) this.#arm(dueMono)
  }

  /** Safe to call for an entry that is not in the heap. */
  remove(entry: Deadline): void {
    const { place } = entry
    if (place < 0) return
    entry.place = -1
    const last = this.#heap.pop()
    if (last === undefined || last === entry) return
    last.place = place
    this.#heap[place] = last
    this.#up(last)
    this.#down(last)
  }

  /** Forgets everything; nobody is told. */
  clear(): void {
    for (const entry of this.#heap) entry.place = -1
    this.#heap.length = 0
    this.#timer?.cancel()
    this.#timerMono = Number.POSITIVE_INFINITY
  }

  #arm(dueMono: number): void {
    this.#timer?.cancel()
    this.#timerMono = dueMono
    // The attempt that happened to arm the timer owns nothing of what the others do when theirs is due.
    const fire = (): void => runUnowned(() => this.#fire())
    this.#timer = this.#clock.setTimer(dueMono - this.#clock.monotonic(), fire, { ref: false })
  }

  #fire(): void {
    this.#timerMono = Number.POSITIVE_INFINITY
    const nowMono = this.#clock.monotonic()
    let first = this.#heap[0]
    while (first !== undefined && first.dueMono <= nowMono) {
      this.remove(first)
      first.onDue(nowMono)
      first = this.#heap[0]
    }
    if (first !== undefined && first.dueMono < this.#timerMono) this.#arm(first.dueMono)
  }

  #up(entry: Deadline): void {
    const heap = this.#heap
    let { place } = entry
    while (place > 0) {
      const above = (place - 1) >> 1
      const parent = heap[above]!
      if (parent.dueMono <= entry.dueMono) break
      heap[place] = parent
      parent.place = place
      place = above
    }
    heap[place] = entry
    entry.place = place
  }

  #down(entry: Deadline): void {
    const heap = this.#heap
    let { place } = entry
    for (;;) {
      let below = 2 * place + 1
      if (below >= heap.length) break
      if (below + 1 < heap.length && heap[below + 1]!.dueMono < heap[below]!.dueMono) below++
      const child = heap[below]!
      if (child.dueMono >= entry.dueMono) break
      heap[place] = child
      child.place = place
      place = below
    }
    heap[place] = entry
    entry.place = place
  }
}
