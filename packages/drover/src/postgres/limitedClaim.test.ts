import { expect, test } from "vitest"
import type { ClaimedJob, WorkerRef } from "../store/index.ts"
import { lockWait } from "./fixtures/lockWait.ts"
import { openTestStore, testJob } from "./fixtures/openTestStore.ts"
import type { TestStore } from "./fixtures/openTestStore.ts"
import { connectTest } from "./fixtures/testServer.ts"

let tokens = 0

async function exchange(
  { store }: TestStore,
  worker: WorkerRef,
  { done = [], limit = 0 }: { readonly done?: readonly ClaimedJob[]; readonly limit?: number },
): Promise<readonly ClaimedJob[]> {
  const settlement = { to: "completed", result: "1" } as const
  const settlements = done.map((attempt) => ({ attempt, settlement }))
  const claims = limit === 0 ? [] : [{ queue: "default", kinds: ["mail"], limit }]
  const token = ++tokens
  const request = { worker, settlements, claims, token, repeat: false, solo: false }
  return (await store.exchange(request)).claimed
}

test("a job that was enqueued while a claim under a limit was looking starts no earlier than it was enqueued", async () => {
  await using ground = await openTestStore()
  const { store, schema, client } = ground
  const limit = { scope: "queue", target: "default", type: "concurrency", by: null } as const
  await store.setLimit(limit, { max: 10, perMs: null, weights: null }, "ann")
  const rate = { scope: "queue", target: "default", type: "rate", by: null } as const
  await store.setLimit(rate, { max: 10, perMs: 60_000, weights: null }, "ann")
  const facts = { leaseMs: 60_000, host: "h", pid: 1, info: "{}" }
  const worker = await store.registerWorker({ workerId: "w", token: ++tokens, ...facts })
  await store.enqueue([testJob()])
  const first = await exchange(ground, worker, { limit: 10 })
  expect(first).toHaveLength(1)
  await exchange(ground, worker, { done: first })

  // What the first use left behind is cleared away by the next claim, after it has looked at the clock.
  await using blocker = await connectTest().then((connection) => ({
    query: (sql: string) => connection.query(sql),
    [Symbol.asyncDispose]: () => connection.end(),
  }))
  await blocker.query("begin")
  const held = await blocker.query(`select from ${schema}.limit_use for update`)
  expect(held.rowCount).toBe(1)
  const claiming = exchange(ground, worker, { limit: 10 })
  await lockWait(client, schema)
  const late = testJob()
  await store.enqueue([late])
  await blocker.query("commit")
  expect((await claiming).map(({ jobId }) => jobId)).toEqual([late.id])
  const job = (await store.get(late.id))!
  expect(job.startedAt).toBeGreaterThanOrEqual(job.enqueuedAt)
  const times = (await store.trail(late.id)).map(({ at }) => at)
  expect(times).toEqual(times.toSorted((a, b) => a - b))
  const { rows } = await client.query("select max(at)::float8 as at from limit_start")
  expect((rows as { at: number }[])[0]!.at, "the window counts from the same instant").toBe(
    job.startedAt,
  )
})
