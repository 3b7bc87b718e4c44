import { describe, expect, test } from "vitest"
import { SeededRng } from "../../packages/drover/src/time/index.ts"
import { Engine } from "./engine.ts"
import { History } from "./history.ts"
import { Life } from "./life.ts"

function world(seed = 1): {
  engine: Engine
  life: (name?: string) => Life
  run: () => Promise<void>
} {
  const engine = new Engine(new SeededRng(seed))
  return {
    engine,
    life: (name = "p0") =>
      new Life({ name, engine, rng: new SeededRng(name), wallSkewMs: 0, monoOriginMs: 500 }),
    run: () =>
      engine.run(
        () => false,
        () => {},
      ),
  }
}

describe("the order of virtual time", () => {
  test("events run by instant, whatever the order in which they were scheduled", async () => {
    const { engine, run } = world()
    const seen: number[] = []
    const times = Array.from({ length: 500 }, (_, i) => (i * 7919) % 501)
    for (const at of times) engine.at(at, () => seen.push(at))
    await run()
    expect(seen).toEqual(times.toSorted((a, b) => a - b))
  })

  test("events of one instant run in an order of the seed", async () => {
    const orders = [1, 1, 2].map(async (seed) => {
      const { engine, run } = world(seed)
      const seen: number[] = []
      for (let i = 0; i < 20; i++) engine.at(5, () => seen.push(i))
      await run()
      return seen.join()
    })
    const [first, again, other] = await Promise.all(orders)
    expect(again).toBe(first)
    expect(other).not.toBe(first)
  })

  test("all promise callbacks of an event come to rest before the next event", async () => {
    const { engine, run } = world()
    const seen: string[] = []
    engine.at(1, () => {
      void (async () => {
        for (let i = 0; i < 200; i++) await Promise.resolve()
        seen.push("chain ended")
      })()
    })
    engine.at(1.000_001, () => seen.push("next event"))
    await run()
    expect(seen).toEqual(["chain ended", "next event"])
  })

  test("a program that spins without time passing is an error, not a hang", async () => {
    const { engine, life, run } = world()
    const own = life()
    const spin = (): void => own.defer(spin)
    spin()
    await expect(run()).rejects.toThrow("spins without time passing")
    expect(engine.nowMs).toBe(0)
  })
})

describe("a life", () => {
  test("keeps the order of deferred work", async () => {
    const { life, run } = world()
    const own = life()
    const seen: number[] = []
    for (let i = 0; i < 20; i++) own.defer(() => seen.push(i))
    await run()
    expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => i))
  })

  test("counts the timers that are pending, cancelled ones apart", async () => {
    const { life, run } = world()
    const own = life()
    own.setTimer(10, () => {})
    const timer = own.setTimer(20, () => expect.unreachable())
    expect(own.pendingTimers).toBe(2)
    timer.cancel()
    timer.cancel()
    expect(own.pendingTimers).toBe(1)
    await run()
    expect(own.pendingTimers).toBe(0)
  })

  test("a killed life does nothing any more, the others go on", async () => {
    const { engine, life, run } = world()
    const seen: string[] = []
    const [victim, other] = [life("victim"), life("other")]
    victim.setTimer(10, () => seen.push("victim"))
    other.setTimer(10, () => seen.push("other"))
    engine.at(5, () => victim.kill())
    await run()
    expect(seen).toEqual(["other"])
  })

  test("a paused life finds its clocks moved on and its events in their order", async () => {
    const { engine, life, run } = world()
    const own = life()
    const seen: [string, number][] = []
    own.setTimer(10, () => seen.push(["first", own.monotonic()]))
    own.setTimer(20, () => seen.push(["second", own.monotonic()]))
    own.setTimer(2_000, () => seen.push(["third", own.monotonic()]))
    engine.at(5, () => own.pause(1_000))
    await run()
    expect(seen.map(([name]) => name)).toEqual(["first", "second", "third"])
    expect(seen[0]![1]).toBe(1_505)
    expect(seen[1]![1]).toBe(1_505)
    expect(seen[2]![1]).toBeGreaterThanOrEqual(2_500)
  })

  test("a jump moves the wall clock and not the monotonic one", () => {
    const { life } = world()
    const own = life()
    const before = own.now()
    own.jumpWall(-3_600_000)
    expect(own.now()).toBe(before - 3_600_000)
    expect(own.monotonic()).toBe(500)
  })
})

test("the hash tells two histories apart and repeats for equal ones", () => {
  const digest = (lines: number, last: string): string => {
    const history = new History({ keepTail: false })
    for (let i = 0; i < lines; i++) history.add(i / 3, "p0", "claimed")
    history.add(lines, "p0", last)
    return history.digest()
  }
  expect(digest(5_000, "settled")).toBe(digest(5_000, "settled"))
  expect(digest(5_000, "settled")).not.toBe(digest(5_000, "fenced"))
  expect(digest(4_999, "settled")).not.toBe(digest(5_000, "settled"))
})
