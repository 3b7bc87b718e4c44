import fc from "fast-check"
import { expect, test } from "vitest"
import { SeededRng } from "../time/index.ts"
import { delayWithFloor } from "./delay.ts"
import { backoffMs, defaultRetryPolicy, resolveRetryPolicy, retryDelayMs } from "./index.ts"
import type { Jitter, RetryPolicy } from "./index.ts"

const jitters: fc.Arbitrary<Jitter> = fc.oneof(
  fc.constantFrom("full", "equal", "decorrelated", "none"),
  fc.double({ min: 0.01, max: 1, noNaN: true }),
)
const policies: fc.Arbitrary<RetryPolicy> = fc
  .record({
    backoff: fc.constantFrom("exponential", "fixed", "linear"),
    base: fc.integer({ min: 0, max: 100_000 }),
    above: fc.integer({ min: 0, max: 10_000_000 }),
    factor: fc.double({ min: 1, max: 100, noNaN: true }),
    jitter: jitters,
  })
  .map(({ base, above, ...rest }) => resolveRetryPolicy({ ...rest, base, cap: base + above }))
const attempts = fc.oneof(
  fc.integer({ min: 1, max: 40 }),
  fc.constantFrom(10_000, Number.MAX_SAFE_INTEGER),
)

test("every delay is whole, within its jitter's bounds, and never above the cap", () => {
  fc.assert(
    fc.property(
      policies,
      attempts,
      fc.integer(),
      fc.option(fc.nat(20_000_000)),
      (policy, attempt, seed, previous) => {
        const delay = retryDelayMs(attempt, policy, new SeededRng(seed), {
          ...(previous === null ? {} : { previousDelayMs: previous }),
        })
        const plain = backoffMs(attempt, policy)
        expect(Number.isSafeInteger(delay)).toBe(true)
        expect(delay).toBeGreaterThanOrEqual(0)
        expect(delay).toBeLessThanOrEqual(policy.capMs)
        // A delay that nobody remembers may have been any.
        const [low, high] = bounds(
          policy,
          plain,
          previous ?? (attempt === 1 ? policy.baseMs : Infinity),
        )
        expect(delay).toBeGreaterThanOrEqual(Math.floor(low))
        expect(delay).toBeLessThanOrEqual(Math.ceil(high))
      },
    ),
  )
})

function bounds(
  { jitter, baseMs }: RetryPolicy,
  plain: number,
  previous: number,
): [number, number] {
  if (jitter === "decorrelated") return [baseMs, Math.max(baseMs, 3 * previous)]
  if (jitter === "none") return [plain, plain]
  if (jitter === "full") return [0, plain]
  if (jitter === "equal") return [plain / 2, plain]
  return [plain * (1 - jitter), plain * (1 + jitter)]
}

test("without jitter the wait never shrinks from one attempt to the next, and stays at the cap", () => {
  fc.assert(
    fc.property(policies, fc.integer({ min: 1, max: 2_000 }), (policy, attempt) => {
      expect(backoffMs(attempt + 1, policy)).toBeGreaterThanOrEqual(backoffMs(attempt, policy))
      expect(backoffMs(attempt, policy)).toBeLessThanOrEqual(policy.capMs)
    }),
  )
  expect(backoffMs(10_000, defaultRetryPolicy)).toBe(3_600_000)
  expect(backoffMs(10_000, resolveRetryPolicy({ base: 0 }))).toBe(0)
})

test.each([
  ["exponential", [1_000, 2_000, 4_000, 8_000, 10_000]],
  ["fixed", [1_000, 1_000, 1_000, 1_000, 1_000]],
  ["linear", [1_000, 2_000, 3_000, 4_000, 5_000]],
] as const)("the %s backoff grows as its name says", (backoff, expected) => {
  const policy = resolveRetryPolicy({ backoff, jitter: "none", cap: "10s" })
  const rng = new SeededRng(1)
  expect([1, 2, 3, 4, 5].map((attempt) => retryDelayMs(attempt, policy, rng))).toEqual(expected)
})

test("both ends of a jitter's range are reached and not passed, and fractions are cut off", () => {
  const lowest = { next: () => 0, fill: () => {} }
  const highest = { next: () => 1 - 2 ** -53, fill: () => {} }
  const ends = (jitter: Jitter): number[] => {
    const policy = resolveRetryPolicy({ base: "2s", cap: "10s", jitter })
    return [lowest, highest].map((rng) => retryDelayMs(2, policy, rng, { previousDelayMs: 3_000 }))
  }
  expect(ends("full")).toEqual([0, 4_000])
  expect(ends("equal")).toEqual([2_000, 4_000])
  expect(ends("decorrelated")).toEqual([2_000, 9_000])
  expect(ends(0.25)).toEqual([3_000, 5_000])
  const odd = resolveRetryPolicy({ base: 3, factor: 1.5, jitter: "none" })
  expect(retryDelayMs(2, odd, lowest)).toBe(4)
})

test("a custom delay that only comes later is refused, and its failure ends no process", () => {
  const delay = (): never => Promise.reject(new Error("late")) as never
  const policy = resolveRetryPolicy({ backoff: "custom", delay })
  expect(() => retryDelayMs(1, policy, new SeededRng(1))).toThrow("retry.delay")
})

test("a custom delay is told the attempt and the error, and is capped", () => {
  const told: unknown[] = []
  const policy = resolveRetryPolicy({
    cap: "1m",
    delay: (context) => {
      told.push(context)
      return context.attempt === 1 ? "20s" : "20m"
    },
  })
  const rng = new SeededRng(1)
  expect(retryDelayMs(1, policy, rng, { error: "e" })).toBe(20_000)
  expect(retryDelayMs(2, policy, rng)).toBe(60_000)
  expect(told).toEqual([
    { attempt: 1, error: "e" },
    { attempt: 2, error: undefined },
  ])
  const wrong = resolveRetryPolicy({ delay: () => Number.NaN })
  expect(() => retryDelayMs(1, wrong, rng)).toThrow("retry.delay")
})

