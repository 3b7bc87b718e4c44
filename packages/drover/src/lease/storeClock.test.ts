import fc from "fast-check"
import { expect, test } from "vitest"
import { jumpThresholdMs, StoreClock } from "./index.ts"
import type { ClockReadings } from "./index.ts"

// What happens between two observations: time passes, the wall jumps, another process writes its time.
const steps = fc.array(
  fc.record({
    passMs: fc.integer({ min: 0, max: 60_000 }),
    wallJumpMs: fc.oneof(fc.constant(0), fc.integer({ min: -7_200_000, max: 7_200_000 })),
    persistedAheadMs: fc.option(fc.integer({ min: -7_200_000, max: 7_200_000 }), {
      nil: undefined,
    }),
  }),
  { minLength: 1, maxLength: 50 },
)

test("the store's time never goes back, and advances at least as far as the monotonic clock", () => {
  fc.assert(
    fc.property(steps, (given) => {
      const clock = new StoreClock()
      let [wallMs, mono] = [1_000_000_000, 5_000]
      let previous = clock.observe({ wallMs, mono }).storeNow
      for (const { passMs, wallJumpMs, persistedAheadMs } of given) {
        wallMs += passMs + wallJumpMs
        mono += passMs
        const persistedMs = persistedAheadMs === undefined ? undefined : previous + persistedAheadMs
        const { storeNow } = clock.observe({ persistedMs, wallMs, mono })
        expect(storeNow).toBeGreaterThanOrEqual(previous + passMs)
        expect(storeNow).toBeGreaterThanOrEqual(Math.max(wallMs, persistedMs ?? 0))
        previous = storeNow
      }
    }),
  )
})

test("every leap of more than a second is reported, and nothing smaller is", () => {
  fc.assert(
    fc.property(steps, (given) => {
      const clock = new StoreClock()
      let [wallMs, mono] = [1_000_000_000, 5_000]
      let previous = clock.observe({ wallMs, mono }).storeNow
      for (const { passMs, wallJumpMs, persistedAheadMs } of given) {
        wallMs += passMs + wallJumpMs
        mono += passMs
        const persistedMs = persistedAheadMs === undefined ? undefined : previous + persistedAheadMs
        const { storeNow, jumpMs } = clock.observe({ persistedMs, wallMs, mono })
        const leapMs = storeNow - previous - passMs
        const jumped = Math.abs(wallJumpMs) > jumpThresholdMs || leapMs > jumpThresholdMs
        expect(jumpMs !== 0).toBe(jumped)
        previous = storeNow
      }
    }),
  )
})

function observeAll(readings: readonly ClockReadings[]): { now: number[]; jumps: number[] } {
  const clock = new StoreClock()
  const all = readings.map((reading) => clock.observe(reading))
  return { now: all.map(({ storeNow }) => storeNow), jumps: all.map(({ jumpMs }) => jumpMs) }
}

test("a wall clock set back by an hour neither freezes time nor runs it twice", () => {
  const { now, jumps } = observeAll([
    { wallMs: 10_000_000, mono: 0 },
    { wallMs: 6_410_000, mono: 10_000 },
    { wallMs: 6_420_000, mono: 20_000 },
  ])
  expect(now).toEqual([10_000_000, 10_010_000, 10_020_000])
  expect(jumps).toEqual([0, -3_600_000, 0])
})

test("a wake-up from suspend is believed: the wall went on while the monotonic clock stood", () => {
  const { now, jumps } = observeAll([
    { wallMs: 10_000_000, mono: 0 },
    { wallMs: 13_600_500, mono: 500 },
  ])
  expect(now).toEqual([10_000_000, 13_600_500])
  expect(jumps).toEqual([0, 3_600_000])
})

test("a process that starts behind what was persisted goes on from there", () => {
  const { now, jumps } = observeAll([
    { persistedMs: 9_000_000, wallMs: 1_000_000, mono: 100 },
    { persistedMs: 9_000_000, wallMs: 1_005_000, mono: 5_100 },
  ])
  expect(now).toEqual([9_000_000, 9_005_000])
  expect(jumps).toEqual([0, 0])
})

test("what was persisted has gone on since, by the machine's monotonic clock", () => {
  // The wall was set back by an hour; whoever wrote last wrote nine seconds ago.
  const { now, jumps } = observeAll([
    { persistedMs: 9_000_000, persistedMono: 1_000, wallMs: 5_400_000, mono: 10_000 },
    { persistedMs: 9_000_000, persistedMono: 1_000, wallMs: 5_401_000, mono: 11_000 },
  ])
  expect(now).toEqual([9_009_000, 9_010_000])
  expect(jumps).toEqual([0, 0])
})

test("a later reading than our own is of another boot, and says nothing", () => {
  const { now } = observeAll([
    { persistedMs: 9_000_000, persistedMono: 500_000, wallMs: 5_400_000, mono: 10_000 },
  ])
  expect(now).toEqual([9_000_000])
})

test("processes that read each other's time neither drive it ahead of the clocks nor lose any of it", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(3), fc.double({ min: 0, max: 50, noNaN: true }))),
      (given) => {
        const clocks = [0, 1, 2, 3].map(() => new StoreClock())
        let persisted = { persistedMs: 9_000_000, persistedMono: 1_000 }
        let mono = 1_000
        for (const [place, passMs] of given) {
          mono += passMs
          const readings = { ...persisted, wallMs: 0, mono }
          const { storeNow, sinceMono } = clocks[place]!.observe(readings)
          // A millionth for what floating point cuts off.
          expect(storeNow).toBeLessThanOrEqual(8_999_000 + mono + 1e-6)
          expect(storeNow).toBeGreaterThan(8_999_000 + mono - 1 - 1e-6)
          persisted = { persistedMs: storeNow, persistedMono: sinceMono }
        }
      },
    ),
  )
})

test("a jump that only another process saw is a jump here too", () => {
  // The wall went an hour ahead and back between two looks; another process wrote its time in between.
  const { now, jumps } = observeAll([
    { wallMs: 10_000_000, mono: 0 },
    { persistedMs: 13_605_000, wallMs: 10_010_000, mono: 10_000 },
  ])
  expect(now).toEqual([10_000_000, 13_605_000])
  expect(jumps).toEqual([0, 3_595_000])
})

test("fractions of the monotonic clock are kept, not rounded away at each look", () => {
  const clock = new StoreClock()
  let last = clock.observe({ wallMs: 1_000, mono: 0 }).storeNow
  for (let i = 1; i <= 1_000; i++) last = clock.observe({ wallMs: 0, mono: i * 0.4 }).storeNow
  expect(last).toBe(1_400)
})
