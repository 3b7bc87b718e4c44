import pg from "pg"
import { expect, test } from "vitest"
import { Events } from "../events/index.ts"
import { asLeader } from "../store/asLeader.fixture.ts"
import type { Store } from "../store/index.ts"
import { systemClock, systemRng } from "../time/index.ts"
import { openTestStore, testJob } from "./fixtures/openTestStore.ts"
import type { TestStore } from "./fixtures/openTestStore.ts"
import { testServerUrl } from "./fixtures/testServer.ts"
import { postgres } from "./index.ts"
import type { PostgresOptions } from "./source.ts"

/*
 * Whoever has a connection never waits for another one of the same pool: when all who have one do that, nobody goes on.
 */

/** Another process on the schema of a world: it knows nothing of what was seen there. */
async function another({ schema }: TestStore, options: PostgresOptions): Promise<Store> {
  const environment = { clock: systemClock, rng: systemRng, events: new Events() }
  const store = postgres({ ...options, schema }).connect(environment)
  await store.open({ migrate: false })
  return store
}

test("a leader with one connection takes back jobs of kinds that it never met", async () => {
  await using world = await openTestStore()
  const who = { workerId: "w", token: 7, leaseMs: 30_000, host: "h", pid: 1, info: "{}" }
  const worker = await world.store.registerWorker(who)
  const job = testJob({ kind: "never.met" })
  await world.store.enqueue([job])
  const claims = [{ queue: "default", kinds: ["never.met"], limit: 1 }]
  const request = { worker, settlements: [], claims, token: 1, repeat: false, solo: false }
  expect((await world.store.exchange(request)).claimed).toHaveLength(1)
  const store = await another(world, { url: await testServerUrl(), max: 1 })
  const leader = await asLeader(store)
  const rescued = await leader.rescue({ deadWorkers: ["w"], expiredLeases: false, limit: 10 })
  expect(rescued).toMatchObject([{ jobId: job.id, kind: "never.met", queue: "default" }])
  await store.close()
})

test.each(["read committed", "repeatable read"])(
  "as many transactions as a pool has connections enqueue each, at isolation level %s",
  async (isolation) => {
    await using world = await openTestStore()
    const pool = new pg.Pool({ connectionString: await testServerUrl(), max: 4 })
    const store = await another(world, { pool })
    await world.store.enqueue([testJob({ kind: "there" })])
    const clients = await Promise.all([1, 2, 3, 4].map(() => pool.connect()))
    const enqueue = async (client: pg.PoolClient, kind: string): Promise<string> => {
      await client.query(`begin isolation level ${isolation}`)
      const job = testJob({ kind })
      await store.adopt(client).enqueue([job])
      await client.query("commit")
      return job.id
    }
    const of = (kind: (index: number) => string): Promise<string[]> =>
      Promise.all(clients.map((client, index) => enqueue(client, kind(index))))
    const ids = [...(await of(() => "there")), ...(await of((index) => `new.${index}`))]
    for (const client of clients) client.release()
    expect(await store.count({ ids }, 100)).toBe(8)
    await store.close()
    await pool.end()
  },
)

test("a transaction of the client enqueues on the only connection, and a lane that is rolled back is not taken for there", async () => {
  await using world = await openTestStore()
  const store = await another(world, { url: await testServerUrl(), max: 1 })
  const [undone, done, later] = [1, 2, 3].map(() => testJob({ kind: "rolled.back" })) as [
    ReturnType<typeof testJob>,
    ReturnType<typeof testJob>,
    ReturnType<typeof testJob>,
  ]
  const failing = store.transaction(
    async (tx) => {
      await tx.enqueue([undone])
      throw new Error("no")
    },
    { timeoutMs: 10_000 },
  )
  await expect(failing).rejects.toThrow("no")
  await store.transaction((tx) => tx.enqueue([done]), { timeoutMs: 10_000 })
  await store.enqueue([later])
  const { jobs } = await store.list({ kinds: ["rolled.back"] }, { limit: 10, after: null })
  expect(jobs.map(({ id }) => id).toSorted()).toEqual([done.id, later.id].toSorted())
  await store.close()
})
