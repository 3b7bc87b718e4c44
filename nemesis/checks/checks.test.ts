import { describe, expect, test } from "vitest"
import type { Sample } from "../history/runHistory.ts"
import {
  enqueued,
  faultAt,
  historyOf,
  killedAt,
  LEASE_MS,
  move,
  rowOf,
  said,
  wholeRun,
} from "./handmade.fixture.ts"
import { judge } from "./index.ts"
import { mostAtOnce } from "./mostAtOnce.ts"
import { noLoss } from "./noLoss.ts"
import { owner } from "./owner.ts"
import { recovered } from "./recovered.ts"
import { resources } from "./resources.ts"
import { robbed } from "./robbed.ts"
import { trouble } from "./trouble.ts"
import { uniqueHolders } from "./uniqueHolders.ts"
import { witnesses } from "./witnesses.ts"

const clean = historyOf({
  operations: [enqueued(["a"])],
  testimonies: [said(1, 1, { event: "joined", worker: "w1" }), ...wholeRun(1, "a")],
  rows: [rowOf()],
  trail: [
    move("a", null, "available"),
    move("a", "available", "running", { workerId: "w1", attempt: 1 }),
    move("a", "running", "completed", { workerId: "w1" }),
  ],
})

test("a job that was enqueued, ran and completed breaks no promise", () => {
  expect(judge(clean)).toEqual([])
})

test("what a run itself could not do is a violation", () => {
  expect(judge({ ...clean, failures: ["a worker did not stop"] })).toEqual([
    { checker: "run", what: "a worker did not stop" },
  ])
})

describe("loss", () => {
  test.each([
    ["a job that was acknowledged is missing", { operations: [enqueued(["a"])] }, "is lost"],
    [
      "a job that was rolled back is there",
      { operations: [enqueued(["a"], "fail")], rows: [rowOf()], testimonies: wholeRun(1, "a") },
      "was refused or rolled back",
    ],
    [
      "a job that found its key taken at the first try is there",
      {
        operations: [enqueued(["a"], "ok", { duplicates: ["a"], tries: 1 })],
        rows: [rowOf()],
        testimonies: wholeRun(1, "a"),
      },
      "was refused or rolled back",
    ],
    [
      "a job waits in the end",
      { operations: [enqueued(["a"])], rows: [rowOf({ state: "available" })] },
      "is available in the end",
    ],
    [
      "a job completed without a run",
      { operations: [enqueued(["a"])], rows: [rowOf()] },
      "no handler ever ran it",
    ],
    ["a job ran that nobody asked for", { testimonies: wholeRun(1, "a") }, "nobody asked"],
    ["a job is stored that nobody asked for", { rows: [rowOf()] }, "nobody asked for it"],
  ])("%s", (_, parts, complaint) => {
    expect(noLoss(historyOf(parts)).join("\n")).toContain(complaint)
  })

  test("of an enqueue with an unknown outcome both are right", () => {
    const operations = [enqueued(["a"], "info")]
    expect(noLoss(historyOf({ operations }))).toEqual([])
    const parts = { operations, rows: [rowOf()], testimonies: wholeRun(1, "a") }
    expect(noLoss(historyOf(parts))).toEqual([])
  })
})

describe("owner", () => {
  test("an attempt is given to one process only", () => {
    const both = [...wholeRun(1, "a"), ...wholeRun(2, "a", { token: 8 })]
    expect(owner(historyOf({ testimonies: both })).join()).toContain("processes 1 and 2")
  })

  test("a settlement under another token is not the owner's", () => {
    const [claimed, started, ended, settled] = wholeRun(1, "a")
    const forged = { ...settled, token: 9 } as typeof settled
    const history = historyOf({ testimonies: [claimed, started, ended, forged] as never })
    expect(owner(history).join()).toContain("without owning it")
  })

  test("an attempt is settled once; told again it is repeated", () => {
    const run = wholeRun(1, "a")
    const again = run[3] as (typeof run)[number]
    expect(owner(historyOf({ testimonies: [...run, again] })).join()).toContain(
      "settled as settled",
    )
    const repeated = { ...again, status: "repeated" } as typeof again
    expect(owner(historyOf({ testimonies: [...run, repeated] }))).toEqual([])
  })

  test("a worker that ends an attempt in the trail has run it", () => {
    const trail = [move("a", "running", "completed", { workerId: "w2" })]
    const history = historyOf({ testimonies: [...clean.testimonies], trail })
    expect(owner(history).join()).toContain("by w2, which never ran it")
  })
})

