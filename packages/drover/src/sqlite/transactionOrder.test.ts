import { afterEach, beforeEach, expect, test } from "vitest"
import { Events } from "../events/index.ts"
import type { NewJob, Store } from "../store/index.ts"
import { ManualClock, SeededRng } from "../time/index.ts"
import { sqlite } from "./index.ts"

const patient = { timeoutMs: 60_000 }
let store: Store
let ids = 0

beforeEach(async () => {
  store = sqlite(":memory:").connect({
    clock: new ManualClock(),
    rng: new SeededRng("order"),
    events: new Events(),
  })
  await store.open({ migrate: true })
})

afterEach(() => store.close())

function job(): NewJob {
  const id = `019b0000-0000-7000-8000-${(++ids).toString(16).padStart(12, "0")}`
  return {
    ...{ id, kind: "mail", queue: "default", priority: 1, input: "{}", delayMs: 0, runAt: null },
    ...{ expireMs: null, maxAttempts: 5, maxCrashes: 3, timeoutMs: null, retry: null },
    ...{ tags: [], metadata: null, unique: null },
  }
}

test("writes of the same process wait for a transaction and follow it, because there is one writer", async () => {
  let outside: Promise<unknown> | undefined
  const order: string[] = []
  await store.transaction(async (tx) => {
    outside = store.enqueue([job()]).then(() => order.push("outside"))
    await tx.enqueue([job()])
    order.push("inside")
  }, patient)
  await outside
  expect(order).toEqual(["inside", "outside"])
})

test("transactions of one process follow each other", async () => {
  const order: number[] = []
  const run = (index: number): Promise<void> =>
    store.transaction(async (tx) => {
      order.push(index)
      await tx.enqueue([job()])
      order.push(index)
    }, patient)
  await Promise.all([run(1), run(2), run(3)])
  expect(order).toEqual([1, 1, 2, 2, 3, 3])
})
