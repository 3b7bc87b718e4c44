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
    settlements: ended.map((attempt) => ({
      attempt,
      settlement: { to: "completed", result: null },
    })),
    claims: [{ queue: "default", kinds: ["mail"], limit: 1 }],
    repeat: false,
    solo: false,
  }
}

test("a cancel that waits for a job which somebody claims holds none that runs", async () => {
  await using ground = await openTestStore()
  const { store, client, schema } = ground
  const worker = await register(ground)
  const [running, waiting] = [testJob(), testJob()]
  await store.enqueue([running])
  await store.exchange(request(worker, 1, []))
  await store.enqueue([waiting])
  // As an exchange that claims this one and goes on to complete the other.
  await client.query("begin")
  await client.query("select 1 from job where id = $1 for no key update", [waiting.id])
  const options = { actor: "ann", reason: "", limit: 10 }
  const cancelled = store.act("cancel", { ids: [running.id, waiting.id] }, options)
  await lockWait(client, schema)
  const lock = "select 1 from job where id = $1 for no key update nowait"
  const locked = await client.query(lock, [running.id]).catch(() => ({ rowCount: 0 }))
  await client.query("rollback")
  expect(locked.rowCount).toBe(1)
  expect(await cancelled).toMatchObject({ changed: [waiting.id], requested: [running.id] })
})

/** A completed job with a unique key, and one without. */
async function completed(ground: TestStore): Promise<{ keyed: string; plain: string }> {
  const { store } = ground
  const worker = await register(ground)
  const hash = createHash("sha256").update("k").digest()
  const states = ["scheduled", "available", "running", "retryable"] as const
  const unique = { hash, label: "k", mode: "skip", states, forMs: null, maxWaitMs: null } as const
  const [keyed, plain] = [testJob({ unique }), testJob()]
  await store.enqueue([keyed, plain])
  const first = await store.exchange(request(worker, 1, []))
  const second = await store.exchange(request(worker, 2, first.claimed))
  await store.exchange(request(worker, 3, second.claimed))
  return { keyed: keyed.id, plain: plain.id }
}

test("retention passes over a job whose key somebody has locked, and waits for nobody", async () => {
  await using ground = await openTestStore()
  const { store, client } = ground
  const { keyed, plain } = await completed(ground)
  const candidate = { id: "c", host: "h", pid: 1, info: "{}" }
  const token = 5
  const won = await store.bid({ candidate, token, ttlMs: 60_000 })
  if (!won.won) throw new Error("nobody else leads")
  const retention = {
    completedMs: 0,
    discardedMs: false,
    cancelledMs: false,
    bytes: false,
  } as const
  const prune = { term: { term: won.term, token }, retention, limit: 10 }
  // As an enqueue with this key in a transaction of a user's.
  await client.query("begin")
  await client.query("select 1 from hold for update")
  expect(await store.prune(prune)).toMatchObject({ jobs: 1 })
  expect([await store.get(plain), (await store.get(keyed))?.id]).toEqual([null, keyed])
  expect(await store.prune(prune), "nothing to hurry for").toEqual({ jobs: 0, more: false })
  await client.query("rollback")
  expect(await store.prune(prune)).toEqual({ jobs: 1, more: false })
  expect(await store.get(keyed)).toBeNull()
})

test.each(["delete", "retry"] as const)(
  "a %s that waits for a key holds no job",
  async (action) => {
    await using ground = await openTestStore()
    const { store, client, schema } = ground
    const { keyed } = await completed(ground)
    await client.query("begin")
    await client.query("select 1 from hold for update")
    const options = { actor: "ann", reason: "", limit: 10 }
    const acted = store.act(action, { ids: [keyed] }, options)
    await lockWait(client, schema)
    const lock = "select 1 from job where id = $1 for update nowait"
    expect((await client.query(lock, [keyed])).rowCount).toBe(1)
    await client.query("rollback")
    expect((await acted).changed).toEqual([keyed])
  },
)
