import { describe, expect, test } from "vitest"
import { faultAt, historyOf, killedAt, said } from "./handmade.fixture.ts"
import { singletons, terms } from "./terms.ts"

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
const overlaps = (...testimonies: ReturnType<typeof said>[]): string[] =>
  singletons(historyOf({ testimonies }))

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

test("nothing of a term is committed once a later one has begun", () => {
  const commits = (...stored: [number, string][]): string[] =>
    terms(historyOf({ storedTerms: stored.map(([term, what]) => ({ term, what })) }))
  expect(commits([1, "begun"], [1, "sampler"], [2, "begun"], [2, "sampler"])).toEqual([])
  expect(commits([1, "begun"], [2, "begun"], [1, "sampler"]).join()).toContain(
    "the turn of sampler was taken in term 1 after term 2",
  )
  expect(commits([2, "begun"], [1, "begun"]).join()).toContain("term 1 began after term 2")
})

describe("singletons of two terms do not run at once", () => {
  const both = [led(1, 1, 10), led(2, 2, 2_000), led(1, 1, 2_300, "stop")]
  const turned = (pid: number, fromMono: number, mono: number): ReturnType<typeof said> =>
    said(pid, mono, { event: "turned", fromMono })
  const killed = { testimonies: both.slice(0, 2), deaths: [killedAt(1, 4_000)] }

  test("whatever is done to the store or the clock", () => {
    expect(overlaps(...both).join()).toContain("terms 1 and 2 ran at once")
    expect(overlaps(led(1, 1, 10), led(1, 1, 1_900, "stop"), led(2, 2, 2_000))).toEqual([])
    const faults = [
      { ...faultAt("all", 1_500, 2_300), name: "pause" },
      { ...faultAt([1], 1_500, 2_300), name: "skew" },
      { ...faultAt([2], 1_500, 2_300), name: "pause" },
    ]
    expect(singletons(historyOf({ testimonies: both, faults }))).toHaveLength(1)
  })

  test("but while the one that is over stands still", () => {
    expect(overlaps(...both, turned(1, 1_900, 2_290))).toEqual([])
    expect(overlaps(...both, turned(1, 1_900, 2_050), turned(1, 2_050, 2_290))).toEqual([])
    expect(overlaps(...both, turned(2, 1_900, 2_290)), "another").toHaveLength(1)
    expect(overlaps(...both, turned(1, 2_050, 2_290)), "only then").toHaveLength(1)
    expect(overlaps(...both, turned(1, 1_500, 2_100)), "no longer").toHaveLength(1)
    const twice = [turned(1, 1_900, 2_050), turned(1, 2_100, 2_290)]
    expect(overlaps(...both, ...twice), "it turned between").toHaveLength(1)
  })

  test("nor with one that was killed later, unless it stood still until then", () => {
    expect(singletons(historyOf(killed))).toHaveLength(1)
    expect(singletons(historyOf({ ...killed, deaths: [killedAt(1, 2_990)] }))).toEqual([])
    const still = (fromMono: number, toMono: number): string[] =>
      singletons(
        historyOf({ ...killed, faults: [{ ...faultAt([1], fromMono, toMono), name: "pause" }] }),
      )
    expect(still(1_500, 2_900)).toEqual([])
    expect(still(1_500, 1_900), "it went on before").toHaveLength(1)
  })
})
