import fc from "fast-check"
import { expect, test } from "vitest"
import { leaseDefaults, Reachability } from "./index.ts"

const { ttlMs, beatMs } = leaseDefaults

function beatUntil(reachability: Reachability, from: number, until: number): void {
  for (let mono = from; mono <= until; mono += beatMs) reachability.reached(mono)
}

test("after a start, rescue waits for a full lease of replies", () => {
  const reachability = new Reachability(leaseDefaults)
  expect(reachability.blindMs(1e9)).toBeGreaterThan(0)
  beatUntil(reachability, 0, ttlMs - beatMs)
  expect(reachability.blindMs(ttlMs - 1)).toBeGreaterThan(0)
  reachability.reached(ttlMs)
  expect(reachability.blindMs(ttlMs)).toBe(0)
})

test("an outage or a jump starts the count anew at the next reply", () => {
  const reachability = new Reachability(leaseDefaults)
  beatUntil(reachability, 0, 60_000)
  reachability.interrupted()
  expect(reachability.reachableForMs(60_000)).toBe(0)
  beatUntil(reachability, 70_000, 90_000)
  expect(reachability.reachableForMs(90_000)).toBe(20_000)
  expect(reachability.blindMs(90_000)).toBeGreaterThan(0)
  beatUntil(reachability, 100_000, 100_000)
  expect(reachability.blindMs(100_000)).toBe(0)
})

test("a process that was paused does not count the pause as reachability", () => {
  const reachability = new Reachability(leaseDefaults)
  beatUntil(reachability, 0, 60_000)
  const resumed = 60_000 + 2 * beatMs + 1
  expect(reachability.blindMs(resumed)).toBeGreaterThan(0)
  reachability.reached(resumed)
  expect(reachability.reachableForMs(resumed)).toBe(0)
})

test("rescue is never allowed unless the last lease is covered by replies without a gap or an outage", () => {
  const step = fc.record({
    gapMs: fc.integer({ min: 0, max: 25_000 }),
    kind: fc.constantFrom("reply", "reply", "reply", "reply", "outage"),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (given) => {
      const reachability = new Reachability(leaseDefaults)
      let mono = 0
      let coveredFrom: number | undefined
      let lastReply = Number.NEGATIVE_INFINITY
      for (const { gapMs, kind } of given) {
        mono += gapMs
        if (kind === "outage") {
          reachability.interrupted()
          coveredFrom = undefined
        } else {
          if (mono - lastReply > 2 * beatMs) coveredFrom = undefined
          coveredFrom ??= mono
          lastReply = mono
          reachability.reached(mono)
        }
        const covered = coveredFrom !== undefined && mono - coveredFrom >= ttlMs
        expect(reachability.blindMs(mono) === 0).toBe(covered)
      }
    }),
  )
})
