import { expect, test } from "vitest"
import { faultAt, historyOf, killedAt, said } from "./handmade.fixture.ts"
import { terms } from "./terms.ts"

const elected = (pid: number, term: number, mono: number): ReturnType<typeof said> =>
  said(pid, mono, { event: "elected", term, sentMono: mono - 5 })
const wrote = (pid: number, term: number, sentMono: number): ReturnType<typeof said> =>
  said(pid, sentMono + 5, { event: "termWrite", op: "claimTurn", term, sentMono })
const led = (
  pid: number,
  term: number,
  mono: number,
  what: "start" | "stop" = "start",
): ReturnType<typeof said> => said(pid, mono, { event: "led", what, term })
const check = (...testimonies: ReturnType<typeof said>[]): string[] =>
  terms(historyOf({ testimonies }))

test("one term after the other, each with its own writes", () => {
  const testimonies = [elected(1, 1, 10), wrote(1, 1, 20), elected(2, 2, 100), wrote(2, 2, 110)]
  expect(check(...testimonies)).toEqual([])
})

test("a term has one holder", () => {
  expect(check(elected(1, 1, 10), elected(2, 1, 10)).join()).toContain("to processes 1 and 2")
  // The same bid, sent again.
  expect(check(elected(1, 1, 10), elected(1, 1, 30))).toEqual([])
})

test("terms grow", () => {
  expect(check(elected(1, 5, 10), elected(2, 4, 100)).join()).toContain("after term 5")
})

test("nothing is written in a term once a later one has begun", () => {
  const testimonies = [elected(1, 1, 10), elected(2, 2, 100), wrote(1, 1, 101)]
  expect(check(...testimonies).join()).toContain("wrote claimTurn in term 1, 1 ms after term 2")
  // It was on its way when the later one began, so it may have been carried out before.
  expect(check(elected(1, 1, 10), elected(2, 2, 100), wrote(1, 1, 99))).toEqual([])
})

test("singletons of two terms do not run at once, but for processes under a fault", () => {
  const both = [led(1, 1, 10), led(2, 2, 2_000), led(1, 1, 2_100, "stop")]
  expect(check(...both).join()).toContain("terms 1 and 2 ran at once")
  expect(check(led(1, 1, 10), led(1, 1, 1_900, "stop"), led(2, 2, 2_000))).toEqual([])
  const faults = [faultAt([1], 1_500, 2_050)]
  expect(terms(historyOf({ testimonies: both, faults }))).toEqual([])
  const other = [faultAt([2], 1_500, 2_050)]
  expect(terms(historyOf({ testimonies: both, faults: other }))).toHaveLength(1)
  const stalled = said(1, 2_050, { event: "stalled", gapMs: 700 })
  expect(terms(historyOf({ testimonies: [...both, stalled] }))).toEqual([])
  const deaths = [killedAt(1, 2_990)]
  expect(terms(historyOf({ testimonies: both.slice(0, 2), deaths }))).toEqual([])
})
