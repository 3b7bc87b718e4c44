import type { ClaimedJob } from "../store/index.ts"
import type { Clock } from "../time/index.ts"
import { PRIORITY_STEP } from "./rank.ts"

/** What of a job a mark is made of. */
type Placed = Pick<ClaimedJob, "priority" | "runAt" | "enqueuedAt">

/** Lanes and the ranks between which a claim looks, in the order in which it does. */
export interface Bands {
  readonly lanes: readonly number[]
  readonly lows: readonly number[]
  readonly highs: readonly number[]
  /** Whether jobs below the marks were left out. */
  readonly isBounded: boolean
}

// What commits this much later than it was stamped is still found at once.
const SLACK_MS = 2_000
// In a backlog each claim begins where the last one ended. So long at most, then one allows for late commits again: all
// jobs of a bulk enqueue lie within the slack, and to walk over those that are claimed costs a fifth of the throughput.
const CLOSE_MS = 50
// However expensive: a job below the mark waits no longer.
const LONGEST_BLIND_MS = 5_000
// Looking everywhere takes at most this share of the time, unless it is cheap anyway.
const SHARE = 10
const CHEAP_MS = 5

const LOWEST = -(2 ** 52)
const HIGHEST = 2 ** 62

/** Due times of one priority in one lane. */
interface Mark {
  /** What was due before this was claimed or commits later than the slack allows for. */
  readonly due: number
  /** What was due before this was claimed, or is committed just now. */
  readonly closeDue: number
}

/**
 * Where claims begin to look, for each lane and priority. While somebody keeps an old transaction open, nothing that was
 * claimed leaves the index, and a claim that begins at its start walks over all of it: half a minute of that costs 25 ms
 * for each claim. New jobs are due later than those claimed last, so a claim may begin there. What does come below
 * (late commits, retries, higher priorities that were never seen) is found by a claim without marks: every 5 s at the
 * latest, and whenever a bounded one brings too little, as long as that is cheap.
 * Source: reliability.md 3.13, D7.
 */
export class LowMarks {
  readonly #clock: Clock
  readonly #marksByLane: Map<number, Map<number, Mark>> = new Map()
  #lookedMono: number
  #costMs = 0
  /** When a claim last allowed for late commits. */
  #slackMono: number
  /** A claim was answered before everything was looked at. */
  #isOwed = false

  constructor(clock: Clock) {
    this.#clock = clock
    this.#lookedMono = clock.monotonic()
    this.#slackMono = this.#lookedMono
  }

  /** Where the next claim looks. */
  bands(lanes: readonly number[]): Bands {
    const nowMono = this.#clock.monotonic()
    if (this.#isOwed || nowMono - this.#lookedMono >= LONGEST_BLIND_MS) return unbounded(lanes)
    const isClose = nowMono - this.#slackMono < CLOSE_MS
    if (!isClose) this.#slackMono = nowMono
    return this.#bounded(lanes, isClose)
  }

  /** Where to look after a bounded claim brought too little; `undefined` when it was looked there just now. */
  again(lanes: readonly number[]): Bands | undefined {
    const blindMs = this.#clock.monotonic() - this.#lookedMono
    const mayLook =
      this.#costMs <= CHEAP_MS || blindMs >= Math.min(LONGEST_BLIND_MS, SHARE * this.#costMs)
    return mayLook ? unbounded(lanes) : undefined
  }

  /** Whether the next claim must look everywhere, whatever a bounded look says. */
  get isOwed(): boolean {
    return this.#isOwed
  }

  /** The look that `again` asked for is left to the next claim. */
  owe(): void {
    this.#isOwed = true
  }

  /** An unbounded claim was answered. @param sentMono when it was sent. */
  looked(sentMono: number): void {
    const nowMono = this.#clock.monotonic()
    this.#costMs = nowMono - sentMono
    this.#lookedMono = nowMono
    this.#isOwed = false
  }

  /** These jobs of a lane were claimed, in order. @param wasFilled whether there may be more behind them. */
  claimed(lane: number, jobs: readonly Placed[], wasFilled: boolean): void {
    let marks = this.#marksByLane.get(lane)
    if (marks === undefined) {
      marks = new Map()
      this.#marksByLane.set(lane, marks)
    }
    // Of each priority the first one is due first, and the last one last.
    const dues = new Map<number, { readonly first: number; last: number }>()
    for (const { priority, runAt, enqueuedAt } of jobs) {
      const due = Math.max(runAt, enqueuedAt)
      const seen = dues.get(priority)
      if (seen === undefined) dues.set(priority, { first: due, last: due })
      else seen.last = due
    }
    for (const [priority, { first, last }] of dues) {
      const due = Math.max(first - SLACK_MS, marks.get(priority)?.due ?? Number.NEGATIVE_INFINITY)
      marks.set(priority, { due, closeDue: wasFilled ? Math.max(last, due) : due })
    }
  }

  /**
   * Where a look whether anything waits in a lane goes: below the first rank, or from the second one on. Everywhere, as
   * long as that is cheap, and where several priorities leave more gaps than two ranks can tell.
   */
  outlook(lane: number): readonly [below: number, from: number] {
    const marks = this.#marksByLane.get(lane)
    const blindMs = this.#clock.monotonic() - this.#lookedMono
    const isCheap = this.#costMs <= CHEAP_MS || blindMs >= LONGEST_BLIND_MS
    if (isCheap || marks === undefined || marks.size !== 1) return [LOWEST, LOWEST]
    const [[priority, { due }]] = [...marks] as [[number, Mark]]
    return [priority * PRIORITY_STEP, priority * PRIORITY_STEP + due]
  }

  /** Jobs of these lanes may have come back below the marks. */
  forget(lanes: Iterable<number>): void {
    for (const lane of lanes) this.#marksByLane.delete(lane)
  }

  #bounded(lanes: readonly number[], isClose: boolean): Bands {
    const bands = { lanes: [] as number[], lows: [] as number[], highs: [] as number[] }
    let isBounded = false
    for (const lane of lanes) {
      const marks = this.#marksByLane.get(lane)
      let low = LOWEST
      if (marks !== undefined) {
        for (const [priority, mark] of [...marks].toSorted((a, b) => a[0] - b[0])) {
          isBounded = true
          // Up to this priority, then only what is due later than its mark.
          if (priority > 0) push(bands, lane, low, priority * PRIORITY_STEP)
          low = priority * PRIORITY_STEP + (isClose ? mark.closeDue : mark.due)
        }
      }
      push(bands, lane, low, HIGHEST)
    }
    return { ...bands, isBounded }
  }
}

function unbounded(lanes: readonly number[]): Bands {
  return {
    lanes,
    lows: lanes.map(() => LOWEST),
    highs: lanes.map(() => HIGHEST),
    isBounded: false,
  }
}

function push(
  bands: { readonly lanes: number[]; readonly lows: number[]; readonly highs: number[] },
  lane: number,
  low: number,
  high: number,
): void {
  bands.lanes.push(lane)
  bands.lows.push(low)
  bands.highs.push(high)
}
