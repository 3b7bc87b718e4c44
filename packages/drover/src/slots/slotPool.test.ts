import { getEventListeners } from "node:events"
import fc from "fast-check"
import { expect, test } from "vitest"
import { Shutdown } from "../errors/index.ts"
import { ManualClock } from "../time/index.ts"
import { SlotPool } from "./index.ts"
import type { AcquireOptions, Reservation } from "./index.ts"

// Acquires and notes under a name when that was served.
function waiter(
  pool: SlotPool,
  served: string[],
  name: string,
  options?: AcquireOptions,
): Promise<Reservation> {
  const acquired = pool.acquire(options)
  acquired.then(
    () => served.push(name),
    () => served.push(`-${name}`),
  )
  return acquired
}

async function settle(): Promise<void> {
  await new ManualClock().settle()
}

test("slots are reserved, all or none, until there are no more", () => {
  const pool = new SlotPool({ limit: 3 })
  const two = pool.tryReserve(2)
  expect(two?.weight).toBe(2)
  expect(pool.tryReserve(2)).toBeUndefined()
  expect(pool.tryReserve()?.weight).toBe(1)
  expect(pool.tryReserve()).toBeUndefined()
  two?.release()
  pool.tryReserve()?.release()
  expect(pool.stats).toMatchObject({ reserved: 1, free: 2, peak: 3, granted: 4, released: 3 })
})

test("a batch reserves what is free, is divided, and gives back the rest", () => {
  const pool = new SlotPool({ limit: 5 })
  pool.tryReserve(2)
  const batch = pool.reserveUpTo(10)
  expect([batch.weight, pool.free]).toEqual([3, 0])
  const one = batch.take()
  batch.giveBack()
  expect([one.weight, batch.weight, pool.reserved]).toEqual([1, 0, 3])
  batch.giveBack()
  batch.release()
  one.release()
  expect(pool.stats).toMatchObject({ reserved: 2, doubleReleases: 0 })
  expect(new SlotPool({ limit: 0 }).reserveUpTo(4).weight).toBe(0)
  expect(pool.reserveUpTo(0).weight).toBe(0)
})

test("part of a reservation may be given back early, never more than it holds", () => {
  const pool = new SlotPool({ limit: 5 })
  const held = pool.reserveUpTo(4)
  held.giveBack(3)
  expect([held.weight, pool.reserved]).toEqual([1, 1])
  for (const weight of [2, -1, 0.5, Number.NaN]) {
    expect(() => held.giveBack(weight)).toThrow("This reservation holds 1 slots")
    expect(() => held.take(weight)).toThrow("This reservation holds 1 slots")
  }
  held.release()
  expect(() => held.take()).toThrow("because it was released")
  expect(pool.reserved).toBe(0)
})

test("a second release frees nothing and is counted; leaving a block after a release is no second one", () => {
  const pool = new SlotPool({ limit: 2 })
  const held = pool.tryReserve()!
  pool.tryReserve()
  held.release()
  held.release()
  expect(held.released).toBe(true)
  expect(pool.stats).toMatchObject({ reserved: 1, doubleReleases: 1, released: 1 })
  {
    using early = pool.tryReserve()!
    early.release()
  }
  expect(pool.stats).toMatchObject({ reserved: 1, doubleReleases: 1 })
})

test("using releases at the end of the block, also when that throws", () => {
  const pool = new SlotPool({ limit: 1 })
  expect(() => {
    using _slot = pool.tryReserve()
    expect(pool.free).toBe(0)
    throw new Error("in the block")
  }).toThrow("in the block")
  expect(pool.free).toBe(1)
})

test("run holds a slot while the function runs, and releases however it ends", async () => {
  const pool = new SlotPool({ limit: 1 })
  expect(await pool.run((held) => [held.weight, pool.reserved])).toEqual([1, 1])
  await expect(pool.run(() => Promise.reject(new Error("no")))).rejects.toThrow("no")
  expect(pool.stats).toMatchObject({ reserved: 0, granted: 2, released: 2, doubleReleases: 0 })
})

