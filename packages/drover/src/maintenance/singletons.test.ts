import { afterAll, describe, expect, test } from "vitest"
import { Shutdown, TermEnded } from "../errors/index.ts"
import { Events } from "../events/index.ts"
import { Term } from "../leadership/index.ts"
import { ManualClock, SeededRng } from "../time/index.ts"
import type { Clock } from "../time/index.ts"
import { Fleet } from "./fixtures/fleet.ts"
import { grounds } from "./fixtures/grounds.ts"
import { leavePostgres } from "./fixtures/postgresGround.ts"
import { scriptedService } from "./fixtures/scriptedService.ts"
import { takeAway } from "./fixtures/takeAway.ts"
import { Singletons } from "./singletons.ts"
import type { SingletonService, SingletonStart } from "./singletons.ts"

afterAll(leavePostgres)

/** A user's service that writes down what happened to it. */
function recorded(
  start: (given: SingletonStart, turn: number) => void | Promise<void> = () => {},
): SingletonService & { readonly log: string[]; readonly reasons: unknown[]; most: number } {
  let alive = 0
  let turn = 0
  const service = {
    log: [] as string[],
    reasons: [] as unknown[],
    most: 0,
    async start(given: SingletonStart) {
      service.log.push(`start ${given.term}`)
      await start(given, ++turn)
      alive++
      service.most = Math.max(service.most, alive)
    },
    stop(reason: unknown) {
      alive--
      service.log.push("stop")
      service.reasons.push(reason)
    },
  }
  return service
}

describe.each(grounds)("a user's service that runs only on the leader, on $name", (ground) => {
  test("runs on one client at a time, handed the term, and stops with the reason why", async () => {
    await using fleet = await Fleet.open(ground, true)
    const [first, second] = [recorded(), recorded()]
    const old = await fleet.client("old")
    old.maintainer.singletons.add("s", first)
    await old.elector.start()
    await fleet.until("it runs", () => first.log.length === 1)
    const next = await fleet.client("next")
    next.maintainer.singletons.add("s", second)
    await next.elector.start()
    await fleet.advance(10_000)
    expect(second.log).toEqual([])
    await fleet.settled(old.elector.stop())
    await fleet.until("the other runs", () => second.log.length === 1)
    expect(first.log).toEqual(["start 1", "stop"])
    expect(first.reasons[0]).toBeInstanceOf(Shutdown)
    expect(second.log).toEqual(["start 2"])
  })

  test("has stopped before the term is given back, if it stops in time", async () => {
    await using fleet = await Fleet.open(ground, true)
    const gate = Promise.withResolvers<void>()
    let resigned: boolean | undefined
    const client = await fleet.client("a")
    client.maintainer.singletons.add("s", {
      start: () => {},
      stop: async () => {
        await gate.promise
        resigned = client.calls("resignTerm") > 0
      },
    })
    await client.elector.start()
    await fleet.until("it runs", () => client.count("singleton.started") === 1)
    const stopped = client.elector.stop()
    await fleet.advance(200)
    gate.resolve()
    await fleet.settled(stopped)
    expect(resigned).toBe(false)
  })

  test("that cannot start is tried again with a growing wait, and keeps nobody from their work", async () => {
    await using fleet = await Fleet.open(ground, true)
    const broken = recorded((_, turn) => {
      if (turn < 6) throw new Error("not yet")
    })
    const sound = recorded()
    const maintenance = scriptedService(fleet.clock, "m", "ok")
    const client = await fleet.client("a", { services: [maintenance] })
    client.maintainer.singletons.add("broken", broken)
    client.maintainer.singletons.add("sound", sound)
    await client.elector.start()
    await fleet.until("the sound one runs", () => sound.log.length === 1, 500)
    await fleet.until("the broken one runs at last", () => client.count("singleton.started") === 2)
    expect(maintenance.alive).toBe(1)
    expect(client.count("leader.resigned")).toBe(0)
    const waits = client.of("singleton.start_failed").map(({ retryInMs }) => retryInMs)
    expect(waits).toHaveLength(5)
    expect(waits[4]!).toBeGreaterThan(waits[0]! * 3)
  })

  test("whose start hangs over the end of its term is stopped when it comes back, and never runs twice at once", async () => {
    await using fleet = await Fleet.open(ground, true)
    const gate = Promise.withResolvers<void>()
    const service = recorded((_, turn) => (turn === 1 ? gate.promise : undefined))
    const client = await fleet.client("a")
    client.maintainer.singletons.add("s", service)
    await client.elector.start()
    await fleet.until("it starts", () => service.log.length === 1)
    await takeAway(fleet, client, 2_000)
    await fleet.until("it leads again", () => (client.term?.ref.term ?? 0) === 3)
    await fleet.advance(12_000)
    expect(service.log).toEqual(["start 1"])
    gate.resolve()
    await fleet.until("it runs in the new term", () => service.log.length === 3)
    expect(service.log).toEqual(["start 1", "stop", "start 3"])
    expect(service.reasons[0]).toBeInstanceOf(TermEnded)
    expect(service.most).toBe(1)
  })

  test("can be added while the client leads, and removed while it runs", async () => {
    await using fleet = await Fleet.open(ground, true)
    const client = await fleet.started("a")
    await fleet.until("it leads", () => client.term !== undefined)
    const service = recorded()
    const remove = client.maintainer.singletons.add("s", service)
    expect(() => client.maintainer.singletons.add("s", service)).toThrow(/registered already/)
    await fleet.until("it runs", () => service.log.length === 1)
    await remove()
    expect(service.log).toEqual(["start 1", "stop"])
    client.maintainer.singletons.add("s", recorded())
  })
})

test.each([0, 1])(
  "a user's service is not started after its term, when a stall lets the term's timer come late: after %i tries",
  async (tries) => {
    const manual = new ManualClock()
    let stallMs = 0
    const clock: Clock = {
      now: () => manual.now() + stallMs,
      monotonic: () => manual.monotonic() + stallMs,
      setTimer: (ms, callback) => manual.setTimer(ms, callback),
      defer: (callback) => manual.defer(callback),
      sleep: (ms, options) => manual.sleep(ms, options),
    }
    const lease = { ttlMs: 15_000, beatMs: 5_000, marginMs: 1_000 }
    const term = new Term({ term: 1, token: 1 }, lease, clock, clock.monotonic())
    const rng = new SeededRng("stall")
    const singletons = new Singletons({ clock, rng, events: new Events(), startTimeoutMs: 10_000 })
    const service = recorded(() => {
      throw new Error("not yet")
    })
    singletons.add("s", service)
    if (tries === 0) stallMs = lease.ttlMs
    singletons.begin(term)
    await manual.settle()
    stallMs = lease.ttlMs
    // Its next try comes due before the end of the term that was armed first.
    await manual.advance(2_000)
    expect(term.end).toBeUndefined()
    expect(service.log).toHaveLength(tries)
    term.lose("the test is over")
    await manual.settle()
  },
)
