import type { Rng } from "../../packages/drover/src/time/index.ts"
import { randomBelow } from "../../packages/drover/src/time/index.ts"

// How far from its middle most of a storm happens.
const WIDTH_MS = 45_000
const CALM = 0.25

/**
 * Draws instants, most of them in a few storms: work and faults meet when they come together, and the quiet
 * in between costs the simulator nearly nothing.
 * @returns a function that draws one instant; workload and faults use the same storms.
 */
export function drawStorms(rng: Rng, durationMs: number): (rng: Rng) => number {
  const count = 2 + randomBelow(rng, 6)
  const middles = Array.from({ length: count }, () => rng.next() * durationMs)
  return (draws) => {
    if (draws.next() < CALM) return Math.floor(draws.next() * durationMs)
    const middleMs = middles[randomBelow(draws, middles.length)]!
    // The sum of three uniform numbers: near the middle mostly, never far away.
    const offset = draws.next() + draws.next() + draws.next() - 1.5
    const atMs = middleMs + offset * 2 * WIDTH_MS
    return Math.floor(Math.min(durationMs, Math.max(0, atMs)))
  }
}
