import { afterAll, describe, expect, test } from "vitest"
import { startStopStress } from "../service/stress.fixture.ts"
import { Fleet } from "./fixtures/fleet.ts"
import type { FleetClient } from "./fixtures/fleet.ts"
import { grounds } from "./fixtures/grounds.ts"
import { leavePostgres } from "./fixtures/postgresGround.ts"
import { scriptedService } from "./fixtures/scriptedService.ts"

afterAll(leavePostgres)

// Who leads, and how that passes on: the rest of the invariants, and what the elector alone promises.
const table = grounds.flatMap((ground) =>
  [true, false].map((hints) => ({
    ground,
    hints,
    name: ground.name,
    by: hints ? "with hints" : "by polling alone",
  })),
)

function elections(fleet: Fleet): readonly { readonly term: number; readonly client: string }[] {
  return fleet.clients
    .flatMap((client) =>
      client.of("leader.elected").map(({ term }) => ({ term, client: client.name })),
    )
    .toSorted((a, b) => a.term - b.term)
}

async function leads(fleet: Fleet, client: FleetClient, withinMs?: number): Promise<number> {
  return fleet.until(`${client.name} leads`, () => fleet.leading === client, withinMs)
}

// Waited for by whoever ignores its signal.
const hang = new Promise<void>(() => {})

// Ways into every phase in which a client may be told to stop.
const phases: Readonly<Record<string, (fleet: Fleet) => Promise<FleetClient>>> = {
  "before the first bid": (fleet) => fleet.started("a"),
  "in a bid that hangs": async (fleet) => {
    const client = await fleet.client("a")
    client.troubled.trouble((operation) => (operation === "bid" ? hang : undefined))
    await client.elector.start()
    await fleet.until("it bids", () => client.calls("bid") > 0)
    return client
  },
  following: async (fleet) => {
    await leads(fleet, await fleet.started("other"))
    const client = await fleet.started("a")
    await fleet.advance(2_000)
    return client
  },
  leading: async (fleet) => {
    const client = await fleet.started("a", {
      services: [scriptedService(fleet.clock, "s", "ok")],
    })
    await fleet.advance(2_000)
    return client
  },
  "in a renewal that hangs": async (fleet) => {
    const client = await fleet.started("a")
    await leads(fleet, client)
    client.troubled.trouble((operation) => (operation === "renewTerm" ? hang : undefined))
    const before = client.calls("renewTerm")
    await fleet.until("it renews", () => client.calls("renewTerm") > before)
    return client
  },
  "in a hook that hangs": async (fleet) => {
    let called = false
    const onMaintenanceStart = (): Promise<void> => {
      called = true
      return hang
    }
    const client = await fleet.started("a", { onMaintenanceStart })
    await fleet.until("it hangs", () => called)
    return client
  },
  "in a service that hangs": async (fleet) => {
    const service = scriptedService(fleet.clock, "s", { gate: hang, ends: "ok" })
    const client = await fleet.started("a", { services: [service] })
    await fleet.until("it hangs", () => service.alive === 1)
    return client
  },
  "between two tries": async (fleet) => {
    const service = scriptedService(fleet.clock, "s", "fail")
    const client = await fleet.started("a", { services: [service] })
    await fleet.until("it failed", () => client.count("maintenance.start_failed") === 1)
    return client
  },
  "standing back": async (fleet) => {
    const service = scriptedService(fleet.clock, "s", "fail")
    const client = await fleet.started("a", { services: [service] })
    await fleet.until("it stands back", () => client.count("leader.resigned") === 1)
    return client
  },
  "while the store hangs": async (fleet) => {
    const client = await fleet.started("a")
    await leads(fleet, client)
    client.troubled.trouble(() => hang)
    return client
  },
}

