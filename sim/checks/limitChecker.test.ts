import { beforeEach, describe, expect, test } from "vitest"
import { parseLimitName } from "../../packages/drover/src/store/index.ts"
import type { LimitSetting } from "../../packages/drover/src/store/index.ts"
import { call, move, record, run } from "./handmade.fixture.ts"
import type { JobRecord } from "./jobRecord.ts"
import { LimitChecker } from "./limitChecker.ts"
import { Sometimes } from "./sometimes.ts"
import { Violation } from "./violation.ts"

const WIDE = "queue:shared#concurrency"
const KEYED = "kind:sim.tenant#concurrency.key"
const RATE = "kind:sim.metered#rate.key"

let checker: LimitChecker
let sometimes: Sometimes
let nowMs: number
let jobs: JobRecord[]
let marks: { limit: string; key: string }[]

beforeEach(() => {
  nowMs = 0
  jobs = []
  marks = []
  sometimes = new Sometimes()
  checker = new LimitChecker(sometimes, {
    nowMs: () => nowMs,
    isHealed: () => true,
    storeAt: () => 1_000,
    jobs: () => jobs,
    marks: () => marks,
    slots: 2,
  })
})

function set(name: string, max: number | null, perMs: number | null = null): void {
  const setting: LimitSetting | null = max === null ? null : { max, perMs, weights: null }
  checker.executed(call("setLimit", [parseLimitName(name)!, setting, "test"]), setting)
}

function job(seq: number, tenant: string | null = null): JobRecord {
  const keys =
    tenant === null ? [] : ([KEYED, RATE] as const).map((name) => [name, tenant] as const)
  const waiting = record({ seq, id: `job-${seq}`, kind: "sim.tenant", queue: "shared", keys })
  jobs.push(waiting)
  return waiting
}

function start(waiting: JobRecord, at = 2_000): void {
  checker.moved(move({ job: waiting.seq, at }), waiting, waiting)
}

function end(running: JobRecord, actor: string | null = null): void {
  checker.moved(move({ from: "running", to: "available", actor }), running, running)
}

function claim(got: number, heldBack: readonly string[] = ["shared"]): void {
  const request = { claims: [{ queue: "shared", kinds: [], limit: 4 }], solo: false, repeat: false }
  const claimed = Array.from({ length: got }, () => ({ queue: "shared" }))
  checker.executed(call("exchange", [request]), { claimed, heldBack })
  checker.settled()
}

describe("concurrency", () => {
  test("refuses a start at the limit, and accepts it when one has ended", () => {
    set(WIDE, 1)
    const first = job(1)
    start(first)
    expect(() => start(job(2))).toThrow("although 1 run under queue:shared#concurrency")
    end(first)
    expect(() => start(job(3))).not.toThrow()
  })

  test("counts each key by itself, and no job without a key", () => {
    set(KEYED, 1)
    for (const tenant of ["ann", "bob", null, null]) start(job(jobs.length, tenant))
    expect(() => start(job(9, "ann"))).toThrow(`${KEYED} ann`)
  })

  test("lets what runs go on when the limit is lowered, and nothing start until there is room", () => {
    const [first, second] = [job(1), job(2)]
    start(first)
    start(second)
    expect(() => set(WIDE, 1)).not.toThrow()
    end(first)
    expect(() => start(job(3))).toThrow(Violation)
    set(WIDE, null)
    expect(() => start(job(4))).not.toThrow()
  })
})

describe("rate", () => {
  test("counts starts in any window that is open at its beginning", () => {
    set(RATE, 2, 1_000)
    for (const at of [5_000, 5_999]) start(job(at, "ann"), at)
    expect(() => start(job(1, "ann"), 5_999)).toThrow("2 started in 1000 ms")
    expect(() => start(job(2, "ann"), 6_000)).not.toThrow()
    expect(() => start(job(3, "ann"), 6_001)).toThrow(Violation)
    expect(() => start(job(4, "bob"), 6_001)).not.toThrow()
  })
})

describe("what waits", () => {
  test("refuses a claim that leaves a job which no limit holds back", () => {
    set(KEYED, 1)
    start({ ...job(1, "ann"), state: "running" })
    jobs = []
    job(2, "ann")
    expect(() => claim(0)).not.toThrow()
    job(3, "bob")
    expect(() => claim(1)).toThrow("left job job-3")
    // Full, or without a lease: it may leave jobs.
    expect(() => claim(4)).not.toThrow()
    expect(() => claim(0, [])).not.toThrow()
  })

  test("refuses a mark that outlives its reason", () => {
    set(KEYED, 1)
    const running = job(1, "ann")
    start(running)
    marks = [{ limit: KEYED, key: "ann" }]
    expect(() => checker.settled()).not.toThrow()
    end(running, "rescue")
    expect(() => checker.settled()).toThrow(`stand aside for ${KEYED} ann`)
  })

  test("refuses a long wait beside a free slot, unless a limit is reached", () => {
    set(WIDE, 0)
    const waiting = job(1)
    checker.handlerStarted(run({ queue: "shared" }))
    for (nowMs of [0, 400_000]) expect(() => checker.settled()).not.toThrow()
    set(WIDE, 1)
    checker.settled()
    nowMs = 444_999
    expect(() => checker.settled()).not.toThrow()
    nowMs = 445_000
    expect(() => checker.settled()).toThrow(`job ${waiting.id} waits`)
  })
})

test.each([
  ["a settle", (running: JobRecord) => end(running)],
  ["a rescue", (running: JobRecord) => end(running, "rescue")],
  ["an operator", () => set(KEYED, 2)],
])("tells that a limit was opened by %s", (opener, open) => {
  set(KEYED, 1)
  const running = { ...job(1, "ann"), state: "running" } as const
  jobs = []
  start(running)
  checker.settled()
  const waiting = job(2, "ann")
  claim(0)
  expect(sometimes.count("a job was held back by keyed concurrency")).toBe(1)
  open(running)
  start(waiting)
  expect(sometimes.count(`a limit was opened by ${opener}`)).toBe(1)
})

test("refuses a store that says something else is in force than what was set", () => {
  const setting = { max: 1, perMs: null, weights: null }
  expect(() =>
    checker.executed(call("setLimit", [parseLimitName(WIDE)!, setting, "test"]), null),
  ).toThrow("after it was set")
})
