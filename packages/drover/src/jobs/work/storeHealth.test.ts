import { expect, test } from "vitest"
import { DroverError } from "../../errors/index.ts"
import { Events } from "../../events/index.ts"
import { leaseDefaults, Reachability } from "../../lease/index.ts"
import { FailureReport } from "../../store/index.ts"
import { ManualClock, SeededRng } from "../../time/index.ts"
import { StoreHealth } from "./storeHealth.ts"

function create(): { health: StoreHealth; report: FailureReport; told: string[] } {
  const clock = new ManualClock()
  const events = new Events()
  const told: string[] = []
  events.on("store.failed", ({ operation, code }) => told.push(`${operation} ${code}`))
  events.on("store.recovered", ({ operation }) => told.push(`${operation} recovered`))
  const health = new StoreHealth({
    ...{ clock, events, rng: new SeededRng("health"), onGone: () => undefined },
    reachability: new Reachability(leaseDefaults),
  })
  return { health, report: new FailureReport(events, clock), told }
}

test("a failure that the store tells of is told once, and so is its end", () => {
  const { health, report, told } = create()
  for (let call = 0; call < 3; call++) {
    const error = new DroverError("DROVER_STORE_FULL", "no room")
    report.failed("exchange", error)
    health.failed("exchange", error)
  }
  report.succeeded("exchange")
  health.answered("exchange")
  expect(told).toEqual(["exchange DROVER_STORE_FULL", "exchange recovered"])
})

test("a failure that the store says nothing of is told by the worker, each operation by itself", () => {
  const { health, report, told } = create()
  const known = new DroverError("DROVER_STORE_IO", "no disk")
  report.failed("exchange", known)
  health.failed("exchange", known)
  health.failed("exchange", new Error("a bug"))
  health.failed("exchange", new Error("a bug"))
  health.failed("beat", new Error("a bug"))
  health.answered("exchange")
  health.answered("peek")
  expect(told).toEqual([
    "exchange DROVER_STORE_IO",
    "exchange unknown",
    "beat unknown",
    "exchange recovered",
  ])
})
