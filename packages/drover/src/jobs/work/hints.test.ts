import { expect, test } from "vitest"
import type { Store } from "../../store/index.ts"
import { defineJob } from "../define/jobDefinition.ts"
import { createWorld } from "./fixtures/world.ts"
import type { World } from "./fixtures/world.ts"

/** A store on which a hint is worth a claim, whose hints the test gives and whose looks are never answered. */
function blind(world: World): { readonly store: Store; readonly hint: () => void; claims: number } {
  let listener = (): void => undefined
  const state = { claims: 0, hint: () => listener(), store: world.store }
  state.store = new Proxy(world.store, {
    get(target, name) {
      if (name === "claimsOnHint") return true
      if (name === "peek") return () => new Promise(() => undefined)
      if (name === "watch") {
        return (given: () => void) => {
          listener = given
          return () => undefined
        }
      }
      if (name === "exchange") state.claims++
      const value: unknown = Reflect.get(target, name)
      return typeof value === "function" ? value.bind(target) : value
    },
  })
  return state
}

/** The same with a worker that has looked for jobs and found none. */
async function idle(world: World): Promise<ReturnType<typeof blind>> {
  const state = blind(world)
  const job = defineJob("a", { run: () => {} })
  await world.worker([job], { store: state.store, options: { poll: "1h" } })
  await world.clock.advance(100)
  return state
}

test("where a claim costs no more than a look, a hint of another process claims at once", async () => {
  await using world = await createWorld()
  const job = defineJob("a", { run: () => {} })
  const state = blind(world)
  await world.worker([job], { store: state.store, options: { poll: "1h" } })
  await world.clock.advance(100)
  const id = await world.enqueueElsewhere("a")
  state.hint()
  // No time passes.
  await world.clock.settle()
  expect((await world.row(id)).state).not.toBe("available")
})

test("hints in a burst lead to one claim at once, and to one more when the burst is over", async () => {
  await using world = await createWorld()
  const state = await idle(world)
  const before = state.claims
  for (let n = 0; n < 50; n++) state.hint()
  await world.clock.advance(5)
  expect(state.claims - before).toBe(1)
  await world.clock.advance(100)
  expect(state.claims - before).toBe(2)
})

test("a hint leads to a look, and to no claim, where limits held back what waits", async () => {
  await using world = await createWorld()
  const state = blind(world)
  const limit = { scope: "kind", target: "a", type: "concurrency", by: null } as const
  await world.store.setLimit(limit, { max: 1, perMs: null, weights: null }, "ann")
  const gate = Promise.withResolvers<void>()
  await world.enqueueMany("a", 2)
  const job = defineJob("a", { run: () => gate.promise })
  await world.worker([job], { store: state.store, options: { poll: "1h" } })
  await world.clock.advance(100)
  const before = state.claims
  state.hint()
  await world.clock.advance(100)
  expect(state.claims).toBe(before)
  gate.resolve()
})

test("of hints that come one by one five lead to a claim at once, and the next to one when its time has come", async () => {
  await using world = await createWorld()
  const state = await idle(world)
  const claims: number[] = []
  for (let n = 0; n < 6; n++) {
    const before = state.claims
    state.hint()
    await world.clock.settle()
    claims.push(state.claims - before)
    await world.clock.advance(1)
  }
  expect(claims).toEqual([1, 1, 1, 1, 1, 0])
  const before = state.claims
  await world.clock.advance(10)
  expect(state.claims - before).toBe(1)
})
