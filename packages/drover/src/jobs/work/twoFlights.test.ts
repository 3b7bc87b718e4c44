import { expect, test } from "vitest"
import type { ExchangeRequest, Store } from "../../store/index.ts"
import { defineJob } from "../define/jobDefinition.ts"
import { createWorld } from "./fixtures/world.ts"
import type { World } from "./fixtures/world.ts"

interface SlowStore {
  readonly store: Store
  /** The most exchanges that were under way at once. */
  most: number
  readonly sizes: number[]
  /** Fails exchanges after they were carried out, as a lost reply does. */
  losesReply(request: ExchangeRequest): boolean
}

/** The store of this world, whose exchanges take 5 ms and which gains by two at once. */
function slowly(world: World): SlowStore {
  let underWay = 0
  const exchange = async (request: ExchangeRequest): ReturnType<Store["exchange"]> => {
    slow.most = Math.max(slow.most, ++underWay)
    slow.sizes.push(request.settlements.length)
    await world.clock.sleep(5)
    const reply = await world.store.exchange(request)
    await world.clock.sleep(5)
    underWay--
    if (slow.losesReply(request)) throw new Error("the reply was lost")
    return reply
  }
  const store = new Proxy(world.store, {
    get(target, name) {
      if (name === "exchange") return exchange
      if (name === "flights") return 2
      const value: unknown = Reflect.get(target, name)
      return typeof value === "function" ? value.bind(target) : value
    },
  })
  const slow: SlowStore = { store, most: 0, sizes: [], losesReply: () => false }
  return slow
}

test("with a backlog two exchanges share the slots, and every job runs once", async () => {
  await using world = await createWorld()
  const slow = slowly(world)
  const runs = new Map<unknown, number>()
  let most = 0
  let running = 0
  const job = defineJob("a", {
    async run({ input }) {
      runs.set(input, (runs.get(input) ?? 0) + 1)
      most = Math.max(most, ++running)
      await world.clock.sleep(1)
      running--
    },
  })
  const ids = await world.enqueueMany("a", 1_000)
  await world.worker([job], { store: slow.store })
  for (const id of ids) await world.finished(id)
  expect(slow.most).toBe(2)
  expect(runs.size).toBe(1_000)
  expect(Math.max(...runs.values())).toBe(1)
  expect(most).toBeLessThanOrEqual(100)
})

test("a lost reply of one of the two loses no job and no slot, and none runs twice", async () => {
  await using world = await createWorld()
  const slow = slowly(world)
  let calls = 0
  slow.losesReply = () => ++calls % 3 === 0
  const runs = new Map<unknown, number>()
  const job = defineJob("a", {
    run({ input }) {
      runs.set(input, (runs.get(input) ?? 0) + 1)
    },
  })
  const ids = await world.enqueueMany("a", 600)
  await world.worker([job], { store: slow.store })
  for (const id of ids) expect(await world.finished(id)).toMatchObject({ attempt: 1 })
  expect(slow.most).toBe(2)
  expect(runs.size).toBe(600)
  expect(Math.max(...runs.values())).toBe(1)
})

test("without a backlog one exchange is under way at a time", async () => {
  await using world = await createWorld()
  const slow = slowly(world)
  await world.worker([defineJob("a", { run: () => {} })], { store: slow.store })
  for (let n = 0; n < 5; n++) await world.finished(await world.enqueue("a"))
  expect(slow.most).toBe(1)
})
