import { expect, test } from "vitest"
import { DroverError } from "../errors/index.ts"
import { Events } from "../events/index.ts"
import { ManualClock } from "../time/index.ts"
import { FailureReport, wasReported } from "./failureReport.ts"

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
  report.succeeded("exchange")
  report.succeeded("enqueue")
  report.succeeded("enqueue")
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
    report.succeeded("enqueue", "read")
    expect(told).toEqual([])
    report.succeeded("enqueue", "write")
    expect(told).toEqual(["enqueue"])
    report.failed("beat", new DroverError("DROVER_STORE_UNREACHABLE", "away"))
    report.succeeded("enqueue", "read")
    expect(told).toEqual(["enqueue", "beat"])
  },
)

test("a full disk has room again when all that it refused is written, or when it has refused nothing for 10 s", async () => {
  const clock = new ManualClock()
  const events = new Events()
  const report = new FailureReport(events, clock)
  const told: string[] = []
  events.on("store.failed", ({ operation }) => told.push(operation))
  events.on("store.recovered", ({ operation }) => told.push(`recovered ${operation}`))
  const full = new DroverError("DROVER_STORE_FULL", "no room")
  report.failed("exchange", full)
  report.succeeded("beat")
  report.failed("beat", full)
  report.succeeded("beat")
  report.failed("exchange", full)
  expect(told).toEqual(["exchange"])
  report.succeeded("exchange")
  expect(told).toEqual(["exchange", "recovered exchange"])
  report.failed("enqueue", full)
  await clock.advance(6_000)
  report.failed("enqueue", full)
  await clock.advance(9_999)
  report.succeeded("beat")
  expect(told).toEqual(["exchange", "recovered exchange", "enqueue"])
  await clock.advance(1)
  report.succeeded("beat")
  expect(told).toEqual(["exchange", "recovered exchange", "enqueue", "recovered enqueue"])
})

test("an error that the report took for a failure of the database is known as told", () => {
  const report = new FailureReport(new Events(), new ManualClock())
  const [first, second] = [1, 2].map(() => new DroverError("DROVER_STORE_IO", "no disk"))
  const config = new DroverError("DROVER_CONFIG", "not the database's fault")
  for (const error of [first, second, config]) report.failed("exchange", error)
  expect([first, second, config, "text"].map(wasReported)).toEqual([true, true, false, false])
})
