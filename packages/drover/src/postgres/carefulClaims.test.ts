import { expect, test } from "vitest"
import type { NewJob, NewUnique, WorkerRef } from "../store/index.ts"
import { openTestStore, testJob } from "./fixtures/openTestStore.ts"
import type { TestStore } from "./fixtures/openTestStore.ts"

const facts = { leaseMs: 60_000, host: "h", pid: 1, info: "{}" }
let tokens = 0

function keyed(key: number): NewJob {
  const unique: NewUnique = {
    ...{ hash: Buffer.alloc(32, key), label: "key", mode: "skip", states: ["available"] },
    ...{ forMs: null, maxWaitMs: null },
  }
  return testJob({ unique, expireMs: 3_600_000 })
}

/** Jobs that have expired, so that claims end them, but whose keys a transaction of somebody else's keeps locked. */
async function lockedAhead(
  { store, client }: TestStore,
  { locked, behind, change = "" }: { locked: number; behind: readonly NewJob[]; change?: string },
): Promise<void> {
  await store.enqueue(Array.from({ length: locked }, (_, index) => keyed(index)))
  for (const job of behind) await store.enqueue([job])
  await client.query(`update job set expires_at = 1 where expires_at is not null; ${change}`)
  await client.query("begin; select from hold for update")
}

async function claim(
  { store }: TestStore,
  worker: WorkerRef,
  limit: number,
  solo = false,
): Promise<readonly string[]> {
  const claims = [{ queue: "default", kinds: ["mail", "text"], limit }]
  const ask = { worker, settlements: [], claims, token: ++tokens, repeat: false, solo }
  return (await store.exchange(ask)).claimed.map(({ jobId }) => jobId)
}

test("jobs whose keys somebody keeps locked hold nothing up that waits behind them", async () => {
  await using world = await openTestStore()
  const { store, client } = world
  const worker = await store.registerWorker({ workerId: "w", token: ++tokens, ...facts })
  const behind = ["mail", "text", "mail", "text", "mail"].map((kind) => testJob({ kind }))
  const ids = behind.map(({ id }) => id)
  // The first one is of their batch: it has their rank.
  const first = `update job set rank = 1 where expires_at is not null or id = '${ids[0]!}'`
  await lockedAhead(world, { locked: 4, behind, change: first })
  expect(await claim(world, worker, 3)).toEqual(ids.slice(0, 3))
  expect(await claim(world, worker, 1)).toEqual(ids.slice(3, 4))
  expect(await claim(world, worker, 3)).toEqual(ids.slice(4))
  expect(await claim(world, worker, 3)).toEqual([])
  expect(await store.count({ states: ["available"] }, 10)).toBe(4)
  await client.query("rollback")
  expect(await claim(world, worker, 3)).toEqual([])
  expect(await store.count({ states: ["discarded"] }, 10)).toBe(4)
})

test("solo jobs whose keys somebody keeps locked hold no other solo job up", async () => {
  await using world = await openTestStore()
  const { store } = world
  const worker = await store.registerWorker({ workerId: "w", token: ++tokens, ...facts })
  const behind = testJob()
  const change = "update job set waits = 2, solo = true"
  await lockedAhead(world, { locked: 12, behind: [behind], change })
  expect(await claim(world, worker, 1, true)).toEqual([behind.id])
})
