import fc from "fast-check"
import { expect, test } from "vitest"
import { randomBelow, randomToken, SeededRng, systemRng } from "./index.ts"
import type { Rng } from "./index.ts"

const generators: readonly [string, Rng][] = [
  ["the seeded generator", new SeededRng(7)],
  ["the system's generator", systemRng],
]

function filled(rng: Rng, bytes: Uint8Array): Uint8Array {
  rng.fill(bytes)
  return bytes
}

test("the same seed gives the same numbers, another seed gives others", () => {
  const draw = (seed: number | string): number[] => {
    const rng = new SeededRng(seed)
    return Array.from({ length: 20 }, () => rng.next())
  }
  expect(draw(42)).toEqual(draw(42))
  expect(draw("a/b")).toEqual(draw("a/b"))
  expect(draw(42)).not.toEqual(draw(43))
})

test("the numbers of a seed never change between versions", () => {
  const rng = new SeededRng("pinned")
  const bytes = filled(rng, new Uint8Array(4))
  expect([rng.next(), rng.next(), [...bytes]]).toMatchInlineSnapshot(`
    [
      0.1463696489931534,
      0.3689303829324614,
      [
        49,
        208,
        176,
        99,
      ],
    ]
  `)
})

test("what a fork draws does not depend on what its parent draws later, and the other way round", () => {
  const quiet = new SeededRng(3)
  const quietFork = quiet.fork("x")
  const expected = [quiet.next(), quiet.next()]
  const busy = new SeededRng(3)
  const busyFork = busy.fork("x")
  const forked = [busyFork.next(), busyFork.next()]
  expect([busy.next(), busy.next()]).toEqual(expected)
  expect([quietFork.next(), quietFork.next()]).toEqual(forked)
  expect(new SeededRng(3).fork("x").next()).not.toBe(new SeededRng(3).fork("y").next())
})

test.each(generators)("%s is uniform in [0, 1)", (_name, rng) => {
  // Chi-square over 64 cells, 63 degrees of freedom: 124.8 is exceeded once in 100 000 runs.
  const cells = new Uint32Array(64)
  const draws = 64_000
  for (let i = 0; i < draws; i++) {
    const value = rng.next()
    expect(value >= 0 && value < 1).toBe(true)
    cells[Math.floor(value * 64)]!++
  }
  const expected = draws / 64
  const chiSquare = cells.reduce((sum, seen) => sum + (seen - expected) ** 2 / expected, 0)
  expect(chiSquare).toBeLessThan(124.8)
})

test.each(generators)("%s fills arrays of every length, also beyond its buffer", (_name, rng) => {
  for (const length of [0, 1, 10, 4_095, 4_096, 4_097, 100_000]) {
    const bytes = filled(rng, new Uint8Array(length))
    const zeros = bytes.reduce((count, byte) => count + (byte === 0 ? 1 : 0), 0)
    expect(zeros).toBeLessThanOrEqual(length / 256 + 8 * Math.sqrt(length / 256) + 8)
  }
})

test("whole numbers stay below their bound and reach all of it", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000 }), fc.integer(), (below, seed) => {
      const value = randomBelow(new SeededRng(seed), below)
      expect(Number.isInteger(value) && value >= 0 && value < below).toBe(true)
    }),
  )
  const seen = new Set(Array.from({ length: 500 }, () => randomBelow(systemRng, 5)))
  expect(seen).toEqual(new Set([0, 1, 2, 3, 4]))
})

test("a token is a positive safe integer, at both ends of the generator", () => {
  const fixed = (value: number): Rng => ({ next: () => value, fill: () => {} })
  expect(randomToken(fixed(0))).toBe(1)
  expect(randomToken(fixed(1 - 2 ** -53))).toBe(Number.MAX_SAFE_INTEGER)
})
