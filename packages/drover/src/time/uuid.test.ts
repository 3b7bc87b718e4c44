import fc from "fast-check"
import { expect, test } from "vitest"
import { isUuidV7, ManualClock, SeededRng, UuidMaker } from "./index.ts"

// A wall clock that says what it is told.
function wall(readings: readonly number[]): { now(): number } {
  let at = 0
  return { now: () => readings[Math.min(at++, readings.length - 1)]! }
}

function timeOf(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
}

test("an id has version 7, the RFC's variant and the wall time in its first 48 bits", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), fc.string(), (now, seed) => {
      const id = new UuidMaker({ now: () => now }, new SeededRng(seed)).next()
      expect(isUuidV7(id)).toBe(true)
      expect(timeOf(id)).toBe(now)
    }),
  )
})

test("ids of one maker grow strictly, whatever the wall clock does", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 5_000 }), { minLength: 2, maxLength: 200 }),
      fc.integer(),
      (readings, seed) => {
        const maker = new UuidMaker(wall(readings), new SeededRng(seed))
        let previous = ""
        for (const _ of readings) {
          const id = maker.next()
          expect(id > previous).toBe(true)
          previous = id
        }
      },
    ),
  )
})

test("more ids than one millisecond holds borrow from the next and stay in order", () => {
  const maker = new UuidMaker(new ManualClock(1_000), new SeededRng(1))
  const ids = Array.from({ length: 20_000 }, () => maker.next())
  expect(ids).toEqual(ids.toSorted())
  expect(new Set(ids).size).toBe(ids.length)
  expect(timeOf(ids.at(-1)!)).toBeLessThan(1_000 + 20_000 / 3_072 + 1)
})

test("two makers with the same clock do not meet", () => {
  const clock = new ManualClock()
  const rng = new SeededRng(1)
  const [a, b] = [new UuidMaker(clock, rng.fork("a")), new UuidMaker(clock, rng.fork("b"))]
  const ids = new Set(Array.from({ length: 1_000 }, () => [a.next(), b.next()]).flat())
  expect(ids.size).toBe(2_000)
})

test.each([
  ["01890a5d-ac96-774b-bcce-b302099a8057", true],
  ["01890a5d-ac96-474b-bcce-b302099a8057", false],
  ["01890a5d-ac96-774b-7cce-b302099a8057", false],
  ["01890A5D-AC96-774B-BCCE-B302099A8057", false],
  ["01890a5d-ac96-774b-bcce-b302099a8057\n", false],
  ["", false],
])("whether %j is one: %s", (text, expected) => {
  expect(isUuidV7(text)).toBe(expected)
})
