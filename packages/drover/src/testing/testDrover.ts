import { Drover } from "../client/index.ts"
import type { DroverOptions } from "../client/index.ts"
import { Events } from "../events/index.ts"
import { sqlite } from "../sqlite/index.ts"
import type { StoreSource } from "../store/index.ts"
import { ManualClock, SeededRng } from "../time/index.ts"
import { drain } from "./drain.ts"
import type { DrainOptions, DrainReport } from "./drain.ts"
import { nextTick } from "./nextTick.ts"
import type { FiredTick } from "./nextTick.ts"
import { EventProbe } from "./eventProbe.ts"

/** Options of a client for tests: those of every client, and how its world begins. */
export interface TestDroverOptions extends Omit<
  DroverOptions,
  "store" | "migrate" | "clock" | "rng" | "events"
> {
  /** @default a database in memory, of its own */
  readonly store?: StoreSource
  /** Apply pending migrations when the store is opened. @default true */
  readonly migrate?: boolean
  /** Where randomness begins: the same seed gives the same ids, tokens and delays. @default 1 */
  readonly seed?: number | string
  /** Wall time at the start. @default 2026-01-01T00:00:00Z */
  readonly startAt?: Date | number
}

/** A client with its own world: a database in memory, a clock that moves by hand, a record of all events. */
export interface TestDrover extends AsyncDisposable {
  readonly drover: Drover
  readonly clock: ManualClock
  readonly rng: SeededRng
  readonly probe: EventProbe
  /** Runs what is due; see `drain`. */
  drain(options?: DrainOptions): Promise<DrainReport>
  /** Moves time to the next tick of a schedule and fires it; see `nextTick`. */
  nextTick(name: string): Promise<FiredTick>
}

/**
 * Makes a client for one test. Dispose it at the end: `await using world = createTestDrover({ jobs })`.
 * @throws DroverError `DROVER_CONFIG` for options that no client takes.
 */
export function createTestDrover(options: TestDroverOptions = {}): TestDrover {
  const { store = sqlite(":memory:"), seed = 1, startAt, ...rest } = options
  const clock = new ManualClock(startAt === undefined ? undefined : Number(startAt))
  const rng = new SeededRng(seed)
  const events = new Events()
  const probe = new EventProbe(events)
  const drover = new Drover({ migrate: true, ...rest, store, clock, rng, events })
  return {
    drover,
    clock,
    rng,
    probe,
    drain: (drainOptions) => drain(drover, drainOptions),
    nextTick: (name) => nextTick(drover, clock, name),
    [Symbol.asyncDispose]: () => drover.close(),
  }
}
