import { beforeEach, describe, expect, test } from "vitest"
import type { ScheduleTick, TickOutcome } from "../../packages/drover/src/store/index.ts"
import { plannedAfter, retiming, schedulePlans, timingOfEdit } from "../workload/schedules.ts"
import { call } from "./handmade.fixture.ts"
import { ScheduleChecker } from "./scheduleChecker.ts"
import { Sometimes } from "./sometimes.ts"

const plan = schedulePlans.find(({ name }) => name === "queueing")!
const START = 1_767_225_600_000
const FIRST = plannedAfter(plan, START)
const SECOND = FIRST + plan.everyMs
const THIRD = SECOND + plan.everyMs

let checker: ScheduleChecker
let storeAt: number
let unfinished: Set<string>

beforeEach(() => {
  storeAt = START
  unfinished = new Set()
  checker = new ScheduleChecker({
    sometimes: new Sometimes(),
    endAt: START + 3_600_000,
    storeAt: () => storeAt,
    intends: () => {},
    isUnfinished: (id) => unfinished.has(id),
  })
  change("created", { nextAt: FIRST }, { version: null })
})

function change(action: string, patch: object, over: object = {}): void {
  const whole = { name: plan.name, version: 1, passed: [], detail: null, action, patch, ...over }
  checker.executed(call("changeSchedule", [whole]), "changed")
}

/** A tick at this instant became this job, or did not for this reason. */
function tick(at: number, what: { job?: string; reason?: string; released?: boolean }): void {
  const { job, reason = null, released = false } = what
  storeAt = Math.max(storeAt, at)
  const release = released ? { at, job: { id: job } } : null
  const ticks = [{ records: [], release }] as unknown as ScheduleTick[]
  const outcome = { at, throughAt: at, job: job === undefined ? null : { id: job }, reason }
  const outcomes = [outcome as TickOutcome]
  checker.executed(call("tickSchedules", [{ ticks }]), [
    { name: plan.name, status: "ticked", outcomes },
  ])
  checker.settled()
}

describe("planned instants", () => {
  test("refuses one that is passed over, or comes twice", () => {
    tick(FIRST, { job: "a" })
    expect(() => tick(FIRST, { job: "b" })).toThrow("comes next")
    expect(() => tick(THIRD, { job: "b" })).toThrow("comes next")
  })
})

describe("another timing", () => {
  const edit = retiming(0)
  const other = timingOfEdit(edit)!
  const detail = JSON.stringify(edit)

  test("goes on with its own first instant after the change", () => {
    storeAt = START + 10_000
    change("edited", { nextAt: plannedAfter(other, storeAt) }, { detail })
    expect(() => tick(plannedAfter(other, START + 10_000), { job: "a" })).not.toThrow()
  })

  test("refuses the instant of the old one, one too early and one too late", () => {
    storeAt = START + 10_000
    for (const nextAt of [
      FIRST,
      plannedAfter(other, START + 10_000) - other.everyMs,
      plannedAfter(other, START + 10_000) + other.everyMs,
      undefined,
    ]) {
      expect(() => change("edited", { nextAt }, { detail }), String(nextAt)).toThrow("goes on")
    }
  })

  test("refuses that what the old one had planned is not accounted for", () => {
    storeAt = SECOND + 1
    const nextAt = plannedAfter(other, storeAt)
    expect(() => change("edited", { nextAt }, { detail })).toThrow("goes on")
  })

  test("is accepted when neither has anything left to plan", () => {
    storeAt = START + 3_600_000
    const last = plannedAfter(plan, storeAt) - plan.everyMs
    const passed = [{ at: FIRST, throughAt: last, count: null, job: null, reason: "changed" }]
    change("edited", { nextAt: null }, { detail, passed })
    storeAt += 3_600_000
    change("edited", {}, { detail: "{}" })
    expect(() => change("reset", { nextAt: null })).not.toThrow()
  })

  test("is given back by a reset", () => {
    storeAt = START + 10_000
    change("edited", { nextAt: plannedAfter(other, storeAt) }, { detail })
    change("reset", { nextAt: FIRST })
    expect(() => tick(FIRST, { job: "a" })).not.toThrow()
  })
})

describe("ticks that must not overlap", () => {
  test("refuses a job beside the former one", () => {
    tick(FIRST, { job: "a" })
    unfinished.add("a")
    expect(() => tick(SECOND, { job: "b" })).toThrow("became a job beside job a")
  })

  test("refuses a tick that stands aside for a job that has ended", () => {
    tick(FIRST, { job: "a" })
    expect(() => tick(SECOND, { reason: "held" })).toThrow("stood aside for job a")
  })

  test("lets one wait, no second one, and no more be skipped than must be", () => {
    tick(FIRST, { job: "a" })
    unfinished.add("a")
    expect(() => tick(SECOND, { reason: "overlap" })).toThrow('is "overlap", while none waits')
    tick(THIRD, { reason: "held" })
    expect(() => tick(THIRD + plan.everyMs, { reason: "held" })).toThrow('is "held", while that')
  })

  test("refuses that the one that waits goes on beside the former job, or never does", () => {
    tick(FIRST, { job: "a" })
    unfinished.add("a")
    tick(SECOND, { reason: "held" })
    expect(() => tick(SECOND, { job: "b", released: true })).toThrow("became a job beside job a")
    unfinished.clear()
    tick(THIRD, { job: "c" })
    unfinished.add("c")
    tick(THIRD + plan.everyMs, { reason: "held" })
    expect(() => checker.finished()).toThrow("waits although everything has ended")
  })
})