describe("robbed", () => {
  const rescuedAt = (mono: number): ReturnType<typeof said>[] => [
    said(1, 1, { event: "joined", worker: "w1" }),
    said(2, mono, { event: "rescued", job: "a", attempt: 1, from: "w1" }),
  ]

  test("a process that was alive and well loses nothing", () => {
    expect(robbed(historyOf({ testimonies: rescuedAt(9_000) })).join()).toContain("alive and well")
  })

  test("one that died, was under a fault, or noticed a lapse may lose its jobs", () => {
    const testimonies = rescuedAt(9_000)
    expect(robbed(historyOf({ testimonies, deaths: [killedAt(1, 8_990)] }))).toEqual([])
    expect(robbed(historyOf({ testimonies, faults: [faultAt([1], 8_000, 8_500)] }))).toEqual([])
    expect(robbed(historyOf({ testimonies, faults: [faultAt("all", 8_000, 8_500)] }))).toEqual([])
    const lapsed = said(1, 8_900, { event: "lapsed", sinceMs: 1_000 })
    expect(robbed(historyOf({ testimonies: [...testimonies, lapsed] }))).toEqual([])
  })

  test("that it was told so is no lapse: its beats had been answered", () => {
    const told = said(1, 9_100, { event: "lapsed", sinceMs: 400 })
    expect(robbed(historyOf({ testimonies: [...rescuedAt(9_000), told] }))).toHaveLength(1)
  })

  test("a fault of another process, or one long ago, is no excuse", () => {
    const testimonies = rescuedAt(9_000)
    expect(robbed(historyOf({ testimonies, faults: [faultAt([2], 8_000, 8_500)] }))).toHaveLength(1)
    expect(robbed(historyOf({ testimonies, faults: [faultAt([1], 100, 200)] }))).toHaveLength(1)
    expect(robbed(historyOf({ testimonies, deaths: [killedAt(1, 12_000)] }))).toHaveLength(1)
  })
})

describe("recovery", () => {
  const late = LEASE_MS + 5_001
  const parts = (againMono: number): Parameters<typeof historyOf>[0] => ({
    testimonies: [
      said(1, 90, { event: "started", job: "a", attempt: 1 }),
      said(2, 100 + againMono, { event: "started", job: "a", attempt: 2 }),
    ],
    trail: [move("a", "running", "available", { actor: "rescue" })],
    deaths: [killedAt(1, 100)],
  })

  test("a killed process's job runs again within a lease and five seconds", () => {
    const { violations, ...figures } = recovered(historyOf(parts(late - 1)))
    expect(violations).toEqual([])
    expect(figures).toEqual({
      jobs: 1,
      undisturbed: 1,
      worstMs: late - 1,
      worstUndisturbedMs: late - 1,
    })
    expect(recovered(historyOf(parts(late))).violations.join()).toContain("ran again only 6001 ms")
  })

  test("time in which another job that crashed runs alone does not count, but the rest does", () => {
    const other = [
      said(3, 2_000, { event: "started", job: "b", attempt: 2 }),
      said(3, 3_000, { event: "ended", job: "b", attempt: 2 }),
    ]
    const check = (againMono: number): ReturnType<typeof recovered> => {
      const { testimonies = [], trail = [], ...rest } = parts(againMono)
      const crashed = move("b", "running", "available", { actor: "rescue" })
      return recovered(
        historyOf({ ...rest, testimonies: [...testimonies, ...other], trail: [...trail, crashed] }),
      )
    }
    // Its run, and a second before and after.
    expect(check(late + 2_999)).toMatchObject({ violations: [], undisturbed: 0 })
    expect(check(late + 3_000).violations).toHaveLength(1)
  })

  test("time under another fault does not count, but the rest does", () => {
    const faults = [faultAt("all", 200, 1_200)]
    const excused = recovered(historyOf({ ...parts(late + 1_999), faults }))
    expect(excused).toMatchObject({ violations: [], undisturbed: 0 })
    expect(recovered(historyOf({ ...parts(late + 2_000), faults })).violations).toHaveLength(1)
    const own = [faultAt([1], 90, 1_100)]
    expect(recovered(historyOf({ ...parts(late), faults: own })).violations).toHaveLength(1)
  })
})

