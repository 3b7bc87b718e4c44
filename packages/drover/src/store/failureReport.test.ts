import { expect, test } from "vitest"
import { DroverError } from "../errors/index.ts"
import { Events } from "../events/index.ts"
import { ManualClock } from "../time/index.ts"
import { FailureReport } from "./failureReport.ts"

test("an outage is told once however many calls meet it, each kind of failure by itself, and again after a success", () => {
  const events = new Events()
  const report = new FailureReport(events, new ManualClock())
  const told: string[] = []
  events.on("store.failed", ({ code }) => told.push(code))
  events.on("store.recovered", ({ operation }) => told.push(`recovered ${operation}`))
  const full = new DroverError("DROVER_STORE_FULL", "no room")
  report.failed("enqueue", full)
  for (let call = 0; call < 100; call++) report.failed("exchange", full)
  report.failed("beat", new DroverError("DROVER_STORE_IO", "no disk"))
  report.failed("enqueue", new DroverError("DROVER_CONFIG", "not the database's fault"))
  report.succeeded()
  report.succeeded()
  report.failed("exchange", full)
  expect(told).toEqual([
    "DROVER_STORE_FULL",
    "DROVER_STORE_IO",
    "recovered enqueue",
    "DROVER_STORE_FULL",
  ])
})

test.each(["DROVER_STORE_FULL", "DROVER_STORE_READONLY"] as const)(
  "after %s only a write tells that it takes writes again; after all else a read does too",
  (code) => {
    const events = new Events()
    const report = new FailureReport(events, new ManualClock())
    const told: string[] = []
    events.on("store.recovered", ({ operation }) => told.push(operation))
    report.failed("enqueue", new DroverError(code, "no"))
    report.succeeded("read")
    expect(told).toEqual([])
    report.succeeded("write")
    expect(told).toEqual(["enqueue"])
    report.failed("beat", new DroverError("DROVER_STORE_UNREACHABLE", "away"))
    report.succeeded("read")
    expect(told).toEqual(["enqueue", "beat"])
  },
)
