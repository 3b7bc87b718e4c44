import { expect, test } from "vitest"
import { ManualClock, SeededRng } from "../time/index.ts"
import { retry } from "./index.ts"
import type { RetryPolicyOptions } from "./index.ts"

const RETRIERS = 100
const ATTEMPTS = 12
const BIN_MS = 10

// When each of 100 callers that failed at the same instant came back, in bins of 10 ms.
async function comeBacks(policy: RetryPolicyOptions, seed: number): Promise<number[][]> {
  const clock = new ManualClock()
  const rng = new SeededRng(seed)
  const bins: number[][] = Array.from({ length: RETRIERS }, () => [])
  const all = bins.map((own, index) =>
    retry(
      ({ attempt }) => {
        // The first attempts are together by the premise.
        if (attempt > 1) own.push(Math.floor(clock.monotonic() / BIN_MS))
        throw new Error("unavailable")
      },
      { ...policy, maxAttempts: ATTEMPTS, clock, rng: rng.fork(`retrier ${index}`) },
    ).catch(() => undefined),
  )
  while (clock.pending > 0 || bins.some((own) => own.length === 0)) await clock.advance(3_600_000)
  await Promise.all(all)
  return bins
}

interface Herd {
  /** The largest part of the 100 that came back for the same time in the same bin. */
  readonly crowd: number
  /** The largest part of their attempts that any two spent in the same bins. */
  readonly pair: number
  /** The part of all attempts that met another one in their bin. */
  readonly met: number
}

function measure(bins: readonly (readonly number[])[]): Herd {
  const retries = ATTEMPTS - 1
  const inBin = new Map<number, number>()
  for (const bin of bins.flat()) inBin.set(bin, (inBin.get(bin) ?? 0) + 1)
  const met = bins.flat().filter((bin) => inBin.get(bin)! > 1).length / (RETRIERS * retries)
  let [crowd, pair] = [0, 0]
  for (let round = 0; round < retries; round++) {
    const seen = new Map<number, number>()
    for (const own of bins) seen.set(own[round]!, (seen.get(own[round]!) ?? 0) + 1)
    crowd = Math.max(crowd, ...[...seen.values()].map((count) => count / RETRIERS))
  }
  bins.forEach((one, i) => {
    for (const other of bins.slice(i + 1)) {
      pair = Math.max(pair, one.filter((bin) => other.includes(bin)).length / retries)
    }
  })
  return { crowd, pair, met }
}

test.each([
  ["full", {}],
  ["decorrelated", { jitter: "decorrelated", base: "4s" }],
  ["equal", { jitter: "equal", base: "2s" }],
  ["a ratio of one half", { jitter: 0.5, base: "2s" }],
] as const)(
  "100 who fail together, jitter %s: not a quarter of them, and no two for a quarter of their attempts, share 10 ms",
  async (_name, policy) => {
    for (let seed = 1; seed <= 5; seed++) {
      const herd = measure(await comeBacks(policy, seed))
      expect(herd.crowd).toBeLessThan(0.25)
      expect(herd.pair).toBeLessThanOrEqual(0.25)
      expect(herd.met).toBeLessThan(0.25)
    }
  },
)

test.each([
  ["a fixed delay", { backoff: "fixed", jitter: "none" }],
  ["exponential growth without jitter", { jitter: "none" }],
] as const)("%s fails every one of these measures", async (_name, policy) => {
  expect(measure(await comeBacks(policy, 1))).toEqual({ crowd: 1, pair: 1, met: 1 })
})
