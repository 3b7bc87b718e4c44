import fc from "fast-check"
import { expect, test } from "vitest"
import { StoreTimeline } from "./index.ts"

test("without steps an instant of the store's clock is one of the monotonic clock, also before the first look", () => {
  const timeline = new StoreTimeline()
  timeline.observed(1_000_500, 500)
  expect(timeline.monoOf(1_000_700)).toBe(700)
  expect(timeline.monoOf(1_000_100)).toBe(100)
})

test("what the store's time leapt over has not passed", () => {
  const timeline = new StoreTimeline()
  timeline.observed(1_000_000, 0)
  timeline.observed(1_010_000, 10_000)
  timeline.observed(4_620_000, 20_000)
  expect(timeline.monoOf(1_005_000)).toBe(5_000)
  expect(timeline.monoOf(4_621_000)).toBe(21_000)
})

test("an instant within a leap was at the latest when the leap was seen", () => {
  const timeline = new StoreTimeline()
  timeline.observed(1_000_000, 0)
  timeline.observed(4_620_000, 20_000)
  expect(timeline.monoOf(1_019_999)).toBe(19_999)
  expect(timeline.monoOf(1_020_001)).toBe(20_000)
  expect(timeline.monoOf(4_619_999)).toBe(20_000)
})

test("an instant is never held for earlier than it was, and later only by what nobody could know", () => {
  const steps = fc.array(
    fc.record({
      passMs: fc.integer({ min: 0, max: 10_000 }),
      // What comes between two looks; afterwards the store's time is ahead by as much.
      stepMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5_000 })),
    }),
    { minLength: 1, maxLength: 30 },
  )
  fc.assert(
    fc.property(steps, fc.nat(), (given, pick) => {
      const timeline = new StoreTimeline()
      const looks = [{ storeMs: 1_000_000, mono: 0 }]
      timeline.observed(1_000_000, 0)
      for (const { passMs, stepMs } of given) {
        const last = looks.at(-1)!
        const look = { storeMs: last.storeMs + passMs + stepMs, mono: last.mono + passMs }
        looks.push(look)
        timeline.observed(look.storeMs, look.mono)
      }
      const { storeMs, mono } = looks[pick % looks.length]!
      const held = timeline.monoOf(storeMs)
      // Small steps are put together until they count.
      expect(held).toBeGreaterThanOrEqual(mono - 10)
      expect(held).toBeLessThanOrEqual(looks.at(-1)!.mono + 10)
    }),
  )
})
