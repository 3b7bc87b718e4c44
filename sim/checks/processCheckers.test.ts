import { describe, expect, test } from "vitest"
import { ClockChecker } from "./clockChecker.ts"
import { call, life, move, record, run } from "./handmade.fixture.ts"
import type { JobRecord } from "./jobRecord.ts"
import { OverlapChecker } from "./overlapChecker.ts"
import { RescueChecker } from "./rescueChecker.ts"
import { SlotsChecker } from "./slotsChecker.ts"
import { Sometimes } from "./sometimes.ts"
import { SpinChecker } from "./spinChecker.ts"
import { StopChecker } from "./stopChecker.ts"

const sometimes = new Sometimes()
const running = record({ state: "running", attempt: 1, token: 5, worker: 7, trail: 2 })

describe("slots", () => {
  const settings = (slots: number): object => ({
    settings: [{ queue: "main", paused: false, slots }],
  })

  test("refuses one handler more than the queue has slots, also of another attempt", () => {
    const checker = new SlotsChecker(new Map([["main", 2]]), () => 0)
    const own = life()
    checker.handlerStarted(run({ life: own }))
    checker.handlerStarted(run({ life: own, jobId: "job-2" }))
    expect(() => checker.handlerStarted(run({ life: own, attempt: 2 }))).toThrow(
      "which has 2 slots",
    )
  })

  test("counts each process apart, and what ended not at all", () => {
    const checker = new SlotsChecker(new Map([["main", 1]]), () => 0)
    const own = life()
    const first = run({ life: own })
    checker.handlerStarted(first)
    checker.handlerStarted(run({ life: life() }))
    checker.handlerEnded(first)
    expect(() => checker.handlerStarted(run({ life: own, jobId: "job-2" }))).not.toThrow()
  })

  test("a lower limit that was learned holds when claims on their way are over", () => {
    let nowMs = 0
    const checker = new SlotsChecker(new Map([["main", 2]]), () => nowMs)
    const own = life()
    checker.executed(call("exchange", [], { life: own }))
    checker.delivered(call("peek", [], { life: own }), settings(0))
    nowMs = 10
    checker.handlerStarted(run({ life: own }))
    nowMs = 120_000
    expect(() => checker.handlerStarted(run({ life: own, jobId: "job-2" }))).toThrow(
      "which has 0 slots",
    )
  })

  test("a limit that was learned before the first claim holds at once", () => {
    const checker = new SlotsChecker(new Map([["main", 2]]), () => 0)
    const own = life()
    checker.delivered(call("queueSettings", [], { life: own }), [{ queue: "main", slots: 0 }])
    expect(() => checker.handlerStarted(run({ life: own }))).toThrow("which has 0 slots")
  })
})

describe("rescue", () => {
  const rescued = move({ from: "running", to: "available", actor: "rescue" })

  function registered(isDead: boolean): { checker: RescueChecker; pass: (ms: number) => void } {
    let nowMs = 0
    const checker = new RescueChecker(sometimes, () => nowMs)
    const register = call("registerWorker", [{ workerId: "w", leaseMs: 30_000 }], {
      life: life({ isDead }),
    })
    checker.executed(register, { ref: 7 })
    return { checker, pass: (ms) => (nowMs += ms) }
  }

  test("refuses to take a job from a worker whose lease has time left", () => {
    const { checker, pass } = registered(false)
    pass(25_000)
    checker.executed(call("beat", [{ ref: 7 }]), "held")
    pass(28_000)
    expect(() => checker.moved(rescued, running)).toThrow("had 2000 ms left")
  })

  test("allows for a difference of clocks that is no jump, and for no more", () => {
    const late = registered(false)
    late.pass(29_000)
    expect(() => late.checker.moved(rescued, running)).not.toThrow()
    const early = registered(false)
    early.pass(28_900)
    expect(() => early.checker.moved(rescued, running)).toThrow("had 1100 ms left")
  })

  test("accepts it when the lease has ended or the process is gone", () => {
    const { checker, pass } = registered(false)
    pass(30_001)
    expect(() => checker.moved(rescued, running)).not.toThrow()
    expect(() => registered(true).checker.moved(rescued, running)).not.toThrow()
  })
})