test("a timeout that is no duration is refused also where nobody has to wait", async () => {
  const pool = new SlotPool({ limit: 1 })
  await expect(pool.acquire({ timeout: "soon" })).rejects.toMatchObject({ code: "DROVER_CONFIG" })
  expect(pool.reserved).toBe(0)
})

test("callers are served in the order in which they came", async () => {
  const pool = new SlotPool({ limit: 1 })
  const served: string[] = []
  const first = await pool.acquire()
  const waiting = ["a", "b", "c"].map((name) => waiter(pool, served, name))
  expect(pool.waiting).toBe(3)
  first.release()
  for (const acquired of waiting) (await acquired).release()
  expect(served).toEqual(["a", "b", "c"])
})

test("one that needs many is not overtaken by those that need one", async () => {
  const pool = new SlotPool({ limit: 4 })
  const served: string[] = []
  const held = [1, 2, 3, 4].map(() => pool.tryReserve()!)
  void waiter(pool, served, "big", { weight: 3 })
  void waiter(pool, served, "small")
  held[0]!.release()
  held[1]!.release()
  await settle()
  expect([served, pool.free]).toEqual([[], 0])
  expect(pool.tryReserve()).toBeUndefined()
  expect(pool.reserveUpTo(2).weight).toBe(0)
  held[2]!.release()
  await settle()
  expect(served).toEqual(["big"])
  held[3]!.release()
  await settle()
  expect(served).toEqual(["big", "small"])
})

test("an abort ends a wait with exactly its reason and leaves no trace", async () => {
  const clock = new ManualClock()
  const pool = new SlotPool({ limit: 1, clock })
  pool.tryReserve()
  const abort = new AbortController()
  const waiting = pool.acquire({ signal: abort.signal, timeout: "1m" })
  const reason = new Shutdown("bye")
  abort.abort(reason)
  await expect(waiting).rejects.toBe(reason)
  await expect(pool.acquire({ signal: abort.signal })).rejects.toBe(reason)
  expect([pool.waiting, clock.pending]).toEqual([0, 0])
  expect(getEventListeners(abort.signal, "abort")).toEqual([])
  expect(pool.stats).toMatchObject({ granted: 1, released: 0 })
})

test("an abort of the first in line serves those behind it with what is free", async () => {
  const pool = new SlotPool({ limit: 3 })
  const served: string[] = []
  pool.tryReserve(2)
  const abort = new AbortController()
  const big = waiter(pool, served, "big", { weight: 3, signal: abort.signal })
  void waiter(pool, served, "small")
  await settle()
  expect(served).toEqual([])
  abort.abort("gone")
  await expect(big).rejects.toBe("gone")
  expect(served).toEqual(["-big", "small"])
})

test("an abort in the same step as the grant loses no slot", async () => {
  const pool = new SlotPool({ limit: 1 })
  const first = pool.tryReserve()!
  const abort = new AbortController()
  const granted = pool.acquire({ signal: abort.signal })
  first.release()
  abort.abort("too late")
  const held = await granted
  expect(pool.reserved).toBe(1)
  held.release()
  expect(pool.reserved).toBe(0)
})

test("a wait that takes too long ends with Timeout, and its timer and listener go when it is served", async () => {
  const clock = new ManualClock()
  const pool = new SlotPool({ limit: 1, clock })
  const first = pool.tryReserve()!
  const late = pool.acquire({ timeout: "1s" }).catch((error: unknown) => error)
  const abort = new AbortController()
  const served = pool.acquire({ timeout: "5s", signal: abort.signal })
  await clock.advance(1_000)
  expect(await late).toMatchObject({ code: "DROVER_TIMEOUT" })
  first.release()
  await served
  expect([clock.pending, pool.waiting]).toEqual([0, 0])
  expect(getEventListeners(abort.signal, "abort")).toEqual([])
})

