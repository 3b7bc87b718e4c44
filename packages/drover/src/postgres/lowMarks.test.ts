import { expect, test } from "vitest"
import type { ClaimedJob } from "../store/index.ts"
import { ManualClock } from "../time/index.ts"
import { LowMarks } from "./lowMarks.ts"
import { PRIORITY_STEP } from "./rank.ts"

const LANE = 7

/** Jobs of one priority that were due at these times. */
function jobs(priority: number, ...dues: readonly number[]): readonly ClaimedJob[] {
  return dues.map((due) => ({ priority, runAt: due, enqueuedAt: due }) as ClaimedJob)
}

/** Marks after a cheap look everywhere just now. */
function looked(): { readonly clock: ManualClock; readonly marks: LowMarks } {
  const clock = new ManualClock()
  const marks = new LowMarks(clock)
  marks.looked(clock.monotonic())
  return { clock, marks }
}

test("in a backlog a claim begins where the last one ended, and soon allows for late commits again", async () => {
  const { clock, marks } = looked()
  marks.claimed(LANE, jobs(1, 10_000, 10_500), true)
  expect(marks.bands([LANE]).lows).toEqual([-(2 ** 52), PRIORITY_STEP + 10_500])
  await clock.advance(50)
  expect(marks.bands([LANE]).lows).toEqual([-(2 ** 52), PRIORITY_STEP + 8_000])
  // That look was the allowance; the next claims are close again.
  expect(marks.bands([LANE]).lows).toEqual([-(2 ** 52), PRIORITY_STEP + 10_500])
})

test("a claim that was not filled leaves the slack to the next one", () => {
  const { marks } = looked()
  marks.claimed(LANE, jobs(1, 10_000, 10_500), false)
  expect(marks.bands([LANE]).lows).toEqual([-(2 ** 52), PRIORITY_STEP + 8_000])
})

test("every priority below one that was seen stays open", () => {
  const { marks } = looked()
  marks.claimed(LANE, [...jobs(1, 9_000), ...jobs(3, 5_000)], false)
  const { lows, highs } = marks.bands([LANE])
  const [first, third] = [PRIORITY_STEP + 7_000, 3 * PRIORITY_STEP + 3_000]
  expect(lows).toEqual([-(2 ** 52), first, third])
  expect(highs).toEqual([PRIORITY_STEP, 3 * PRIORITY_STEP, 2 ** 62])
})

test("marks never go back", () => {
  const { marks } = looked()
  marks.claimed(LANE, jobs(0, 20_000), true)
  marks.claimed(LANE, jobs(0, 10_000), true)
  expect(marks.bands([LANE]).lows).toEqual([20_000 - 2_000])
})

test("a look that is owed comes with the next claim, and once", () => {
  const { clock, marks } = looked()
  marks.claimed(LANE, jobs(0, 10_000), false)
  marks.owe()
  expect(marks.bands([LANE]).isBounded).toBe(false)
  marks.looked(clock.monotonic())
  expect(marks.bands([LANE]).isBounded).toBe(true)
})

test("after five seconds a claim looks everywhere, however expensive that is", async () => {
  const { clock, marks } = looked()
  marks.claimed(LANE, jobs(0, 10_000), true)
  await clock.advance(5_000)
  expect(marks.bands([LANE]).isBounded).toBe(false)
})

test("an expensive look is not repeated for every claim that brings too little", async () => {
  const { clock, marks } = looked()
  const sentMono = clock.monotonic()
  await clock.advance(100)
  marks.looked(sentMono)
  expect(marks.again([LANE])).toBeUndefined()
  await clock.advance(1_000)
  expect(marks.again([LANE])).toMatchObject({ isBounded: false })
})
