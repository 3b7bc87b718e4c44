import { afterAll, describe, expect, test } from "vitest"
import { DroverError, Shutdown, TermEnded } from "../errors/index.ts"
import { expirer } from "./expirer.ts"
import { Fleet } from "./fixtures/fleet.ts"
import type { FleetClient } from "./fixtures/fleet.ts"
import { grounds } from "./fixtures/grounds.ts"
import { leavePostgres } from "./fixtures/postgresGround.ts"
import { scriptedService } from "./fixtures/scriptedService.ts"
import { takeAway } from "./fixtures/takeAway.ts"

afterAll(leavePostgres)

// The invariants of starting maintenance in a term, as the analysis of River's maintainer lists them; the numbers are its.
const table = grounds.flatMap((ground) =>
  [true, false].map((hints) => ({
    ground,
    hints,
    name: ground.name,
    by: hints ? "with hints" : "by polling alone",
  })),
)

function running(client: FleetClient): boolean {
  return client.count("maintenance.started") > 0
}

describe.each(table)("starting maintenance on $name, $by", ({ ground, hints }) => {
  test("1: a start that fails once succeeds a second later, and nothing is resigned", async () => {
    await using fleet = await Fleet.open(ground, hints)
    const service = scriptedService(fleet.clock, "s", "fail", "ok")
    const client = await fleet.started("a", { services: [service] })
    await fleet.until("it runs", () => running(client))
    expect(service.starts).toHaveLength(2)
    const [first, second] = service.starts
    expect(second!.atMono - first!.atMono).toBeGreaterThanOrEqual(900)
    expect(second!.atMono - first!.atMono).toBeLessThanOrEqual(1_150)
    await fleet.advance(20_000)
    expect(client.calls("resignTerm")).toBe(0)
    expect(service.alive).toBe(1)
  })

  test("2, 3: three failures end in one resignation of this term alone, after 1 s and 2 s and no wait after the last", async () => {
    await using fleet = await Fleet.open(ground, hints)
    const service = scriptedService(fleet.clock, "s", "fail")
    const client = await fleet.started("a", { services: [service] })
    await fleet.until("it gives up", () => client.count("leader.resigned") === 1)
    const [first, second, third] = service.starts.map(({ atMono }) => atMono)
    expect(second! - first!).toBeGreaterThanOrEqual(900)
    expect(second! - first!).toBeLessThanOrEqual(1_150)
    expect(third! - second!).toBeGreaterThanOrEqual(1_800)
    expect(third! - second!).toBeLessThanOrEqual(2_250)
    expect(fleet.clock.monotonic() - third!).toBeLessThanOrEqual(100)
    await fleet.advance(8_000)
    expect(service.starts).toHaveLength(3)
    const term = service.starts[0]!.term
    const resigned = client.troubled.calls.filter(({ operation }) => operation === "resignTerm")
    expect(resigned.map(({ args }) => args)).toMatchObject([[{ term }]])
    expect(client.of("maintenance.start_failed")).toMatchObject([
      { term, attempt: 1 },
      { term, attempt: 2 },
      { term, attempt: 3, retryInMs: false },
    ])
  })

  test("4: leadership lost during the wait ends it at once: no further try, no resignation", async () => {
    await using fleet = await Fleet.open(ground, hints)
    const gate = Promise.withResolvers<void>()
    const service = scriptedService(fleet.clock, "s", { gate: gate.promise, ends: "fail" })
    const client = await fleet.started("a", { services: [service] })
    await fleet.until("it starts", () => service.starts.length === 1)
    await fleet.advance(4_300)
    await takeAway(fleet, client, 600_000)
    gate.resolve()
    await fleet.until("it has lost", () => client.count("leader.lost") === 1, 1_200)
    await fleet.advance(20_000)
    expect(service.starts).toHaveLength(1)
    expect(client.count("maintenance.start_failed")).toBe(1)
    expect(client.calls("resignTerm")).toBe(0)
  })

  test.each(["ok", "fail"] as const)(
    "5: a start that returns (%s) after its term ended is torn down, stops nothing newer and resigns nothing",
    async (ends) => {
      await using fleet = await Fleet.open(ground, hints)
      const gate = Promise.withResolvers<void>()
      const service = scriptedService(fleet.clock, "s", { gate: gate.promise, ends })
      const client = await fleet.started("a", { services: [service] })
      await fleet.until("it starts", () => service.starts.length === 1)
      await takeAway(fleet, client, 600_000)
      await fleet.until("it has lost", () => client.count("leader.lost") === 1)
      gate.resolve()
      await fleet.rest()
      expect(service.alive).toBe(0)
      expect(service.stops).toMatchObject([{ reason: expect.any(TermEnded) as unknown }])
      expect(running(client)).toBe(false)
      expect(client.calls("resignTerm")).toBe(0)
      expect(await fleet.leader()).toMatchObject({ id: "rival" })
    },
  )

  test.each(["ok", "fail"] as const)(
    "6: lost and regained while the old start hangs, which then ends (%s): the new term's maintenance runs, and only once",
    async (ends) => {
      await using fleet = await Fleet.open(ground, hints)
      const gate = Promise.withResolvers<void>()
      const service = scriptedService(fleet.clock, "s", { gate: gate.promise, ends }, "ok")
      const client = await fleet.started("a", { services: [service] })
      await fleet.until("it starts", () => service.starts.length === 1)
      const old = service.starts[0]!.term
      await takeAway(fleet, client, 6_000)
      await fleet.until("it leads again", () => (client.term?.ref.term ?? 0) > old)
      await fleet.advance(1_000)
      gate.resolve()
      await fleet.until("the new maintenance runs", () => running(client))
      await fleet.advance(30_000)
      expect(service.alive).toBe(1)
      expect(service.most).toBe(1)
      const current = client.term!.ref.term
      expect(current).toBeGreaterThan(old)
      expect(service.stops.map(({ term }) => term)).toEqual([old])
      expect(client.of("maintenance.started")).toMatchObject([{ term: current }])
    },
  )

  test("7: lost and regained while the old start is held up before it began: the new term is maintained, the old start does nothing", async () => {
    await using fleet = await Fleet.open(ground, hints)
    const gate = Promise.withResolvers<void>()
    const service = scriptedService(fleet.clock, "s", "ok")
    const terms: number[] = []
    const client = await fleet.started("a", {
      services: [service],
      // Deaf to its signal in the first term.
      onMaintenanceStart: ({ term }) => (terms.push(term.term) === 1 ? gate.promise : undefined),
    })
    await fleet.until("the hook hangs", () => terms.length === 1)
    await takeAway(fleet, client, 6_000)
    await fleet.until("the new maintenance runs", () => running(client))
    gate.resolve()
    await fleet.advance(30_000)
    expect(service.starts.map(({ term }) => term)).toEqual([client.term!.ref.term])
    expect([service.alive, service.most]).toEqual([1, 1])
    expect(client.calls("resignTerm")).toBe(0)
  })

  test("a start that takes too long has failed: when it returns it is torn down, and only then the next try begins", async () => {
    await using fleet = await Fleet.open(ground, hints)
    const gate = Promise.withResolvers<void>()
    const service = scriptedService(fleet.clock, "s", { gate: gate.promise, ends: "ok" }, "ok")
    const client = await fleet.started("a", { services: [service] })
    await fleet.until("it took too long", () => client.count("maintenance.start_failed") === 1)
    await fleet.advance(3_000)
    expect(service.starts).toHaveLength(1)
    gate.resolve()
    await fleet.until("it runs", () => running(client), 1_000)
    expect(client.of("maintenance.started")).toMatchObject([{ attempt: 2 }])
    expect([service.alive, service.most, service.starts.length]).toEqual([1, 1, 2])
  })

  test("giving up a term that has ended says nothing about the term after it", async () => {
    await using fleet = await Fleet.open(ground, hints)
    const client = await fleet.started("a")
    await fleet.until("it leads", () => client.term !== undefined)
    const old = client.term!
    await takeAway(fleet, client, 1_000)
    await fleet.until("it leads again", () => (client.term?.ref.term ?? 0) > old.ref.term)
    client.elector.giveUp(old, new Error("too late"))
    await fleet.advance(1_000)
    expect(client.term!.ref.term).toBeGreaterThan(old.ref.term)
    expect(client.count("leader.stood_back")).toBe(0)
  })

  test("10: a client alone whose maintenance never starts tries a bounded number of times, and says each time that it leads without", async () => {
    await using fleet = await Fleet.open(ground, hints)
    const service = scriptedService(fleet.clock, "s", "fail")
    const client = await fleet.started("a", { services: [service] })
    await fleet.advance(300_000)
    // Waits of 12, 24, 48, 96, 192 s between terms of three tries.
    expect(client.count("leader.elected")).toBeGreaterThanOrEqual(4)
    expect(client.count("leader.elected")).toBeLessThanOrEqual(6)
    const told = client.of("maintenance.start_failed")
    expect(told).toHaveLength(service.starts.length)
    for (const [index, { attempt }] of told.entries()) expect(attempt).toBe((index % 3) + 1)
    const waits = client.of("leader.stood_back").map(({ forMs }) => forMs)
    for (const [index, forMs] of waits.entries()) {
      expect(forMs).toBeGreaterThanOrEqual(12_000 * 2 ** index)
    }
  })

  test("12: services see why they stop: TermEnded when the term was taken away, Shutdown when the client stops", async () => {
    await using fleet = await Fleet.open(ground, hints)
    const service = scriptedService(fleet.clock, "s", "ok")
    const client = await fleet.started("a", { services: [service] })
    await fleet.until("it runs", () => running(client))
    await takeAway(fleet, client, 1_000)
    await fleet.until("it runs again", () => client.count("maintenance.started") === 2)
    await fleet.settled(client.elector.stop())
    expect(service.stops).toHaveLength(2)
    expect(service.stops[0]!.reason).toBeInstanceOf(TermEnded)
    expect(service.stops[1]!.reason).toBeInstanceOf(Shutdown)
    for (const { reason } of service.stops) expect(reason).toBeInstanceOf(DroverError)
  })

  test("13: a service that cannot start stops those before it before the next try, and a later term can start", async () => {
    await using fleet = await Fleet.open(ground, hints)
    const first = scriptedService(fleet.clock, "first", "ok")
    const second = scriptedService(fleet.clock, "second", "fail", "fail", "fail", "ok")
    const client = await fleet.started("a", { services: [first, second] })
    await fleet.until("it gives up", () => client.count("leader.resigned") === 1)
    expect([first.starts.length, first.stops.length, first.most]).toEqual([3, 3, 1])
    expect([first.alive, second.alive]).toEqual([0, 0])
    await fleet.until("a later term runs", () => running(client))
    expect([first.alive, second.alive]).toEqual([1, 1])
  })

  test("14: a start that hangs holds up neither renewals nor a step-down, and transitions come in order to the slowest listener", async () => {
    await using fleet = await Fleet.open(ground, hints)
    const gate = Promise.withResolvers<void>()
    const service = scriptedService(fleet.clock, "s", { gate: gate.promise, ends: "ok" })
    const client = await fleet.client("a", { services: [service] })
    const slow: string[] = []
    let calls = 0
    client.elector.onTransition(async ({ to, term }) => {
      if (calls++ === 0) await gate.promise
      slow.push(`${to} ${term.ref.term}`)
    })
    await client.elector.start()
    await fleet.until("it starts", () => service.starts.length === 1)
    const renewed = client.calls("renewTerm")
    await fleet.advance(15_000)
    expect(client.calls("renewTerm") - renewed).toBeGreaterThanOrEqual(3)
    const reconnect = client.cutOff((operation) => operation === "renewTerm")
    await fleet.until("it steps down", () => client.term === undefined, 14_000)
    reconnect()
    await fleet.until("it leads again", () => client.term !== undefined)
    await fleet.settled(client.elector.stop(), 5_000)
    expect(slow).toEqual([])
    gate.resolve()
    await fleet.rest()
    expect(slow).toEqual(client.transitions.map(({ to, term }) => `${to} ${term.ref.term}`))
    expect(slow).toHaveLength(4)
    expect(service.most).toBe(1)
  })

  test("16: terms that overlap in two processes cannot both write", async () => {
    await using fleet = await Fleet.open(ground, hints)
    const old = await fleet.started("old", { services: [expirer] })
    await fleet.until("it runs", () => running(old))
    const cut = new Set(["expire", "renewTerm", "bid"])
    const reconnect = old.cutOff((operation) => cut.has(operation))
    await old.real.enqueue([expiring()])
    await fleet.until("its write is on the way", () => old.calls("expire") > 0, 20_000)
    const next = await fleet.started("next")
    await fleet.until("another leads", () => next.term !== undefined)
    reconnect()
    await fleet.rest()
    expect(await old.real.get(expiring().id)).toMatchObject({ state: "available" })
    expect(old.term).toBeUndefined()
  })
})

function expiring(): Parameters<FleetClient["real"]["enqueue"]>[0][number] {
  return {
    ...{ id: "019b0000-0000-7000-8000-000000000001", kind: "k", queue: "q", priority: 1 },
    ...{ input: "{}", delayMs: 0, runAt: null, expireMs: 1, maxAttempts: 1, maxCrashes: 1 },
    ...{ timeoutMs: null, retry: null, tags: [], metadata: null, unique: null },
  }
}