test("a process or database that holds much more than before is named", () => {
  const samples = (fds: number, wal: number): readonly Sample[] => [
    { of: "w", when: "baseline", counts: { fds: 20, rssMb: 80 } },
    { of: "w", when: "end", counts: { fds, rssMb: 200 } },
    { of: "database", when: "baseline", counts: { walMb: 4 } },
    { of: "database", when: "end", counts: { walMb: wal } },
  ]
  expect(resources(historyOf({ samples: samples(28, 60) }))).toEqual([])
  expect(resources(historyOf({ samples: samples(29, 69) }))).toEqual([
    "w holds 29 fds in the end; it held 20 before the faults",
    "database holds 69 walMb in the end; it held 4 before the faults",
  ])
})

test("a statement that the database refused is trouble, a database that was away is not", () => {
  const store = (what: string): ReturnType<typeof said> => said(1, 1, { event: "store", what })
  const away = store("exchange: DROVER_STORE_UNREACHABLE no connection")
  const refused = store("rescue: DROVER_STORE_QUERY a constraint failed")
  expect(trouble(historyOf({ testimonies: [away, refused] }))).toEqual([
    "process 1: rescue: DROVER_STORE_QUERY a constraint failed",
  ])
})

test("an error that escaped and a process that ended by itself are trouble, a kill is not", () => {
  const testimonies = [said(1, 1, { event: "trouble", what: "uncaught: Error: no" })]
  const deaths = [killedAt(2, 5), { ...killedAt(3, 5), signal: null, code: 7 }]
  expect(trouble(historyOf({ testimonies, deaths }))).toEqual([
    "process 1: uncaught: Error: no",
    "process 3 ended with code 7",
  ])
})

describe("unique", () => {
  const rows = [
    rowOf({ id: "a", uniqueKey: "k" }),
    rowOf({ id: "b", uniqueKey: "k" }),
    rowOf({ id: "c", uniqueKey: "other" }),
  ]
  const check = (trail: readonly ReturnType<typeof move>[]): string[] =>
    uniqueHolders(
      rows,
      Map.groupBy(trail, ({ jobId }) => jobId),
    )

  test("two unfinished jobs hold one key", () => {
    const trail = [move("a", null, "available"), move("b", null, "available")]
    expect(check(trail).join()).toContain('jobs a and b hold the key "nemesis.plain k"')
  })

  test("one after the other, and other keys, are fine", () => {
    const trail = [
      move("a", null, "available"),
      move("c", null, "available"),
      move("a", "available", "running"),
      move("a", "running", "retryable"),
      move("a", "retryable", "running"),
      move("a", "running", "completed"),
      move("b", null, "available"),
    ]
    expect(check(trail)).toEqual([])
  })
})

test("the most handlers at one time are counted by a sweep", () => {
  const records = [
    ...wholeRun(1, "a", { fromMono: 10, toMono: 20 }),
    ...wholeRun(1, "b", { fromMono: 15, toMono: 30 }),
    ...wholeRun(1, "c", { fromMono: 20, toMono: 25 }),
  ]
  expect(mostAtOnce(historyOf({ testimonies: records }).records)).toBe(2)
  expect(mostAtOnce([])).toBe(0)
})

describe("witness", () => {
  const testimonies = wholeRun(1, "a")

  test("both witnesses of a process agree", () => {
    expect(witnesses(historyOf({ testimonies }))).toEqual([])
    expect(witnesses(historyOf({ testimonies, seen: [] })).join()).toContain("2 missing")
    const extra = { pid: 1, job: "z", attempt: 1, event: "started", token: null }
    const { seen } = historyOf({ testimonies })
    const more = historyOf({ testimonies, seen: [...seen, extra] })
    expect(witnesses(more).join()).toContain("1 too many")
  })

  test("a killed process may lack the last row", () => {
    const { seen } = historyOf({ testimonies })
    const parts = { testimonies, seen: seen.slice(0, 1) }
    expect(witnesses(historyOf(parts))).toHaveLength(1)
    expect(witnesses(historyOf({ ...parts, deaths: [killedAt(1, 99)] }))).toEqual([])
  })
})
