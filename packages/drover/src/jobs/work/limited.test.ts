import { expect, test } from "vitest"
import type { LimitId, Store } from "../../store/index.ts"
import { defineJob } from "../define/jobDefinition.ts"
import { faultyStore } from "./fixtures/faultyStore.ts"
import { createWorld } from "./fixtures/world.ts"

// Long enough that only hints, freed places and the instants of windows can explain a claim.
const rarely = { poll: "1h" } as const
const tenant = "kind:a#concurrency.tenant"
const tenantLimit: LimitId = { scope: "kind", target: "a", type: "concurrency", by: "tenant" }
const kindLimit: LimitId = { ...tenantLimit, by: null }
const rateLimit: LimitId = { scope: "kind", target: "a", type: "rate", by: null }
const most = (max: number): { max: number; perMs: null; weights: null } => ({
  max,
  perMs: null,
  weights: null,
})

/** A kind whose handlers wait for a gate. */
function gated(): { readonly job: ReturnType<typeof defineJob>; readonly running: (() => void)[] } {
  const running: (() => void)[] = []
  const run = (): Promise<void> => new Promise((resolve) => running.push(resolve))
  return { running, job: defineJob("a", { run }) }
}

test.each([
  ["of each key", tenantLimit],
  ["over all", kindLimit],
])(
  "a worker under a limit %s asks only when something may have changed, and goes on as soon as a job ends",
  async (_, limit) => {
    await using world = await createWorld()
    const gate = gated()
    await world.store.setLimit(limit, most(2), "ann")
    const { store, calls } = faultyStore(world.store)
    await world.worker([gate.job], { store, options: rarely })
    await world.enqueueMany("a", 6, { keys: [{ limit: tenant, key: "t" }] })
    await world.until("two run", () => gate.running.length === 2)
    await world.clock.advance(1_000)
    const before = calls.length
    await world.clock.advance(600_000)
    // A look after each beat, which another process may have made; but no claim, and so nothing is written.
    const claims = calls.slice(before).filter(({ operation }) => operation === "exchange")
    expect(claims).toEqual([])
    for (let done = 0; done < 4; done++) {
      const count = gate.running.length
      gate.running[done]?.()
      await world.until("the next runs", () => gate.running.length > count, 100)
      expect(gate.running.length - done - 1).toBe(2)
    }
    for (const open of gate.running) open()
  },
)

test("a place that becomes free in one process wakes the worker of another", async () => {
  await using world = await createWorld()
  const [first, second] = [gated(), gated()]
  await world.store.setLimit(tenantLimit, most(1), "ann")
  await world.enqueueMany("a", 2, { keys: [{ limit: tenant, key: "t" }] })
  await world.worker([first.job], { options: rarely, queues: { default: { slots: 1 } } })
  await world.until("one runs", () => first.running.length === 1)
  const store = await world.connect()
  await world.worker([second.job], { store, options: rarely })
  await world.clock.advance(1_000)
  expect(second.running).toHaveLength(0)
  first.running[0]?.()
  const both = (): boolean => first.running.length + second.running.length === 2
  await world.until("the other one runs, wherever", both, 200)
  first.running[1]?.()
  second.running[0]?.()
})

test("a window that has room again wakes the worker at that instant", async () => {
  await using world = await createWorld()
  const starts: number[] = []
  const job = defineJob("a", { run: () => void starts.push(world.clock.now()) })
  await world.store.setLimit(rateLimit, { max: 2, perMs: 5_000, weights: null }, "ann")
  await world.enqueueMany("a", 6)
  await world.worker([job], { options: rarely })
  await world.until("all have run", () => starts.length === 6)
  for (const [index, at] of starts.entries()) {
    if (index < 2) continue
    expect(at - (starts[index - 2] ?? 0)).toBeGreaterThanOrEqual(5_000)
    expect(at - (starts[index - 2] ?? 0)).toBeLessThan(5_100)
  }
})

test("where many wait for a window, a worker comes at random within the time that the store names", async () => {
  await using world = await createWorld()
  const starts: number[] = []
  const job = defineJob("a", { run: () => void starts.push(world.clock.now()) })
  await world.store.setLimit(rateLimit, { max: 1, perMs: 5_000, weights: null }, "ann")
  await world.enqueueMany("a", 8)
  const peek: Store["peek"] = async (request) => ({
    ...(await world.store.peek(request)),
    spreadMs: 4_000,
  })
  const store = new Proxy(world.store, {
    get(target, name) {
      if (name === "peek") return peek
      const value = target[name as keyof Store] as unknown
      return typeof value === "function" ? (value.bind(target) as unknown) : value
    },
  })
  await world.worker([job], { store, options: rarely })
  await world.until("all have run", () => starts.length === 8, 100_000)
  const late = starts.slice(1).map((at, index) => at - starts[index]! - 5_000)
  expect(Math.min(...late)).toBeGreaterThanOrEqual(0)
  expect(Math.max(...late)).toBeLessThan(4_100)
  expect(new Set(late.map((ms) => Math.floor(ms / 500))).size, late.join()).toBeGreaterThan(3)
})

test("a limit that an operator raises lets waiting jobs go on at once", async () => {
  await using world = await createWorld()
  const gate = gated()
  await world.store.setLimit(tenantLimit, most(0), "ann")
  await world.enqueueMany("a", 3, { keys: [{ limit: tenant, key: "t" }] })
  await world.worker([gate.job], { options: rarely })
  await world.clock.advance(1_000)
  expect(gate.running).toHaveLength(0)
  const operator = await world.connect()
  await operator.setLimit(tenantLimit, most(3), "ann")
  await world.until("all run", () => gate.running.length === 3, 1_000)
  for (const open of gate.running) open()
})
