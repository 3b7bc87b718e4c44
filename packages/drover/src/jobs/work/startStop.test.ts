import { expect, test } from "vitest"
import { isDroverError } from "../../errors/index.ts"
import { plannedFailure, startStopStress } from "../../service/stress.fixture.ts"
import type { Store } from "../../store/index.ts"
import { defineJob } from "../define/jobDefinition.ts"
import { faultyStore } from "./fixtures/faultyStore.ts"
import { createWorld } from "./fixtures/world.ts"
import { Worker } from "./worker.ts"

// Counts the rows of workers, and lets some registrations fail.
function counted(
  store: Store,
  fails: () => boolean,
): { readonly store: Store; readonly rows: () => number } {
  let rows = 0
  const registerWorker: Store["registerWorker"] = async (worker) => {
    if (fails()) throw plannedFailure()
    const registered = await store.registerWorker(worker)
    rows++
    return registered
  }
  const retireWorker: Store["retireWorker"] = async (worker) => {
    await store.retireWorker(worker)
    rows--
  }
  const own: Record<PropertyKey, unknown> = { registerWorker, retireWorker }
  return {
    store: new Proxy(store, {
      get: (target, name) => {
        const value: unknown = own[name] ?? Reflect.get(target, name, target)
        return typeof value === "function" && !(name in own)
          ? (value.bind(target) as unknown)
          : value
      },
    }),
    rows: () => rows,
  }
}

test("the start and stop contract holds for a worker that runs jobs, in any order of calls", async () => {
  const stressed = startStopStress(
    async (rng) => {
      const world = await createWorld(Math.floor(rng.next() * 1e9))
      const { clock, events } = world
      const { store, rows } = counted(world.store, () => rng.next() < 0.1)
      let runs = 0
      const job = defineJob("a", {
        run: ({ signal }) => {
          runs++
          return clock.sleep(rng.next() * 50, { signal })
        },
      })
      const worker = new Worker({ store, clock, rng, events, definitions: [job] })
      await world.enqueueMany("a", 200)
      return {
        service: worker,
        alive: rows,
        turn: () => clock.advance(10),
        mayFailWith: (error) => isDroverError(error, "DROVER_STORE_IO"),
        end: async () => {
          const stopped = worker.stopNow()
          await clock.advance(1_000)
          await stopped
          const left = await world.store.queueCounts(1_000)
          const running = left.reduce((sum, { counts }) => sum + counts.running, 0)
          expect({ running, timers: clock.pending }).toEqual({ running: 0, timers: 0 })
          expect(runs).toBeGreaterThan(0)
          await world[Symbol.asyncDispose]()
        },
      }
    },
    { seeds: 20, steps: 20 },
  )
  await expect(stressed).resolves.toBeUndefined()
})

test("what is enqueued while a worker starts is no harm to it, and runs as soon as it is registered", async () => {
  await using world = await createWorld()
  const faulty = faultyStore(world.store)
  const registered = Promise.withResolvers<void>()
  faulty.fault((operation) => (operation === "registerWorker" ? registered.promise : undefined))
  const started = world.worker([defineJob("a", { run: () => "done" })], { store: faulty.store })
  const registers = (): boolean =>
    faulty.calls.some(({ operation }) => operation === "registerWorker")
  await world.until("it registers", registers)
  // The worker is told of it.
  const id = await world.enqueue("a")
  await world.clock.advance(1_000)
  registered.resolve()
  await started
  expect(await world.finished(id)).toMatchObject({ state: "completed", attempt: 1 })
})