describe.each(table)("handing over on $name, $by", ({ ground, hints }) => {
  test("8: a resignation that arrives when another leads leaves that one alone, also when it arrives twice", async () => {
    await using fleet = await Fleet.open(ground, hints)
    const old = await fleet.started("old")
    await leads(fleet, old)
    const { ref } = old.term!
    const reconnect = old.cutOff((operation) => operation === "resignTerm")
    const stopped = old.elector.stop()
    const next = await fleet.started("next")
    await leads(fleet, next)
    reconnect()
    await fleet.settled(stopped)
    const before = await fleet.leader()
    expect(await old.real.resignTerm(ref)).toBe("ended")
    expect(await old.real.resignTerm(ref)).toBe("ended")
    expect(await fleet.leader()).toEqual(before)
    await fleet.advance(30_000)
    expect(fleet.leading).toBe(next)
    expect(next.count("leader.lost")).toBe(0)
  })

  test("9: a healthy client leads soon after the failing one gave up, and keeps it; the failing one waits longer each time", async () => {
    await using fleet = await Fleet.open(ground, hints)
    const broken = scriptedService(fleet.clock, "broken", "fail")
    const failing = await fleet.started("failing", { services: [broken] })
    await leads(fleet, failing)
    const sound = scriptedService(fleet.clock, "sound", "ok")
    const healthy = await fleet.started("healthy", { services: [sound] })
    await fleet.until("it gives up", () => failing.count("leader.resigned") === 1)
    await leads(fleet, healthy, hints ? ground.promptMs : 7_000)
    await fleet.advance(120_000)
    expect(fleet.leading).toBe(healthy)
    expect(failing.count("leader.elected")).toBe(1)
    await fleet.settled(healthy.elector.stop())
    await fleet.until("it fails again", () => failing.count("leader.stood_back") === 2)
    const [first, second] = failing.of("leader.stood_back")
    expect(first!.failures).toBe(1)
    expect(second!.failures).toBe(2)
    expect(second!.forMs).toBeGreaterThan(first!.forMs * 1.5)
  })

  test("9: a failing client never leads twice in a row while a healthy one is there, whoever comes and goes", async () => {
    await using fleet = await Fleet.open(ground, hints)
    const failing = await fleet.started("failing", {
      services: [scriptedService(fleet.clock, "broken", "fail")],
    })
    const healthy = await fleet.started("healthy", {
      services: [scriptedService(fleet.clock, "sound", "ok")],
    })
    for (let round = 0; round < 4; round++) {
      await fleet.until("the healthy one leads", () => fleet.leading === healthy, 30_000)
      // A short absence of the healthy one lets the failing one have its turn.
      await fleet.settled(healthy.elector.stop())
      await fleet.advance(15_000)
      await healthy.elector.start()
    }
    await fleet.until("the healthy one leads", () => fleet.leading === healthy, 30_000)
    const order = elections(fleet).map(({ client }) => client)
    expect(order).toContain("failing")
    expect(order.join(" ")).not.toMatch(/failing failing/)
    expect(failing.count("leader.elected")).toBeLessThan(order.length)
  })

  test("9: standing back ends with a success", async () => {
    await using fleet = await Fleet.open(ground, hints)
    const service = scriptedService(fleet.clock, "s", "fail", "fail", "fail", "ok", "fail")
    const client = await fleet.started("a", { services: [service] })
    await fleet.until("it runs at last", () => client.count("maintenance.started") === 1)
    await fleet.settled(client.elector.stop())
    await client.elector.start()
    await fleet.until("it fails again", () => client.count("leader.stood_back") === 2)
    expect(client.of("leader.stood_back").map(({ failures }) => failures)).toEqual([1, 1])
  })

  test("15: a stop ends in bounded time in every phase, though nothing listens to its signal, and leaves no timer", async () => {
    for (const [phase, reach] of Object.entries(phases)) {
      await using fleet = await Fleet.open(ground, hints)
      const client = await reach(fleet)
      const ms = await fleet.settled(client.elector.stop(), 20_000)
      expect(ms, phase).toBeLessThanOrEqual(7_000)
      for (const other of fleet.clients) await fleet.settled(other.elector.stop())
      await fleet.rest()
      // What a store keeps for itself is not the elector's.
      expect(fleet.clock.pending, phase).toBeLessThanOrEqual(fleet.storeTimers)
    }
  })

  test("a leader that stops is succeeded at once where there are hints, and at the next bid where there are none", async () => {
    await using fleet = await Fleet.open(ground, hints)
    const first = await fleet.started("first")
    await leads(fleet, first)
    const second = await fleet.started("second")
    await fleet.advance(8_000)
    await fleet.settled(first.elector.stop())
    await leads(fleet, second, hints ? ground.promptMs : 6_500)
    expect(elections(fleet).map(({ client }) => client)).toEqual(["first", "second"])
  })

  test("a leader that vanishes is succeeded when its term is over, within a second", async () => {
    await using fleet = await Fleet.open(ground, hints)
    const first = await fleet.started("first")
    await leads(fleet, first)
    const second = await fleet.started("second")
    await fleet.advance(20_000)
    const { untilAt } = (await fleet.leader())!
    first.cutOff()
    await leads(fleet, second, 16_000)
    const { electedAt } = (await fleet.leader())!
    expect(electedAt).toBeGreaterThanOrEqual(untilAt)
    expect(electedAt).toBeLessThanOrEqual(untilAt + 1_000)
  })

  test("when a term is over, a client that could not rescue yet lets those go first that could", async () => {
    await using fleet = await Fleet.open(ground, hints)
    for (let round = 1; round <= 4; round++) {
      const leader = await fleet.started(`leader ${round}`)
      await leads(fleet, leader)
      const young = await fleet.started(`young ${round}`, { isReady: () => false })
      const old = await fleet.started(`old ${round}`)
      await fleet.advance(7_000)
      leader.cutOff()
      await fleet.until("one of them leads", () => (old.term ?? young.term) !== undefined, 16_000)
      expect(fleet.leading).toBe(old)
      const reached = [leader.elector.stop(), young.elector.stop()]
      leader.troubled.trouble(() => undefined)
      await fleet.settled(Promise.all(reached))
      await fleet.settled(old.elector.stop())
    }
  })

  test("a client that could not rescue yet leads in time where there is no other", async () => {
    await using fleet = await Fleet.open(ground, hints)
    const first = await fleet.started("first")
    await leads(fleet, first)
    const young = await fleet.started("young", { isReady: () => false })
    await fleet.advance(7_000)
    const { untilAt } = (await fleet.leader())!
    first.cutOff()
    await leads(fleet, young, 16_000)
    const { electedAt } = (await fleet.leader())!
    expect(electedAt).toBeLessThanOrEqual(untilAt + 1_000)
  })

  test("a leader that cannot renew stops trusting its term before another can win", async () => {
    await using fleet = await Fleet.open(ground, hints)
    const first = await fleet.started("first")
    await leads(fleet, first)
    const second = await fleet.started("second")
    await fleet.advance(12_000)
    first.cutOff((operation) => operation === "renewTerm" || operation === "bid")
    await fleet.until("it steps down", () => first.term === undefined, 15_000)
    expect((await fleet.leader())!.id).toBe("first")
    // `fleet.leading` would say so if both trusted their terms at any instant.
    await leads(fleet, second, 3_000)
    expect(first.calls("resignTerm")).toBe(0)
  })

  test("a slow renewal counts from when it was sent, and a late one revives nothing", async () => {
    await using fleet = await Fleet.open(ground, hints)
    const client = await fleet.started("a")
    await leads(fleet, client)
    const term = client.term!
    const reconnect = client.cutOff((operation) => operation === "renewTerm")
    await fleet.until("a renewal is on the way", () => client.calls("renewTerm") > 0, 6_000)
    const sentMono = fleet.clock.monotonic()
    await fleet.advance(4_000)
    reconnect()
    await fleet.rest()
    expect(term.leftMs).toBeGreaterThan(0)
    const untilMono = fleet.clock.monotonic() + term.leftMs
    expect(untilMono).toBeLessThanOrEqual(sentMono + fleet.times.ttlMs - fleet.times.marginMs)
    client.cutOff((operation) => operation === "renewTerm" || operation === "bid")
    await fleet.until("it steps down", () => client.term === undefined, 15_000)
    term.granted(fleet.clock.monotonic())
    expect([term.trusted, term.end]).toEqual([false, "lost"])
  })

  test("a renewal that is carried out late keeps the term, though the one after it was never answered", async () => {
    await using fleet = await Fleet.open(ground, hints)
    const client = await fleet.started("a")
    await leads(fleet, client)
    const late = Promise.withResolvers<void>()
    let renewals = 0
    client.troubled.trouble((operation) => {
      if (operation !== "renewTerm") return undefined
      renewals++
      return renewals === 1 ? late.promise : renewals === 2 ? hang : undefined
    })
    await fleet.until("it asks again", () => renewals === 2)
    late.resolve()
    await fleet.advance(60_000)
    expect([client.count("leader.elected"), client.count("leader.lost")]).toEqual([1, 0])
  })

  test("a bid whose reply was lost is won nevertheless, and only once", async () => {
    await using fleet = await Fleet.open(ground, hints)
    const client = await fleet.client("a")
    let losses = 2
    client.troubled.trouble((operation) =>
      operation === "bid" && losses-- > 0 ? "lost" : undefined,
    )
    await client.elector.start()
    await leads(fleet, client, 5_000)
    expect(client.term!.ref.term).toBe((await fleet.leader())!.term)
    expect(client.term!.ref.term).toBe(1)
  })

  test("of many that start together one leads, and the others cost the store a bid now and then", async () => {
    await using fleet = await Fleet.open(ground, hints)
    const clients: FleetClient[] = []
    for (let n = 0; n < 6; n++) clients.push(await fleet.started(`c${n}`))
    await fleet.advance(60_000)
    expect(fleet.leading).toBeDefined()
    expect(elections(fleet)).toHaveLength(1)
    const bids = clients.reduce((sum, client) => sum + client.calls("bid"), 0)
    // Ten or twelve each by polling; hints of the leader's renewals add as many.
    expect(bids).toBeLessThan(6 * (hints ? 40 : 16))
    for (const { surprises } of clients) expect(surprises).toEqual([])
  })
})

test("starts and stops in any order leave one elector or none, and never two terms at once", async () => {
  await startStopStress(
    async () => {
      const fleet = await Fleet.open(grounds[0]!, true)
      const service = scriptedService(fleet.clock, "s", "ok", "fail")
      const client = await fleet.client("a", { services: [service] })
      return {
        service: client.elector,
        alive: () => {
          expect(service.most).toBeLessThanOrEqual(1)
          // It watches the store from the beginning of a period to its end.
          return client.troubled.watches
        },
        turn: () => fleet.advance(200),
        end: () => fleet[Symbol.asyncDispose](),
      }
    },
    { seeds: 20 },
  )
})
