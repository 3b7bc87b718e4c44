import type { Store } from "../../packages/drover/src/store/index.ts"
import { randomBelow, systemClock } from "../../packages/drover/src/time/index.ts"
import type { Rng } from "../../packages/drover/src/time/index.ts"
import type { Fleet } from "../fleet/fleet.ts"
import type { Reaper } from "../fleet/reaper.ts"
import type { Ground } from "../ground/ground.ts"
import type { HistoryFile } from "../history/operation.ts"
import type { FaultSpan } from "../history/runHistory.ts"
import type { Hunted } from "../mutants/planted.ts"
import type { Fault, Scene } from "./fault.ts"
import { faultsOn } from "./index.ts"

const SHORTEST_MS = 1_000
const LONGEST_MS = 10_000
// More at once than this would leave nothing to judge.
const MOST_AT_ONCE = 3
// A hunted bug's own faults come so much more often, and all faults come sooner.
const HUNT = 8

/** Lets faults strike, one to ten seconds apart, some at once, until it is told to be calm. */
export class Storm {
  readonly spans: FaultSpan[] = []
  /** Faults that could not be made or undone, in words. */
  readonly failures: string[] = []
  readonly counts: Map<string, number> = new Map()
  readonly #scene: Scene
  readonly #faults: readonly (readonly [Fault, number])[]
  readonly #hunting: boolean
  readonly #calm: AbortSignal
  readonly #rng: Rng
  readonly #raging: Set<Promise<void>> = new Set()

  constructor(parts: {
    readonly ground: Ground
    readonly fleet: Fleet
    readonly reaper: Reaper
    readonly history: HistoryFile
    readonly rng: Rng
    readonly leaseMs: number
    readonly calm: AbortSignal
    readonly control: Store
    /** What a hunted bug shows under; `null` when none is hunted. */
    readonly hunted: Pick<Hunted, "faults" | "only"> | null
  }) {
    const { ground, fleet, reaper, history, rng, leaseMs, calm, control, hunted } = parts
    this.#calm = calm
    this.#rng = rng
    this.#hunting = hunted !== null
    this.#faults = faultsOn(ground).map((fault) => [fault, weightOf(fault, hunted)])
    this.#scene = {
      ground,
      fleet,
      rng,
      leaseMs,
      leader: async () => {
        // Just now it may not be known, as when the database is down.
        const row = await control.leader().catch(() => null)
        return row?.pid
      },
      wait: (ms) => this.#wait(ms),
      during: (name, pids, body) => this.#during(history, name, { pids, body }),
      started: (pid) => reaper.process(pid),
    }
  }

  /** Resolves when it is calm and everything is undone. */
  async rage(): Promise<void> {
    while (!this.#calm.aborted) {
      const apartMs = SHORTEST_MS + randomBelow(this.#rng, LONGEST_MS - SHORTEST_MS)
      await this.#wait(this.#hunting ? apartMs / 3 : apartMs)
      if (this.#calm.aborted || this.#raging.size >= MOST_AT_ONCE) continue
      const { name, strike: begin } = this.#draw()
      const strike = begin(this.#scene)
        .catch((error: unknown) => void this.failures.push(`the fault ${name}: ${String(error)}`))
        .finally(() => this.#raging.delete(strike))
      this.#raging.add(strike)
    }
    await Promise.all(this.#raging)
  }

  #draw(): Fault {
    const sum = this.#faults.reduce((total, [, weight]) => total + weight, 0)
    let place = randomBelow(this.#rng, sum)
    for (const [fault, weight] of this.#faults) {
      place -= weight
      if (place < 0) return fault
    }
    throw new Error("there is no fault to draw")
  }

  async #wait(ms: number): Promise<void> {
    await systemClock.sleep(ms, { signal: this.#calm }).catch(() => {})
  }

  async #during(
    history: HistoryFile,
    name: string,
    { pids, body }: { pids: readonly number[] | "all"; body: () => Promise<void> },
  ): Promise<void> {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1)
    const call = history.invoke(name, { pids })
    const fromMono = systemClock.monotonic()
    // Seen by whoever judges even if it never ends.
    const place = this.spans.push({ name, pids, fromMono, toMono: Number.POSITIVE_INFINITY }) - 1
    try {
      await body()
      call.ok()
    } finally {
      this.spans[place] = { name, pids, fromMono, toMono: systemClock.monotonic() }
    }
  }
}

function weightOf({ name, weight }: Fault, hunted: Pick<Hunted, "faults" | "only"> | null): number {
  if (hunted?.faults.includes(name) === true) return HUNT * weight
  return hunted?.only === true ? 0 : weight
}
