import { describe, expect, test } from "vitest"
import { SeededRng } from "../../packages/drover/src/time/index.ts"
import { drawFaults, drawRates } from "./drawFaults.ts"
import { faultKinds } from "./fault.ts"
import type { Fault } from "./fault.ts"
import { FaultPlan } from "./faultPlan.ts"

const lost: Fault = {
  kind: "call",
  atMs: 100,
  process: 1,
  op: "beat",
  effect: "lost_reply",
  ms: 5,
  count: 2,
}

describe("a plan of faults", () => {
  test("strikes the first calls that match, as often as it says", () => {
    const plan = new FaultPlan([lost])
    const struck = [
      plan.take(1, "beat", true, 99),
      plan.take(0, "beat", true, 200),
      plan.take(1, "peek", false, 200),
      plan.take(1, "beat", true, 200),
      plan.take(1, "beat", true, 201),
      plan.take(1, "beat", true, 202),
    ]
    expect(struck.map((fault) => fault?.effect)).toEqual([
      undefined,
      undefined,
      undefined,
      "lost_reply",
      "lost_reply",
      undefined,
    ])
  })

  test("a full disk fails writes only, an outage everything of its process", () => {
    const plan = new FaultPlan([
      { kind: "full", atMs: 0, forMs: 10 },
      { kind: "outage", atMs: 20, process: 2, forMs: 10 },
    ])
    expect(plan.take(0, "enqueue", true, 5)?.effect).toBe("full")
    expect(plan.take(0, "peek", false, 5)).toBeUndefined()
    expect(plan.take(0, "enqueue", true, 10)).toBeUndefined()
    expect(plan.take(2, "peek", false, 25)?.effect).toBe("outage")
    expect(plan.take(1, "peek", false, 25)).toBeUndefined()
  })

  test("nothing goes wrong any more once it is healed", () => {
    const plan = new FaultPlan([lost, { kind: "deaf", atMs: 0, process: 0, forMs: 1_000 }])
    expect(plan.hears(0, 10)).toBe(false)
    plan.heal(150)
    expect(plan.hears(0, 150)).toBe(true)
    expect(plan.take(1, "beat", true, 200)).toBeUndefined()
  })
})

test("a swarm leaves out some kinds of faults in each seed, and none in all", () => {
  const rates = Array.from({ length: 60 }, (_, seed) => drawRates(new SeededRng(seed)))
  for (const kind of faultKinds) {
    expect(rates.some((rate) => rate[kind] === 0)).toBe(true)
    expect(rates.some((rate) => rate[kind] > 0)).toBe(true)
  }
})

test("faults come in the order of their time, for processes that exist", () => {
  const rng = new SeededRng(7)
  const rates = Object.fromEntries(faultKinds.map((kind) => [kind, 5])) as ReturnType<
    typeof drawRates
  >
  const faults = drawFaults(rng, rates, { processes: 3, drawTime: (draws) => draws.next() * 1_000 })
  expect(faults.map(({ atMs }) => atMs)).toEqual(
    faults.map(({ atMs }) => atMs).toSorted((a, b) => a - b),
  )
  expect(new Set(faults.map(({ kind }) => kind)).size).toBe(faultKinds.length)
  for (const fault of faults) if ("process" in fault) expect(fault.process ?? 0).toBeLessThan(3)
})
