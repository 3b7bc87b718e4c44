import { expect, test } from "vitest"
import type { LimitRepairs } from "../store/index.ts"
import { Fleet } from "./fixtures/fleet.ts"
import type { FleetClient } from "./fixtures/fleet.ts"
import { grounds } from "./fixtures/grounds.ts"
import { limitKeeper } from "./limitKeeper.ts"

const nothing: LimitRepairs = { cleared: 0, opened: 0, more: false }

/** Lets a client's store say that it repaired this, call after call. */
function repairs(client: FleetClient, ...replies: readonly LimitRepairs[]): void {
  let next = 0
  client.real.reconcileLimits = () => Promise.resolve(replies[next++] ?? nothing)
}

function calls(client: FleetClient): number {
  return client.calls("reconcileLimits")
}

test("goes on at once while there is more to clear away, and looks again a minute later", async () => {
  await using fleet = await Fleet.open(grounds[0]!, true)
  const client = await fleet.client("a", { services: [limitKeeper] })
  const full = { cleared: 500, opened: 0, more: true }
  repairs(client, full, full, { cleared: 3, opened: 0, more: false })
  await client.elector.start()
  await fleet.until("all is cleared away", () => calls(client) === 3, 10_000)
  await fleet.advance(50_000)
  expect(calls(client)).toBe(3)
  await fleet.until("it looks again", () => calls(client) === 4, 20_000)
})

test("asks in its term, for no more rows than a short transaction takes", async () => {
  await using fleet = await Fleet.open(grounds[0]!, true)
  const client = await fleet.started("a", { services: [limitKeeper] })
  await fleet.until("it looks", () => calls(client) > 0)
  const { args } = client.troubled.calls.find(({ operation }) => operation === "reconcileLimits")!
  const { term, token } = client.term!.ref
  expect(args).toEqual([{ term: { term, token }, limit: 500 }])
})