test("raising the limit serves at once, as many as fit, in order", async () => {
  const pool = new SlotPool({ limit: 0 })
  const served: string[] = []
  for (const [name, weight] of [
    ["a", 1],
    ["b", 2],
    ["c", 1],
  ] as const)
    void waiter(pool, served, name, { weight })
  pool.resize(2)
  await settle()
  expect(served).toEqual(["a"])
  pool.resize(4)
  await settle()
  expect([served, pool.reserved]).toEqual([["a", "b", "c"], 4])
})

test("lowering takes nothing away; slots are free again only below the new limit", async () => {
  const pool = new SlotPool({ limit: 4 })
  const held = [1, 2, 3, 4].map(() => pool.tryReserve()!)
  pool.resize(2)
  expect(pool.stats).toMatchObject({ reserved: 4, free: 0, limit: 2 })
  held[0]!.release()
  held[1]!.release()
  expect(pool.tryReserve()).toBeUndefined()
  held[2]!.release()
  expect(pool.tryReserve()?.weight).toBe(1)
})

test("who waits with a weight that a lowered limit cannot serve lets others pass until it is raised", async () => {
  const pool = new SlotPool({ limit: 4 })
  const served: string[] = []
  const held = pool.tryReserve(4)!
  void waiter(pool, served, "big", { weight: 3 })
  void waiter(pool, served, "small")
  pool.resize(2)
  held.release()
  await settle()
  expect([served, pool.free]).toEqual([["small"], 1])
  expect(pool.tryReserve()?.weight).toBe(1)
  pool.resize(5)
  await settle()
  expect(served).toEqual(["small", "big"])
})

test("a weight above the limit is refused at once, because it could wait for ever", async () => {
  const pool = new SlotPool({ limit: 2 })
  await expect(pool.acquire({ weight: 3 })).rejects.toMatchObject({ code: "DROVER_CONFIG" })
  expect(pool.tryReserve(3)).toBeUndefined()
})

test("free slots are hinted at in the same step, only when nobody waits for them, and a listener may reserve", async () => {
  const pool = new SlotPool({ limit: 1 })
  const hints: number[] = []
  let next: Reservation | undefined
  const stop = pool.onFree(() => {
    hints.push(pool.free)
    next = pool.tryReserve()
  })
  const first = pool.tryReserve()!
  const queued = pool.acquire()
  first.release()
  expect(hints).toEqual([])
  const second = await queued
  second.release()
  expect([hints, pool.reserved]).toEqual([[1], 1])
  stop()
  next?.release()
  expect(hints).toEqual([1])
  pool.resize(0)
  pool.onFree(() => hints.push(pool.free))
  pool.resize(2)
  expect(hints).toEqual([1, 2])
})

test("a listener that throws does not disturb the release, and its error is not lost", () => {
  const deferred: (() => void)[] = []
  const clock = Object.assign(new ManualClock(), {
    defer: (callback: () => void) => deferred.push(callback),
  })
  const pool = new SlotPool({ limit: 1, clock })
  let told = 0
  pool.onFree(() => {
    throw new Error("listener")
  })
  pool.onFree(() => told++)
  pool.tryReserve()?.release()
  expect([pool.free, told]).toEqual([1, 1])
  expect(deferred).toHaveLength(1)
  expect(deferred[0]).toThrow("listener")
})

test("a stuck reservation keeps its slots, and is counted once until it is released", () => {
  const pool = new SlotPool({ limit: 1 })
  const held = pool.tryReserve()!
  held.markStuck()
  held.markStuck()
  expect(pool.stats).toMatchObject({ stuck: 1, reserved: 1, free: 0 })
  held.release()
  held.markStuck()
  expect(pool.stats).toMatchObject({ stuck: 0, reserved: 0 })
})

