import { assert } from "../../errors/index.ts"
import { CronExpression } from "./cronExpression.ts"
import { nextInstant } from "./nextInstant.ts"
import type { ClockChangePolicy } from "./nextInstant.ts"
import { TimeZone } from "./timeZone.ts"

/** When a schedule is due, as it is stored: a cron expression in a zone, or an interval; between two instants. */
export interface TimingSettings extends ClockChangePolicy {
  /** `null` for an interval. */
  readonly cron: string | null
  /** `null` for a cron expression. */
  readonly everyMs: number | null
  readonly timeZone: string
  /** No tick is planned before, and an interval is counted from it. */
  readonly startAt: number | null
  /** No tick is planned after. */
  readonly endAt: number | null
}

/** The planned instants of a schedule, in order: all that is asked of a timing is what comes after an instant. */
export class Timing {
  readonly #settings: TimingSettings
  readonly #anchorAt: number
  readonly #cron: { readonly expression: CronExpression; readonly zone: TimeZone } | null

  /**
   * @param anchorAt where an interval without `startAt` is counted from, so that it never drifts.
   * @throws DroverError `DROVER_CONFIG` for what cannot be read.
   */
  constructor(settings: TimingSettings, anchorAt: number, where: string) {
    this.#settings = settings
    this.#anchorAt = anchorAt
    const { cron, timeZone } = settings
    // Also of an interval: a zone that does not exist is a mistake wherever it stands.
    const zone = TimeZone.named(timeZone, `${where}.timeZone`)
    this.#cron =
      cron === null ? null : { expression: new CronExpression(cron, `${where}.cron`), zone }
  }

  /** The first planned instant after `afterMs`, or `null` when there is none any more. */
  next(afterMs: number): number | null {
    const { startAt, endAt } = this.#settings
    const fromMs = startAt === null ? afterMs : Math.max(afterMs, startAt - 1)
    const at =
      this.#cron === null
        ? this.#nextOfInterval(fromMs)
        : nextInstant(this.#cron.expression, this.#cron.zone, this.#settings, fromMs)
    return at === null || (endAt !== null && at > endAt) ? null : at
  }

  /** The last planned instant in `[firstAt, untilMs]`, of which `firstAt` is one. Costs the same whatever lies between. */
  last(firstAt: number, untilMs: number): number {
    assert(firstAt <= untilMs, "the first instant lies within")
    // By halving: something is planned after `low`, nothing after `high`.
    let low = firstAt - 1
    let high = untilMs
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2)
      const next = this.next(middle)
      if (next === null || next > untilMs) high = middle
      else low = next - 1 > middle ? next - 1 : middle
    }
    return low + 1
  }

  /** The last `count` planned instants in `[firstAt, untilMs]`, in order; fewer when there are fewer. */
  lastFew(firstAt: number, untilMs: number, count: number): number[] {
    const found: number[] = []
    let until = untilMs
    let gapMs = untilMs - firstAt
    while (found.length < count && until >= firstAt) {
      // Mostly as far apart as the two after it, which saves most of the halving.
      const near = this.next(Math.max(firstAt, until - 2 * gapMs) - 1)
      const at = this.last(near !== null && near <= until ? near : firstAt, until)
      gapMs = (found.at(-1) ?? untilMs) - at
      found.push(at)
      until = at - 1
    }
    return found.toReversed()
  }

  #nextOfInterval(afterMs: number): number {
    const { everyMs, startAt } = this.#settings
    assert(everyMs !== null, "a timing has a cron expression or an interval")
    const base = startAt ?? this.#anchorAt
    // The instant from which an interval is counted is a tick only where the user chose it.
    const least = startAt === null ? 1 : 0
    return base + Math.max(Math.floor((afterMs - base) / everyMs) + 1, least) * everyMs
  }
}
