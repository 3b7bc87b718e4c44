import { createHash } from "node:crypto"
import { expect, test } from "vitest"
import type { ClaimedJob, ExchangeRequest, WorkerRef } from "../store/index.ts"
import { lockWait } from "./fixtures/lockWait.ts"
import { openTestStore, testJob } from "./fixtures/openTestStore.ts"
import type { TestStore } from "./fixtures/openTestStore.ts"

// Who waits for a lock must hold none that the other may want next: else both wait until the server sees it, a second later.

function register({ store }: TestStore): Promise<WorkerRef> {
  const facts = { workerId: "w", token: 7, leaseMs: 60_000, host: "h", pid: 1, info: "{}" }
  return store.registerWorker(facts)
}

function request(worker: WorkerRef, token: number, ended: readonly ClaimedJob[]): ExchangeRequest {
  return {
    worker,
    token,
    settlements: ended.map((attempt) => ({ attempt, settlement: { to: "completed", result: null } })),
    claims: [{ queue: "default", kinds: ["mail"], limit: 1 }],
    repeat: false,
    solo: false,
  }
}

test("an exchange that waits to complete a job holds none that it claims", async () => {
  await using ground = await openTestStore()
  const { store, client, schema } = ground
  const worker = await register(ground)
  const [running, waiting] = [testJob(), testJob()]
  await store.enqueue([running])
  const { claimed } = await store.exchange(request(worker, 1, []))
  await store.enqueue([waiting])
  // Somebody who does something to both, in order of their ids.
  await client.query("begin")
  await client.query("select 1 from job where id = $1 for no key update", [running.id])
  const exchanged = store.exchange(request(worker, 2, claimed))
  await lockWait(client, schema)
  const lock = "select 1 from job where id = $1 for no key update nowait"
  expect((await client.query(lock, [waiting.id])).rowCount).toBe(1)
  await client.query("rollback")
  expect((await exchanged).settled).toEqual(["settled"])
})