test("an attempt below 1 is a bug", () => {
  for (const attempt of [0, -1, 1.5, Number.NaN]) {
    expect(() => retryDelayMs(attempt, defaultRetryPolicy, new SeededRng(1))).toThrow(
      /attempt must be/,
    )
  }
})

// Draws for one attempt, or for decorrelated jitter a chain of them long enough to have reached the cap.
function draws(jitter: Jitter, attempt: number, count: number): number[] {
  const policy = resolveRetryPolicy({ jitter, cap: "10m" })
  const rng = new SeededRng(`${jitter}/${attempt}`)
  return Array.from({ length: count }, () => {
    let previousDelayMs: number | undefined
    const first = jitter === "decorrelated" ? 1 : attempt
    for (let i = first; i <= attempt; i++)
      previousDelayMs = retryDelayMs(i, policy, rng, { previousDelayMs })
    return previousDelayMs!
  })
}

const spread = (["full", "equal", "decorrelated", 0.2] as const).flatMap((jitter) =>
  [1, 4, 10, 25].map((attempt) => [jitter, attempt] as const),
)

test.each(spread)(
  "jitter %s, attempt %d: no single delay has more than a percent",
  (jitter, attempt) => {
    const count = 20_000
    const seen = new Map<number, number>()
    for (const delay of draws(jitter, attempt, count)) seen.set(delay, (seen.get(delay) ?? 0) + 1)
    expect(Math.max(...seen.values())).toBeLessThan(count / 100)
  },
)

test.each([
  ["full", 1, 0, 1_000],
  ["full", 5, 0, 16_000],
  ["full", 25, 0, 600_000],
  ["equal", 5, 8_000, 16_000],
  [0.2, 5, 12_800, 19_200],
  [0.2, 25, 480_000, 600_000],
  ["decorrelated", 1, 1_000, 3_000],
] as const)("jitter %s, attempt %d is uniform from %d to %d ms", (jitter, attempt, low, high) => {
  // Kolmogorov-Smirnov: with n draws, a distance of 1.95 / sqrt(n) is exceeded once in 1000 seeds.
  const sorted = draws(jitter, attempt, 10_000).toSorted((a, b) => a - b)
  const distance = sorted.reduce((most, delay, i) => {
    const expected = (delay - low + 0.5) / (high - low + 1)
    return Math.max(most, Math.abs((i + 0.5) / sorted.length - expected))
  }, 0)
  expect(distance).toBeLessThan(1.95 / Math.sqrt(sorted.length))
  expect(sorted[0]).toBeLessThan(low + (high - low) / 100)
  expect(sorted.at(-1)).toBeGreaterThan(high - (high - low) / 100)
})

test("a server's hint is a floor, also above the cap, and the wait ends before the time does", () => {
  fc.assert(
    fc.property(
      fc.nat(100_000),
      fc.nat(100_000),
      fc.nat(200_000),
      jitters,
      fc.integer(),
      (drawnMs, floorMs, leftMs, jitter, seed) => {
        const wait = delayWithFloor(drawnMs, { floorMs, leftMs, jitter }, new SeededRng(seed))
        const impossible =
          jitter === "none" || floorMs === 0
            ? Math.max(drawnMs, floorMs) >= leftMs
            : floorMs >= leftMs
        expect(wait === undefined).toBe(impossible)
        if (wait === undefined) return
        expect(wait).toBeGreaterThanOrEqual(floorMs)
        expect(wait).toBeLessThan(leftMs)
        expect(wait).toBeLessThanOrEqual(Math.max(drawnMs, floorMs + drawnMs))
      },
    ),
  )
})

test("a crowd that was sent away until the same instant does not come back at one instant", () => {
  const rng = new SeededRng(5)
  const policy = resolveRetryPolicy()
  const waits = Array.from({ length: 1_000 }, () => {
    const drawnMs = retryDelayMs(3, policy, rng)
    return delayWithFloor(drawnMs, { floorMs: 2_000, leftMs: Infinity, jitter: "full" }, rng)!
  })
  const bins = new Map<number, number>()
  for (const wait of waits)
    bins.set(Math.floor(wait / 10), (bins.get(Math.floor(wait / 10)) ?? 0) + 1)
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(2_000)
  expect(Math.max(...bins.values())).toBeLessThan(25)
})

test("decorrelated waits grow with the attempts where nobody remembers the one before, as in a job", () => {
  const policy = resolveRetryPolicy({ jitter: "decorrelated", base: "1s", cap: "1h" })
  const median = (attempt: number): number => {
    const rng = new SeededRng(`remembers nothing/${attempt}`)
    const draws = Array.from({ length: 999 }, () => retryDelayMs(attempt, policy, rng))
    expect(Math.min(...draws)).toBeGreaterThanOrEqual(1_000)
    expect(Math.max(...draws)).toBeLessThanOrEqual(Math.min(3_600_000, 1_000 * 3 ** attempt))
    return draws.toSorted((a, b) => a - b)[499]!
  }
  expect(median(1)).toBeLessThan(2_100)
  for (const attempt of [1, 3, 6, 9])
    expect(median(attempt + 3)).toBeGreaterThan(1.2 * median(attempt))
  // Any number of attempts costs the same.
  expect(median(2_147_483_647)).toBeLessThanOrEqual(3_600_000)
})
