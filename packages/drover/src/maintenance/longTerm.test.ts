import { getEventListeners } from "node:events"
import { expect, test } from "vitest"
import { Service } from "../service/index.ts"
import type { ServiceScope } from "../service/index.ts"
import { Fleet } from "./fixtures/fleet.ts"
import { grounds } from "./fixtures/grounds.ts"
import type { MaintenanceService } from "./maintenanceService.ts"

const sqlite = grounds.find(({ name }) => name.includes("SQLite"))!

test("a term that sees its services fail and start anew for long keeps nothing of those that are gone", async () => {
  await using fleet = await Fleet.open(sqlite, true)
  const scopes: ServiceScope[] = []
  const failing: MaintenanceService = {
    name: "failing",
    make: ({ events }) =>
      new Service({ name: "failing", events, start: (scope) => void scopes.push(scope) }),
  }
  const client = await fleet.started("a", { services: [failing] })
  await fleet.until("it runs", () => client.count("maintenance.started") === 1)
  const { signal } = client.term!
  const listeners = (): number => getEventListeners(signal, "abort").length
  const before = listeners()
  for (let n = 1; n <= 3; n++) {
    await fleet.advance(61_000)
    scopes.at(-1)!.fail(new Error("it failed after a good while"))
    await fleet.until("it runs again", () => client.count("maintenance.started") === n + 1)
  }
  expect(client.term!.signal).toBe(signal)
  expect(listeners()).toBe(before)
  await fleet.settled(client.elector.stop(), 5_000)
  expect(scopes.at(-1)!.signal.aborted).toBe(true)
  expect(client.count("maintenance.stopped")).toBe(1)
})
