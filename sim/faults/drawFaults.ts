import type { Rng } from "../../packages/drover/src/time/index.ts"
import { randomBelow } from "../../packages/drover/src/time/index.ts"
import { faultKinds } from "./fault.ts"
import type { CallEffect, Fault, FaultKind } from "./fault.ts"

/** How many faults of each kind a run expects. 0 for those that this seed's swarm leaves out. */
export type FaultRates = Readonly<Record<FaultKind, number>>

// Faults per run at most and at least, when the kind takes part at all. Drawn log-uniformly, so that runs with
// one fault of a kind are as likely as runs that are full of them.
const BOUNDS: Readonly<Record<FaultKind, readonly [number, number]>> = {
  crash: [0.5, 12],
  pause: [1, 14],
  block: [0.5, 20],
  jump: [0.3, 4],
  deaf: [0.5, 10],
  full: [0.3, 4],
  outage: [0.3, 4],
  deploy: [0.5, 8],
  call: [2, 60],
  brownout: [0.5, 8],
}
const LEFT_OUT = 0.35
// The chance of each rare fault in a run.
const RARE = 0.15

const LEASE_MS = 30_000
const HOUR_MS = 3_600_000

const effects: readonly (readonly [CallEffect, number])[] = [
  ["delay", 3],
  ["late_reply", 2],
  ["error_before", 3],
  ["lost_reply", 5],
  ["busy", 2],
  ["twice", 2],
  ["ghost", 2],
  ["die_before", 1],
  ["die_after", 2],
  ["stop_during", 2],
]

// Weighted by how much depends on them.
const operations: readonly (readonly [string, number])[] = [
  ["exchange", 8],
  ["any", 5],
  ["enqueue", 4],
  ["beat", 4],
  ["peek", 2],
  ["rescue", 2],
  ["registerWorker", 1],
  ["retireWorker", 1],
  ["act", 2],
  ["edit", 1],
  ["setQueue", 3],
  ["progress", 1],
  ["appendLog", 1],
  ["expire", 1],
  ["prune", 1],
  ["bid", 2],
  ["renewTerm", 2],
  ["resignTerm", 2],
  ["claimTurn", 1],
]

/** Draws which kinds of faults this seed has, and how many: a swarm of configurations finds more than one rich one. */
export function drawRates(rng: Rng): FaultRates {
  const rates: Record<string, number> = {}
  for (const kind of faultKinds) {
    const [low, high] = BOUNDS[kind]
    const drawn = low * (high / low) ** rng.next()
    rates[kind] = rng.next() < LEFT_OUT ? 0 : drawn
  }
  return rates as FaultRates
}

/** Draws the list of faults of a run, in the order of their time. */
export function drawFaults(
  rng: Rng,
  rates: FaultRates,
  options: { readonly processes: number; readonly drawTime: (rng: Rng) => number },
): readonly Fault[] {
  const faults: Fault[] = []
  for (const kind of faultKinds) {
    const count = Math.floor(rates[kind] + rng.next())
    for (let i = 0; i < count; i++) {
      const atMs = options.drawTime(rng)
      faults.push(drawFault(kind, atMs, randomBelow(rng, options.processes), rng))
    }
  }
  return faults.toSorted((a, b) => a.atMs - b.atMs)
}

/**
 * Draws what the others hardly ever bring about: the reply of a bid that wins is lost, since the first bids of a run
 * meet it; and that of a worker's farewell, since the process is told to stop.
 */
export function drawRareFaults(
  rng: Rng,
  options: { readonly processes: number; readonly drawTime: (rng: Rng) => number },
): readonly Fault[] {
  const faults: Fault[] = []
  const process = randomBelow(rng, options.processes)
  const lost = { kind: "call", process, effect: "lost_reply", count: 1 } as const
  if (rng.next() < RARE) faults.push({ ...lost, atMs: 0, op: "bid", ms: logUniform(rng, 1, 1_000) })
  if (rng.next() < RARE) {
    const atMs = options.drawTime(rng)
    faults.push({ ...lost, atMs, op: "retireWorker", ms: logUniform(rng, 1, 1_000) })
    faults.push({ kind: "deploy", atMs, process, downMs: logUniform(rng, 500, 30_000) })
  }
  return faults
}

function drawFault(kind: FaultKind, atMs: number, process: number, rng: Rng): Fault {
  switch (kind) {
    case "crash":
      return { kind, atMs, process, downMs: logUniform(rng, 500, 90_000) }
    case "pause":
      // Mostly about as long as it takes others to notice.
      return {
        kind,
        atMs,
        process,
        forMs:
          rng.next() < 0.7
            ? logUniform(rng, 0.9 * LEASE_MS, 1.8 * LEASE_MS)
            : logUniform(rng, 0.3 * LEASE_MS, 3 * LEASE_MS),
      }
    case "block":
      return { kind, atMs, process, forMs: logUniform(rng, 20, 8_000) }
    case "jump": {
      const byMs = (rng.next() < 0.5 ? -1 : 1) * logUniform(rng, 900, HOUR_MS)
      // The processes of a SQLite file are on one machine, whose clock is set for all of them. One alone is set back
      // only: such a clock merely stands behind, while one that runs ahead of the others is no machine's.
      const isAlone = rng.next() < 0.5 && byMs < 0
      return { kind, atMs, process: isAlone ? process : null, byMs }
    }
    case "deaf":
      return { kind, atMs, process, forMs: logUniform(rng, 1_000, 120_000) }
    case "full":
      return { kind, atMs, forMs: logUniform(rng, 500, 60_000) }
    case "outage":
      return {
        kind,
        atMs,
        process: rng.next() < 0.5 ? process : null,
        forMs: logUniform(rng, 500, 3 * LEASE_MS),
      }
    case "brownout":
      return {
        kind,
        atMs,
        process,
        forMs: logUniform(rng, LEASE_MS / 3, 1.5 * LEASE_MS),
        // Slower than the margin of a lease, mostly quicker than what is left of its trust.
        ms: logUniform(rng, 6_000, 20_000),
        goneMs: logUniform(rng, LEASE_MS / 2, 2 * LEASE_MS),
      }
    case "deploy":
      return { kind, atMs, process, downMs: logUniform(rng, 500, 30_000) }
    case "call":
      return {
        kind,
        atMs,
        process,
        op: weighted(rng, operations),
        effect: weighted(rng, effects),
        ms: logUniform(rng, 1, 40_000),
        count: 1 + Math.floor(4 * rng.next() ** 3),
      }
  }
}

/** Whole numbers whose logarithm is spread evenly: short and long are equally likely. */
export function logUniform(rng: Rng, low: number, high: number): number {
  return Math.round(low * (high / low) ** rng.next())
}

/** Draws one of the entries, each with the chance of its weight. */
export function weighted<T>(rng: Rng, entries: readonly (readonly [T, number])[]): T {
  let left = rng.next() * entries.reduce((sum, [, weight]) => sum + weight, 0)
  for (const [value, weight] of entries) {
    left -= weight
    if (left < 0) return value
  }
  return entries.at(-1)![0]
}