describe("clock", () => {
  const start = move({ at: 50_000 })

  test("refuses a store time that is behind what was committed, counted by real time", () => {
    let nowMs = 20_000
    const checker = new ClockChecker(() => nowMs)
    checker.moved(start)
    nowMs = 29_000
    expect(() => checker.moved({ ...start, at: 58_000 })).toThrow("1000 ms behind")
    expect(() => checker.moved({ ...start, at: 59_000 })).not.toThrow()
  })

  test("does not mind the age of a transaction that a user held, nor time that leaps", () => {
    let nowMs = 20_000
    const checker = new ClockChecker(() => nowMs)
    checker.moved(start)
    nowMs = 29_000
    checker.executed(call("transaction", []))
    expect(() => checker.moved({ ...start, at: 51_000 })).not.toThrow()
    checker.settled()
    expect(() => checker.moved({ ...start, at: 51_000 })).toThrow("8000 ms behind")
    expect(() => checker.moved({ ...start, at: 90_000 })).not.toThrow()
  })
})

describe("overlap", () => {
  test("refuses a new attempt beside one that was not told to end", () => {
    const checker = new OverlapChecker(sometimes, () => 100_000)
    checker.handlerStarted(run())
    expect(() => checker.handlerStarted(run({ attempt: 2, process: 1 }))).toThrow("runs unaborted")
  })

  test.each([
    ["was aborted", { signal: AbortSignal.abort() }],
    ["is in a dead process", { life: life({ isDead: true }) }],
    ["is in a stopped process", { life: life({ isPaused: true }) }],
    ["is in a process that was just resumed", { life: life({ lastStalledMs: 99_000 }) }],
  ])("accepts it when the other %s", (_, changes) => {
    const checker = new OverlapChecker(sometimes, () => 100_000)
    checker.handlerStarted(run(changes))
    expect(() => checker.handlerStarted(run({ attempt: 2 }))).not.toThrow()
  })

  test("refuses that one attempt starts twice", () => {
    const checker = new OverlapChecker(sometimes, () => 0)
    checker.handlerStarted(run({ signal: AbortSignal.abort() }))
    expect(() => checker.handlerStarted(run({ process: 1 }))).toThrow("started twice")
  })
})

describe("stop", () => {
  function stopping(
    jobs: readonly JobRecord[],
    changes: Parameters<typeof life>[0] = {},
  ): { checker: StopChecker; own: ReturnType<typeof life> } {
    const own = life(changes)
    const checker = new StopChecker(
      sometimes,
      () => jobs,
      () => 1_000,
    )
    checker.executed(call("registerWorker", [], { life: own }), { ref: 7 })
    checker.stopping(own)
    return { checker, own }
  }

  test("refuses a claim that was sent after the stop began", () => {
    const { checker, own } = stopping([])
    const request = [{ claims: [{ queue: "main", limit: 1 }] }]
    const claimed = { claimed: [{}] }
    expect(() =>
      checker.executed(call("exchange", request, { life: own, sentAtMs: 999 }), claimed),
    ).not.toThrow()
    expect(() =>
      checker.executed(call("exchange", request, { life: own, sentAtMs: 1_010 }), claimed),
    ).toThrow("10.0 ms after its stop began")
  })

  test("accepts what a lost claim brought, when nothing new was asked for", () => {
    const { checker, own } = stopping([])
    const repeat = call("exchange", [{ claims: [] }], { life: own, sentAtMs: 1_010 })
    expect(() => checker.executed(repeat, { claimed: [{}] })).not.toThrow()
  })

  test("refuses that a stopped worker still holds a job or waits for something", () => {
    const holding = stopping([running])
    expect(() => holding.checker.stopped(holding.own)).toThrow("is still running")
    const waiting = stopping([], { pendingTimers: 2 })
    expect(() => waiting.checker.stopped(waiting.own)).toThrow("left 2 timers")
  })
})

test("refuses a worker that asks again and again for nothing", () => {
  let nowMs = 0
  const checker = new SpinChecker(() => nowMs)
  const own = life()
  const ask = (claimed: readonly unknown[]): void => {
    nowMs += 10
    checker.executed(call("exchange", [{ settlements: [] }], { life: own }), { claimed })
  }
  for (let i = 0; i < 900; i++) ask([{}])
  expect(() => {
    for (let i = 0; i < 300; i++) ask([])
    nowMs += 5_000
    for (let i = 0; i < 300; i++) ask([])
  }).not.toThrow()
  expect(() => ask([])).toThrow("asked 301 times")
})
