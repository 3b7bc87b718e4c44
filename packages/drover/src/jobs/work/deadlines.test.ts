import fc from "fast-check"
import { expect, test } from "vitest"
import { ManualClock } from "../../time/index.ts"
import { Deadlines } from "./deadlines.ts"
import type { Deadline } from "./deadlines.ts"

interface Named extends Deadline {
  readonly name: number
}

function entry(name: number, told: [number, number][]): Named {
  return { name, dueMono: 0, place: -1, onDue: (nowMono) => told.push([name, nowMono]) }
}

test("whatever is added and removed, each entry that stays is told once, in order, when its time has come", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ dueMs: fc.integer({ min: 0, max: 50 }), removed: fc.boolean() }), {
        maxLength: 30,
      }),
      async (plan) => {
        const clock = new ManualClock()
        const deadlines = new Deadlines(clock)
        const told: [number, number][] = []
        const entries = plan.map((_, name) => entry(name, told))
        plan.forEach(({ dueMs }, name) => deadlines.add(entries[name]!, dueMs))
        plan.forEach(({ removed }, name) => removed && deadlines.remove(entries[name]!))
        await clock.advance(60)
        const expected = plan.flatMap(({ dueMs, removed }, name) =>
          removed ? [] : [[name, dueMs]],
        )
        expect(told.map(([, at]) => at)).toEqual(told.map(([, at]) => at).toSorted((a, b) => a - b))
        expect(told.toSorted(([a], [b]) => a - b)).toEqual(expected)
        expect(deadlines.size).toBe(0)
      },
    ),
    { numRuns: 60 },
  )
})

test("a thousand deadlines that come and go cost one timer", () => {
  const clock = new ManualClock()
  const deadlines = new Deadlines(clock)
  const entries = Array.from({ length: 1_000 }, (_, name) => entry(name, []))
  for (const one of entries) deadlines.add(one, 1_000 + one.name)
  for (const one of entries) deadlines.remove(one)
  expect(clock.pending).toBe(1)
  deadlines.clear()
  expect(clock.pending).toBe(0)
})

test("an entry may add itself again while it is told", async () => {
  const clock = new ManualClock()
  const deadlines = new Deadlines(clock)
  const told: number[] = []
  const again: Deadline = {
    dueMono: 0,
    place: -1,
    onDue: (nowMono) => {
      told.push(nowMono)
      if (told.length < 3) deadlines.add(again, nowMono + 10)
    },
  }
  deadlines.add(again, 10)
  await clock.advance(100)
  expect(told).toEqual([10, 20, 30])
})
