import { expect, test } from "vitest"
import { SoloTurn } from "./soloTurn.ts"

test("an idle worker runs a suspect job at once, and nothing beside it", () => {
  const solo = new SoloTurn(10_000)
  solo.seen(true, 0)
  expect(solo.turn(0, 0, true)).toBe("solo")
  solo.claimed(true, 0)
  expect(solo.turn(1, 1, true)).toBe("wait")
  expect(solo.turn(999_999, 1, true)).toBe("wait")
  solo.ended()
  expect(solo.turn(2, 0, true)).toBe("ordinary")
})

test("a busy worker goes on for its patience, then makes room", () => {
  const solo = new SoloTurn(10_000)
  solo.seen(true, 5_000)
  expect(solo.turn(5_000, 3, true)).toBe("ordinary")
  expect(solo.turn(14_999, 3, true)).toBe("ordinary")
  expect(solo.changesAtMono(14_999)).toBe(15_000)
  expect(solo.turn(15_000, 3, true)).toBe("wait")
  expect(solo.turn(15_001, 0, true)).toBe("solo")
})

test("a handler that runs for long does not halt the worker: the waits alternate with work, and grow", () => {
  const solo = new SoloTurn(10)
  solo.seen(true, 0)
  const turns = Array.from({ length: 160 }, (_, at) => solo.turn(at, 1, true))
  const windows: [string, number][] = []
  for (const turn of turns) {
    const last = windows.at(-1)
    if (last?.[0] === turn) last[1]++
    else windows.push([turn, 1])
  }
  expect(windows).toEqual([
    ["ordinary", 10],
    ["wait", 10],
    ["ordinary", 10],
    ["wait", 20],
    ["ordinary", 20],
    ["wait", 40],
    ["ordinary", 40],
    ["wait", 10],
  ])
})

test("after a suspect job, ordinary ones have their turn before the next", () => {
  const solo = new SoloTurn(10_000)
  solo.seen(true, 0)
  solo.claimed(true, 0)
  solo.ended()
  solo.seen(true, 1)
  expect(solo.turn(1, 0, true)).toBe("ordinary")
  solo.claimedOrdinary()
  expect(solo.turn(2, 5, true)).toBe("ordinary")
  expect(solo.turn(3, 0, true)).toBe("solo")
})

test("without ordinary work the next suspect job follows at once", () => {
  const solo = new SoloTurn(10_000)
  solo.seen(true, 0)
  solo.claimed(true, 0)
  solo.ended()
  solo.seen(true, 1)
  expect(solo.turn(1, 0, false)).toBe("solo")
})

test("a suspect job that another worker took is not asked for again at once", () => {
  const solo = new SoloTurn(10_000)
  solo.seen(true, 0)
  solo.claimed(false, 0)
  solo.seen(true, 10)
  expect(solo.turn(10, 0, true)).toBe("ordinary")
  solo.seen(true, 1_000)
  expect(solo.turn(1_000, 0, true)).toBe("solo")
})