test.each([
  [{ limit: -1 }, "slots.limit"],
  [{ limit: 1.5 }, "slots.limit"],
  [{ limit: Infinity }, "slots.limit"],
  [{ limit: 1, maxWaiting: -1 }, "slots.maxWaiting"],
  [{ limit: 1, maxWait: 5 }, 'did you mean "maxWaiting"'],
])("the options %j are refused", (options, part) => {
  expect(() => new SlotPool(options)).toThrow(part)
})

test("weights and waits that cannot work are refused, and nothing is reserved", async () => {
  const pool = new SlotPool({ limit: 2 })
  for (const weight of [0, -1, 0.5, Number.NaN]) {
    expect(() => pool.tryReserve(weight)).toThrow("weight")
    await expect(pool.acquire({ weight })).rejects.toThrow("weight")
  }
  expect(() => pool.reserveUpTo(-1)).toThrow("most")
  pool.tryReserve(2)
  await expect(pool.acquire({ timeout: "soon" })).rejects.toThrow("timeout")
  expect(pool.stats).toMatchObject({ reserved: 2, waiting: 0 })
})

interface Step {
  readonly kind: "try" | "upTo" | "acquire" | "release" | "abort" | "resize"
  readonly n: number
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constantFrom<Step["kind"][]>("try", "upTo", "acquire", "acquire"),
      n: fc.integer({ min: 1, max: 4 }),
    }),
    fc.record({
      kind: fc.constantFrom<Step["kind"][]>("release", "release", "abort"),
      n: fc.nat(20),
    }),
    fc.record({ kind: fc.constant<Step["kind"]>("resize"), n: fc.integer({ min: 0, max: 6 }) }),
  ),
  { maxLength: 60 },
)

test("in any order of steps: no grant above the limit, nobody waits who could be served, nothing is lost", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (given) => {
      const pool = new SlotPool({ limit: 4 })
      const held: Reservation[] = []
      const waiting: { weight: number; abort: AbortController }[] = []
      for (const step of given) {
        const before = pool.reserved
        await apply(pool, step, held, waiting)
        expect(pool.reserved).toBe(held.reduce((sum, { weight }) => sum + weight, 0))
        // More than before is reserved only within the limit.
        if (pool.reserved > before && pool.reserved > pool.limit)
          throw new Error("granted above the limit")
        const next = waiting.find(({ weight }) => weight <= pool.limit)
        const room = pool.limit - pool.reserved
        if (next !== undefined && next.weight <= room)
          throw new Error("the next in line could be served")
        expect(pool.waiting).toBe(waiting.length)
      }
      for (const reservation of held) reservation.release()
      pool.resize(100)
      await settle()
      for (const reservation of held) if (!reservation.released) reservation.release()
      expect(pool.stats).toMatchObject({ reserved: 0, waiting: 0, doubleReleases: 0 })
      expect(pool.stats.granted).toBe(pool.stats.released)
    }),
  )
})

async function apply(
  pool: SlotPool,
  step: Step,
  held: Reservation[],
  waiting: { weight: number; abort: AbortController }[],
): Promise<void> {
  if (step.kind === "try") {
    const reservation = pool.tryReserve(step.n)
    if (reservation !== undefined) held.push(reservation)
  } else if (step.kind === "upTo") held.push(pool.reserveUpTo(step.n))
  else if (step.kind === "resize") pool.resize(step.n)
  else if (step.kind === "release") held.splice(step.n % Math.max(1, held.length), 1)[0]?.release()
  else if (step.kind === "abort") waiting[step.n % Math.max(1, waiting.length)]?.abort.abort()
  else {
    const entry = { weight: step.n, abort: new AbortController() }
    waiting.push(entry)
    const leave = (): void => void waiting.splice(waiting.indexOf(entry), 1)
    pool.acquire({ weight: step.n, signal: entry.abort.signal }).then((reservation) => {
      leave()
      held.push(reservation)
    }, leave)
  }
  await settle()
}
