import { randomBelow, SeededRng } from "../../packages/drover/src/time/index.ts"
import { drawFaults, drawRareFaults, drawRates, logUniform } from "../faults/drawFaults.ts"
import type { Fault } from "../faults/fault.ts"
import { drawActions } from "../workload/drawActions.ts"
import { drawStorms } from "../workload/storms.ts"
import { drawLimits } from "../workload/limits.ts"
import { drawRetiming, drawTending } from "../workload/schedules.ts"
import type { Action } from "../workload/plan.ts"

/** What may be asked of a run beside its seed. What is left out is drawn from the seed. */
export interface RunRequest {
  readonly seed: number
  /** Length of the phase with faults. */
  readonly hours?: number | undefined
  readonly processes?: number | undefined
  /** Keep only these faults and actions of those that the seed draws, by their place in the list. */
  readonly faults?: readonly number[] | undefined
  readonly actions?: readonly number[] | undefined
}

/** Everything that the seed decides before the run begins. */
export interface SeedConfig {
  readonly seed: number
  readonly processes: number
  readonly durationMs: number
  readonly pollMs: number
  readonly sweepMs: number
  readonly skewsMs: readonly number[]
  readonly retentionMs: number
  /** Whether programs declare limits, and operators change them. */
  readonly isLimited: boolean
  readonly faults: readonly Fault[]
  readonly actions: readonly Action[]
}

// The wall clocks of one machine are the same; those of containers and after a step of NTP nearly.
const LARGEST_SKEW_MS = 400
const MINUTE_MS = 60_000
const LIMITED_SHARE = 0.4

/** Draws the configuration of a seed: a swarm, in which every seed stresses something else. */
export function drawConfig(request: RunRequest): SeedConfig {
  const { seed } = request
  const rng = new SeededRng(`config/${seed}`)
  // Mostly few: what three processes do not show, seven seldom do, and they cost twice as much.
  const drawn = 3 + Math.floor(5 * rng.next() ** 2)
  const processes = request.processes ?? drawn
  const drawnMs = logUniform(rng, 12 * MINUTE_MS, 75 * MINUTE_MS)
  const durationMs = request.hours === undefined ? drawnMs : request.hours * 60 * MINUTE_MS
  const pollMs = logUniform(rng, 1_000, 30_000)
  const sweepMs = logUniform(rng, 4_000, 20_000)
  const retentionMs = logUniform(rng, 1 * MINUTE_MS, 60 * MINUTE_MS)
  const actionCount = logUniform(rng, 15, 160)
  const keys = 1 + randomBelow(rng, 4)
  const hasSkew = rng.next() < 0.5
  const skewsMs = Array.from({ length: 8 }, () =>
    hasSkew ? Math.round((2 * rng.next() - 1) * LARGEST_SKEW_MS) : 0,
  )
  const rates = drawRates(rng)
  // Drawn for the drawn number of processes, so that fewer processes meet the same faults.
  const drawTime = drawStorms(rng, durationMs)
  const drawnFaults = drawFaults(new SeededRng(`faults/${seed}`), rates, {
    processes: drawn,
    drawTime,
  })
  const jobActions = drawActions(new SeededRng(`workload/${seed}`), {
    processes: drawn,
    drawTime,
    actions: actionCount,
    keys,
  })
  // Drawn apart, so that they change nothing about the rest of a seed.
  const tending = drawTending(new SeededRng(`schedules/${seed}`), { processes: drawn, drawTime })
  const limitRng = new SeededRng(`limits/${seed}`)
  const isLimited = limitRng.next() < LIMITED_SHARE
  const limited = isLimited ? drawLimits(limitRng, { processes: drawn, drawTime, keys }) : []
  const rareRng = new SeededRng(`rare-faults/${seed}`)
  const faults = [...drawnFaults, ...drawRareFaults(rareRng, { processes: drawn, drawTime })]
  const retimes = drawRetiming(new SeededRng(`retimes/${seed}`), { processes: drawn, drawTime })
  const actions = [...jobActions, ...tending, ...limited, ...retimes]
  return {
    seed,
    processes,
    durationMs,
    pollMs,
    sweepMs,
    skewsMs,
    retentionMs,
    isLimited,
    faults: pick(faults, request.faults),
    actions: pick(actions, request.actions),
  }
}

function pick<T>(list: readonly T[], places: readonly number[] | undefined): readonly T[] {
  if (places === undefined) return list
  return places.flatMap((place) => list[place] ?? [])
}
